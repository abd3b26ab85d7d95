using System.Collections.Frozen;
using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>The checks of one message type in field order; types that contain themselves share one plan.</summary>
internal sealed class MessagePlan
{
    private FieldCheck[] checks = [];
    private Action<IMessage>? dropUnknownFields;

    private MessagePlan()
    {
    }

    /// <summary>Compiles a type and every type within it.</summary>
    /// <param name="message">The type.</param>
    /// <param name="known">Plans that exist; the new ones are added when all of them are whole.</param>
    /// <exception cref="InvalidOperationException">A label asks for what its field cannot have.</exception>
    public static MessagePlan Compile(MessageDescriptor message, Dictionary<MessageDescriptor, MessagePlan> known)
    {
        var all = new Dictionary<MessageDescriptor, MessagePlan>(known);
        var plan = CompileWithin(message, all);
        foreach (var (type, made) in all)
            known[type] = made;
        return plan;
    }

    public void Check(IMessage message, List<FieldFault> faults, int depth)
    {
        foreach (var check in checks)
        {
            if (faults.Count >= Refusal.MaximumFaults)
                return;
            check.Check(message, faults, depth);
        }
    }

    public void DropUnknownFields(IMessage message)
    {
        dropUnknownFields!(message);
        foreach (var check in checks)
            check.DropUnknownFields(message);
    }

    private static MessagePlan CompileWithin(MessageDescriptor message, Dictionary<MessageDescriptor, MessagePlan> known)
    {
        if (known.TryGetValue(message, out var plan))
            return plan;
        plan = known[message] = new MessagePlan();
        plan.dropUnknownFields = Dropper(message);
        plan.checks =
        [
            .. message.Fields.InDeclarationOrder().Select(field => CompileField(field, known)),
        ];
        var oneofs = message.Oneofs.Where(oneof => !oneof.IsSynthetic && oneof.Fields.Any(field => FieldCheck.RulesOf(field).Required));
        foreach (var oneof in oneofs)
        {
            // Stands where the first member stands, so that faults keep field order.
            var first = plan.checks.ToList().FindIndex(check => check.Number == oneof.Fields[0].FieldNumber);
            plan.checks = [.. plan.checks[..first], new OneofCheck(oneof), .. plan.checks[first..]];
        }

        return plan;
    }

    private static FieldCheck CompileField(FieldDescriptor field, Dictionary<MessageDescriptor, MessagePlan> known)
    {
        if (field.IsMap)
            throw new InvalidOperationException($"{field.FullName}: a map in a request has no rules.");
        return field.FieldType switch
        {
            FieldType.String => new TextCheck(field),
            FieldType.Enum => new CodeCheck(field),
            FieldType.Message when field.MessageType == Timestamp.Descriptor => new TimestampCheck(field, CompileWithin(field.MessageType, known)),
            FieldType.Message => new MessageCheck(field, CompileWithin(field.MessageType, known)),
            FieldType.Group => throw new InvalidOperationException($"{field.FullName}: a group in a request has no rules."),
            FieldType.Bytes => new BytesCheck(field),
            _ => new NumberCheck(field),
        };
    }

    /// <summary>Sets the private field in which generated messages keep what they do not know; checked here, so a change of that name stops the start.</summary>
    private static Action<IMessage> Dropper(MessageDescriptor message)
    {
        var unknown = message.ClrType.GetField("_unknownFields", BindingFlags.Instance | BindingFlags.NonPublic)
            ?? throw new InvalidOperationException($"{message.FullName}: where are its unknown fields?");
        var parameter = Expression.Parameter(typeof(IMessage), "message");
        return AtFirstUse.Compile(Expression.Lambda<Action<IMessage>>(
            Expression.Assign(
                Expression.Field(Expression.Convert(parameter, message.ClrType), unknown),
                Expression.Constant(null, typeof(UnknownFieldSet))),
            parameter));
    }
}

/// <summary>The checks of one field, singular or repeated.</summary>
internal abstract class FieldCheck
{
    private const int DefaultMaximumItems = 100;

    private readonly Func<IMessage, bool> isOther;
    private readonly Func<IMessage, int>? count;
    private readonly int maximumItems;

    protected FieldCheck(FieldDescriptor field)
    {
        Field = field;
        Rules = RulesOf(field);
        if (Rules.MaxItems > 0 && !field.IsRepeated)
            throw Contradiction("max_items of a field that is no list");
        if (Rules.OneByOne && !(field.IsRepeated && field.FieldType == FieldType.Message))
            throw Contradiction("one_by_one of a field that is no list of messages");
        maximumItems = Rules.MaxItems > 0 ? checked((int)Rules.MaxItems) : DefaultMaximumItems;
        isOther = field.RealContainingOneof is null ? static _ => false : CompileIsOther(field);
        count = field.IsRepeated ? Compile<int>(field, property => Expression.Property(property, "Count")) : null;
    }

    public int Number => Field.FieldNumber;

    protected FieldDescriptor Field { get; }

    protected Wire.FieldRules Rules { get; }

    public static Wire.FieldRules RulesOf(FieldDescriptor field) => field.GetOptions()?.GetExtension(Wire.OptionsExtensions.Rules) ?? new Wire.FieldRules();

    public virtual void Check(IMessage message, List<FieldFault> faults, int depth)
    {
        if (isOther(message))
            return;
        if (count is null)
        {
            CheckValue(message, 0, faults, depth);
            return;
        }

        var items = count(message);
        if (items == 0 && Rules.Required)
            faults.Add(new FieldFault(Field.Name, FieldFaultKind.Required));
        if (items > maximumItems)
        {
            faults.Add(new FieldFault(Field.Name, FieldFaultKind.TooMany, Text(maximumItems)));
            return;
        }

        for (var index = 0; index < items && faults.Count < Refusal.MaximumFaults; index++)
            CheckValue(message, index, faults, depth);
    }

    public virtual void DropUnknownFields(IMessage message)
    {
    }

    /// <summary>Checks one value: the field's own (index 0 of a singular field) or an item of its list.</summary>
    protected abstract void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth);

    /// <summary>Whether an empty value breaks a rule: of a required field, and always in a list, where it could only be a mistake.</summary>
    protected bool RefusesEmpty => Rules.Required || Field.IsRepeated;

    protected string PathOf(int index) => Field.IsRepeated ? $"{Field.Name}[{Text(index)}]" : Field.Name;

    protected static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    protected InvalidOperationException Contradiction(string what) => new($"{Field.FullName}: {what}.");

    /// <summary>Reads the value at an index: the property itself, or its item.</summary>
    protected Func<IMessage, int, T> CompileValue<T>(Func<Expression, Expression>? convert = null)
    {
        var message = Expression.Parameter(typeof(IMessage), "message");
        var index = Expression.Parameter(typeof(int), "index");
        Expression value = Property(Field, message);
        if (Field.IsRepeated)
            value = Expression.Property(value, "Item", index);
        return AtFirstUse.Compile(Expression.Lambda<Func<IMessage, int, T>>(convert?.Invoke(value) ?? Expression.Convert(value, typeof(T)), message, index));
    }

    protected static Func<IMessage, T> Compile<T>(FieldDescriptor field, Func<Expression, Expression> convert)
    {
        var message = Expression.Parameter(typeof(IMessage), "message");
        return AtFirstUse.Compile(Expression.Lambda<Func<IMessage, T>>(convert(Property(field, message)), message));
    }

    /// <summary>Whether a oneof holds another member than this one, or none.</summary>
    private static Func<IMessage, bool> CompileIsOther(FieldDescriptor field)
    {
        var message = Expression.Parameter(typeof(IMessage), "message");
        return AtFirstUse.Compile(Expression.Lambda<Func<IMessage, bool>>(
            Expression.NotEqual(OneofCheck.Case(field.RealContainingOneof, message), Expression.Constant(field.FieldNumber)), message));
    }

    private static MemberExpression Property(FieldDescriptor field, ParameterExpression message) =>
        Expression.Property(Expression.Convert(message, field.ContainingType.ClrType), field.PropertyName);
}

/// <summary>A oneof of which one member must be set.</summary>
internal sealed class OneofCheck : FieldCheck
{
    private readonly Func<IMessage, int> setMember;
    private readonly FieldFault fault;

    public OneofCheck(OneofDescriptor oneof) : base(oneof.Fields[0])
    {
        var message = Expression.Parameter(typeof(IMessage), "message");
        setMember = AtFirstUse.Compile(Expression.Lambda<Func<IMessage, int>>(Case(oneof, message), message));
        fault = new FieldFault(oneof.Name, FieldFaultKind.OneOfRequired, string.Join(", ", oneof.Fields.Select(field => field.Name)));
    }

    /// <summary>Number of the member that is set; 0: none.</summary>
    public static UnaryExpression Case(OneofDescriptor oneof, ParameterExpression message)
    {
        var owner = oneof.ContainingType.ClrType;
        // `subject_key` becomes SubjectKeyCase. The descriptor does not say so, so the property is looked for.
        var property = owner.GetProperties().Single(candidate =>
            candidate.PropertyType.IsEnum && string.Equals(candidate.Name, oneof.Name.Replace("_", "", StringComparison.Ordinal) + "Case", StringComparison.OrdinalIgnoreCase));
        return Expression.Convert(Expression.Property(Expression.Convert(message, owner), property), typeof(int));
    }

    public override void Check(IMessage message, List<FieldFault> faults, int depth)
    {
        if (setMember(message) == 0)
            faults.Add(fault);
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
    }
}

/// <summary>A code of a table: set where required, and known.</summary>
internal sealed class CodeCheck : FieldCheck
{
    private readonly Func<IMessage, int, int> valueOf;
    private readonly FrozenSet<int> known;

    public CodeCheck(FieldDescriptor field) : base(field)
    {
        if (Rules.MaxLength > 0 || Rules.MinLength > 0 || Rules.Format != default || Rules.Minimum > 0 || Rules.Maximum > 0)
            throw Contradiction("a rule for texts or numbers on a code");
        valueOf = CompileValue<int>();
        known = field.EnumType.Values.Select(value => value.Number).ToFrozenSet();
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
        var value = valueOf(message, index);
        if (value == 0 && RefusesEmpty)
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.Required));
        else if (value != 0 && !known.Contains(value))
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.UnknownCode));
    }
}

/// <summary>A number or truth value: set where required, and within its range.</summary>
internal sealed class NumberCheck : FieldCheck
{
    private readonly Func<IMessage, int, decimal>? valueOf;

    public NumberCheck(FieldDescriptor field) : base(field)
    {
        if (Rules.MaxLength > 0 || Rules.MinLength > 0 || Rules.Format != default)
            throw Contradiction("a rule for texts on a number");
        if (Rules.Minimum > 0 && Rules.Maximum == 0)
            throw Contradiction("a minimum without a maximum");
        if (!Rules.Required && Rules.Maximum == 0)
            return;
        valueOf = field.FieldType switch
        {
            FieldType.Bool => CompileValue<decimal>(value => Expression.Condition(value, Expression.Constant(1m), Expression.Constant(0m))),
            FieldType.Float or FieldType.Double => throw Contradiction("a rule on a floating-point number"),
            _ => CompileValue<decimal>(),
        };
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
        if (valueOf is null)
            return;
        var value = valueOf(message, index);
        if (value == 0 && Rules.Required)
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.Required));
        else if (Rules.Maximum > 0 && (value < Rules.Minimum || value > Rules.Maximum))
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.OutOfRange, string.Create(CultureInfo.InvariantCulture, $"{Rules.Minimum}–{Rules.Maximum}")));
    }
}

/// <summary>Bytes: set where required; no other rule exists for them.</summary>
internal sealed class BytesCheck : FieldCheck
{
    private readonly Func<IMessage, int, ByteString> valueOf;

    public BytesCheck(FieldDescriptor field) : base(field)
    {
        if (Rules.MaxLength > 0 || Rules.MinLength > 0 || Rules.Format != default || Rules.Minimum > 0 || Rules.Maximum > 0)
            throw Contradiction("a rule for texts or numbers on bytes");
        valueOf = CompileValue<ByteString>();
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
        if (RefusesEmpty && valueOf(message, index).IsEmpty)
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.Required));
    }
}

/// <summary>A message within the request: set where required, and valid itself.</summary>
internal class MessageCheck : FieldCheck
{
    private readonly Func<IMessage, int, IMessage?> valueOf;
    private readonly Func<IMessage, int> countOf;
    private readonly MessagePlan plan;

    public MessageCheck(FieldDescriptor field, MessagePlan plan) : base(field)
    {
        if (Rules.MaxLength > 0 || Rules.MinLength > 0 || Rules.Format != default || Rules.Minimum > 0 || Rules.Maximum > 0)
            throw Contradiction("a rule for texts or numbers on a message");
        valueOf = CompileValue<IMessage?>();
        countOf = field.IsRepeated
            ? Compile<int>(field, property => Expression.Property(property, "Count"))
            : message => valueOf(message, 0) is null ? 0 : 1;
        this.plan = plan;
    }

    public override void DropUnknownFields(IMessage message)
    {
        for (int index = 0, items = countOf(message); index < items; index++)
            plan.DropUnknownFields(valueOf(message, index)!);
    }

    protected override void CheckValue(IMessage message, int index, List<FieldFault> faults, int depth)
    {
        if (Rules.OneByOne)
            return;
        if (valueOf(message, index) is not { } value)
        {
            if (Rules.Required)
                faults.Add(new FieldFault(PathOf(index), FieldFaultKind.Required));
            return;
        }

        if (depth >= RequestRules.MaximumDepth)
        {
            faults.Add(new FieldFault(PathOf(index), FieldFaultKind.TooDeep, Text(RequestRules.MaximumDepth)));
            return;
        }

        var before = faults.Count;
        CheckMessage(value, faults, depth + 1);
        // A path is written only once there is a fault: each message puts its own part in front.
        for (var fault = before; fault < faults.Count; fault++)
            faults[fault] = faults[fault] with { Path = faults[fault].Path.Length == 0 ? PathOf(index) : $"{PathOf(index)}.{faults[fault].Path}" };
    }

    /// <summary>Checks a message that is set; faults with an empty path are about the message itself.</summary>
    protected virtual void CheckMessage(IMessage value, List<FieldFault> faults, int depth) => plan.Check(value, faults, depth);
}

/// <summary>An instant within protobuf's range: the years 1 to 9999, nanoseconds 0 to 999,999,999.</summary>
internal sealed class TimestampCheck(FieldDescriptor field, MessagePlan plan) : MessageCheck(field, plan)
{
    private const long FirstSecond = -62_135_596_800;
    private const long LastSecond = 253_402_300_799;

    protected override void CheckMessage(IMessage value, List<FieldFault> faults, int depth)
    {
        var timestamp = (Timestamp)value;
        if (timestamp.Seconds is < FirstSecond or > LastSecond || timestamp.Nanos is < 0 or > 999_999_999)
            faults.Add(new FieldFault("", FieldFaultKind.NotATimestamp));
    }
}
