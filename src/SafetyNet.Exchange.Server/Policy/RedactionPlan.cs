using System.Collections;
using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Policy;

/// <summary>How an answer of one type is redacted (遮蔽, R-NTK-2): compiled once from the labels of the contract, then run with no reflection. A field is kept
/// where its own label, and the class that its class field states, may be seen; everything else is cleared, what has no label included.</summary>
internal sealed class RedactionPlan
{
    /// <summary>Bit 0 is in no <see cref="ClassSet"/>: what needs it is never shown.</summary>
    private const uint Never = 1;

    private static readonly uint NotPersonal = ClassSet.Of(Wire.ConfidentialityClass.NotPersonal).Bits;
    private static readonly ConcurrentDictionary<MessageDescriptor, RedactionPlan> Compiled = new();
    private static readonly Lock Compiling = new();

    private Text[] texts = [];
    private Step[] steps = [];

    /// <summary>Labels of the type and of all types inside it, <see cref="Never"/> for a missing one.</summary>
    private uint needs;

    private RedactionPlan()
    {
    }

    /// <summary>Classes that an answer of this type can carry by its labels. Free text can carry others: see <see cref="CarriesText"/>.</summary>
    public ClassSet Carries => new(needs & ~Never);

    /// <summary>The type holds free text somewhere whose class the text's own sibling field states.</summary>
    public bool CarriesText { get; private set; }

    /// <summary>The plan of a message type of the contract.</summary>
    public static RedactionPlan For(MessageDescriptor type)
    {
        if (Compiled.TryGetValue(type, out var plan))
            return plan;
        lock (Compiling)
        {
            if (Compiled.TryGetValue(type, out plan))
                return plan;
            foreach (var (compiledType, compiled) in CompileAll(type, FieldLabel.Of))
                Compiled.TryAdd(compiledType, compiled);
            return Compiled[type];
        }
    }

    /// <summary>A plan by other labels than the contract's own; not kept.</summary>
    internal static RedactionPlan Compile(MessageDescriptor type, Func<FieldDescriptor, FieldLabel> labels) => CompileAll(type, labels)[type];

    /// <summary>Clears what may not be seen, in place. NOT_PERSONAL is always seen. An element of a list whose text may not be seen leaves the list as a whole.</summary>
    public void Redact(IMessage message, ClassSet visible) => Run(message, visible.Bits | NotPersonal);

    /// <summary>Classes that the free texts of a message state, after it was redacted: what of them is shown.</summary>
    public ClassSet TextClasses(IMessage message)
    {
        var found = ClassSet.None;
        if (!CarriesText) return found;
        foreach (ref readonly var text in texts.AsSpan())
            found |= ClassSet.Of((Wire.ConfidentialityClass)text.ClassField.GetValue(message));
        foreach (ref readonly var step in steps.AsSpan())
        {
            if (step.Inside is not { CarriesText: true } inside) continue;
            var value = step.Field.GetValue(message);
            if (value is IMessage single) found |= inside.TextClasses(single);
            else if (value is IList list)
                foreach (IMessage element in list) found |= inside.TextClasses(element);
        }

        return found;
    }

    private void Run(IMessage message, uint visible)
    {
        // Texts first: their class fields may be cleared below.
        foreach (ref readonly var text in texts.AsSpan())
        {
            if (!text.MayBeSeen(message, visible))
                text.Field.Clear(message);
        }

        foreach (ref readonly var step in steps.AsSpan())
        {
            if ((step.Needs & ~visible) != 0)
                step.Field.Clear(message);
            else if (step.Inside is { } inside && inside.MayHide(visible))
                Descend(step, inside, message, visible);
        }
    }

    private static void Descend(in Step step, RedactionPlan inside, IMessage message, uint visible)
    {
        var value = step.Field.GetValue(message);
        if (!step.IsRepeated)
        {
            if (value is IMessage single)
                inside.Run(single, visible);
            return;
        }

        var list = (IList)value;
        var kept = 0;
        for (var at = 0; at < list.Count; at++)
        {
            var element = (IMessage)list[at]!;
            if (inside.HidesText(element, visible))
                continue;
            inside.Run(element, visible);
            if (kept != at)
                list[kept] = element;
            kept++;
        }

        for (var at = list.Count - 1; at >= kept; at--)
            list.RemoveAt(at);
    }

    private bool MayHide(uint visible) => CarriesText || (needs & ~visible) != 0;

    private bool HidesText(IMessage message, uint visible)
    {
        foreach (ref readonly var text in texts.AsSpan())
        {
            if (!text.MayBeSeen(message, visible))
                return true;
        }

        return false;
    }

    /// <summary>Plans of a type and of every type of the contract inside it; types may hold each other.</summary>
    private static Dictionary<MessageDescriptor, RedactionPlan> CompileAll(MessageDescriptor root, Func<FieldDescriptor, FieldLabel> labels)
    {
        var plans = new Dictionary<MessageDescriptor, RedactionPlan> { [root] = new() };
        var open = new Queue<MessageDescriptor>([root]);
        while (open.TryDequeue(out var type))
        {
            foreach (var field in type.Fields.InDeclarationOrder())
            {
                if (FieldLabel.IsOfContract(field) && plans.TryAdd(field.MessageType, new RedactionPlan()))
                    open.Enqueue(field.MessageType);
            }
        }

        foreach (var (type, plan) in plans)
            plan.Fill(type, labels, plans);
        bool grew;
        do
        {
            grew = false;
            foreach (var plan in plans.Values)
                grew |= plan.Gather();
        }
        while (grew);
        return plans;
    }

    private void Fill(MessageDescriptor type, Func<FieldDescriptor, FieldLabel> labels, Dictionary<MessageDescriptor, RedactionPlan> plans)
    {
        List<Text> withClassField = [];
        List<Step> others = [];
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            var label = labels(field);
            var own = label.Class is { } one ? BitOrNever(one) : 0;
            if (label.ClassField.Length != 0)
            {
                var stated = FieldLabel.FindClassField(field, label.ClassField);
                if (stated is null || field.IsRepeated || field.IsMap || field.FieldType == FieldType.Message)
                    others.Add(new Step(field.Accessor, Never, Inside: null, IsRepeated: false));
                else
                    withClassField.Add(new Text(field.Accessor, own, stated.Accessor));
                needs |= own;
                continue;
            }

            var inside = FieldLabel.IsOfContract(field) ? plans[field.MessageType] : null;
            if (label.Class is null && inside is null)
                own = Never;
            others.Add(new Step(field.Accessor, own, inside, field.IsRepeated));
            needs |= own;
        }

        texts = [.. withClassField];
        // What everyone may see and holds nothing needs no step.
        steps = [.. others.Where(s => s.Needs != NotPersonal || s.Inside is not null)];
        CarriesText = texts.Length != 0;
    }

    /// <summary>Takes over what the types inside need; true: something was added.</summary>
    private bool Gather()
    {
        var (oldNeeds, oldText) = (needs, CarriesText);
        foreach (var step in steps)
        {
            if (step.Inside is not { } inside)
                continue;
            needs |= inside.needs;
            CarriesText |= inside.CarriesText;
        }

        return needs != oldNeeds || CarriesText != oldText;
    }

    private static uint BitOrNever(Wire.ConfidentialityClass one) => CodeTable.Classes.BitOf((int)one) is not 0 and var bit ? bit : Never;

    /// <summary>One field: kept where every class it needs may be seen; a message of the contract is looked into then.</summary>
    private readonly record struct Step(IFieldAccessor Field, uint Needs, RedactionPlan? Inside, bool IsRepeated);

    /// <summary>Free text whose class stands beside it; unset or unknown is hidden.</summary>
    private readonly record struct Text(IFieldAccessor Field, uint Needs, IFieldAccessor ClassField)
    {
        public bool MayBeSeen(IMessage message, uint visible) =>
            (Needs & ~visible) == 0 && (BitOrNever((Wire.ConfidentialityClass)ClassField.GetValue(message)) & ~visible) == 0;
    }
}
