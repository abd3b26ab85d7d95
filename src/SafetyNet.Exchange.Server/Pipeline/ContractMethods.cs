using System.Collections.Frozen;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Policy;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>The methods of the contract with their access rules, read once from the labels in the .proto files.</summary>
internal sealed class ContractMethods
{
    private readonly FrozenDictionary<string, MethodRule> byName;

    private ContractMethods(FrozenDictionary<string, MethodRule> byName) => this.byName = byName;

    /// <summary>Every method, in ordinal order of its full name.</summary>
    public IReadOnlyCollection<MethodRule> All => field ??= [.. byName.Values.OrderBy(rule => rule.FullName, StringComparer.Ordinal)];

    /// <summary>Reads the labels of the services, and of every message of their package that they or their imports define.</summary>
    /// <param name="services">Services of the contract; grpc.health and grpc.reflection are not among them, they carry no labels.</param>
    /// <exception cref="InvalidOperationException">A method or field lacks its label, or a label contradicts itself. All findings are named: the server does not start.</exception>
    public static ContractMethods Build(IEnumerable<ServiceDescriptor> services)
    {
        var served = services.ToList();
        var findings = new List<string>();
        var methods = served.SelectMany(service => service.Methods).Select(method => (Method: method, Access: AccessOf(method))).ToList();
        foreach (var (method, access) in methods)
            CheckAccess(method, access, findings);
        CheckLabels(served, findings);
        if (findings.Count > 0)
            throw new InvalidOperationException("The contract is not fully labelled: " + string.Join("; ", findings));
        return new ContractMethods(methods
            .Select(pair => new MethodRule(pair.Method, pair.Access!))
            .ToFrozenDictionary(rule => rule.FullName, StringComparer.Ordinal));
    }

    /// <summary>The rule of a method; null: not a method of the contract.</summary>
    /// <param name="fullMethodName">As gRPC writes it, e.g. <c>/safetynet.exchange.v1.ReferralService/GetReferral</c>.</param>
    public MethodRule? Find(string fullMethodName) => byName.GetValueOrDefault(fullMethodName);

    private static Wire.MethodAccess? AccessOf(MethodDescriptor method) => method.GetOptions()?.GetExtension(Wire.OptionsExtensions.Access);

    private static void CheckAccess(MethodDescriptor method, Wire.MethodAccess? access, List<string> findings)
    {
        if (access is null)
        {
            findings.Add($"{method.FullName} has no (access)");
            return;
        }

        if (access.Scope.Length == 0)
            findings.Add($"{method.FullName} names no scope");
        if (access.Purposes.Count == 0)
            findings.Add($"{method.FullName} names no purpose");
        if (CodeSet.HasForeign(access.Purposes) || CodeSet.HasForeign(access.Roles) || CodeSet.HasForeign(access.UnitKinds) || CodeSet.HasForeign(access.Relationships))
            findings.Add($"{method.FullName} names a code outside its table");
        if (method.InputType.FindFieldByName("context") is not { FieldType: FieldType.Message, MessageType.Name: nameof(Wire.AccessContext) })
            findings.Add($"{method.InputType.FullName} has no context");
        if (access.ChangesState != method.InputType.FindFieldByName("request_id") is { FieldType: FieldType.String })
            findings.Add($"{method.FullName} changes state and {method.InputType.Name} has no request_id, or the other way round");
    }

    private static void CheckLabels(List<ServiceDescriptor> services, List<string> findings)
    {
        var files = new Dictionary<string, FileDescriptor>(StringComparer.Ordinal);
        foreach (var service in services)
            AddFiles(service.File, service.File.Package, files);
        foreach (var field in files.Values.SelectMany(file => file.MessageTypes).SelectMany(Flatten).SelectMany(message => message.Fields.InDeclarationOrder()))
            CheckLabel(field, findings);
    }

    private static void AddFiles(FileDescriptor file, string package, Dictionary<string, FileDescriptor> files)
    {
        // The labels themselves are written in the terms of options.proto, which holds no data.
        var isOptions = string.Equals(file.Name, Wire.OptionsReflection.Descriptor.Name, StringComparison.Ordinal);
        if (isOptions || !string.Equals(file.Package, package, StringComparison.Ordinal) || !files.TryAdd(file.Name, file))
            return;
        foreach (var import in file.Dependencies)
            AddFiles(import, package, files);
    }

    private static IEnumerable<MessageDescriptor> Flatten(MessageDescriptor message) => [message, .. message.NestedTypes.SelectMany(Flatten)];

    private static void CheckLabel(FieldDescriptor field, List<string> findings)
    {
        var options = field.GetOptions();
        var label = options?.GetExtension(Wire.OptionsExtensions.Confidentiality) ?? default;
        var classField = options?.GetExtension(Wire.OptionsExtensions.ClassField) ?? "";
        var isMessageOfContract = field.FieldType == FieldType.Message && string.Equals(field.MessageType.File.Package, field.File.Package, StringComparison.Ordinal);
        if (label == default && classField.Length == 0 && !isMessageOfContract)
            findings.Add($"{field.FullName} has no (confidentiality)");
        if (label != default && !Enum.IsDefined(label))
            findings.Add($"{field.FullName} has an unknown (confidentiality)");
        if (classField.Length > 0
            && field.ContainingType.FindFieldByName(classField) is not { FieldType: FieldType.Enum, IsRepeated: false, EnumType.Name: nameof(Wire.ConfidentialityClass) })
            findings.Add($"{field.FullName} names a (class_field) that is no class");
    }
}

/// <summary>Who may call one method and for what, ready to be asked on every call.</summary>
internal sealed record MethodRule
{
    private readonly CodeSet purposes;
    private readonly CodeSet roles;
    private readonly CodeSet unitKinds;
    private readonly Func<IMessage, Wire.AccessContext?> context;
    private readonly Func<IMessage, string>? requestId;

    public MethodRule(MethodDescriptor method, Wire.MethodAccess access)
    {
        FullName = $"/{method.Service.FullName}/{method.Name}";
        Service = method.Service.Name;
        Name = method.Name;
        Input = method.InputType;
        Output = method.OutputType;
        Scope = access.Scope;
        Purposes = [.. access.Purposes];
        Roles = [.. access.Roles];
        UnitKinds = [.. access.UnitKinds];
        Relationships = RelationshipSet.Of([.. access.Relationships]);
        PersonalData = access.PersonalData;
        BreakGlass = access.BreakGlass;
        ChangesState = access.ChangesState;
        ReferenceRequired = access.ReferenceRequired;
        purposes = CodeSet.Of(Purposes);
        roles = CodeSet.OfOrAll(Roles);
        unitKinds = CodeSet.OfOrAll(UnitKinds);
        context = Getter<Wire.AccessContext?>(Input, "context");
        requestId = ChangesState ? Getter<string>(Input, "request_id") : null;
    }

    /// <summary>As gRPC writes it, e.g. <c>/safetynet.exchange.v1.ReferralService/GetReferral</c>.</summary>
    public string FullName { get; }

    /// <summary>Name of the service without its package, e.g. <c>ReferralService</c>.</summary>
    public string Service { get; }

    /// <summary>Name of the method, e.g. <c>GetReferral</c>.</summary>
    public string Name { get; }

    /// <summary>Type of the request.</summary>
    public MessageDescriptor Input { get; }

    /// <summary>Type of the answer.</summary>
    public MessageDescriptor Output { get; }

    /// <summary>Scope that the token must hold.</summary>
    public string Scope { get; }

    /// <summary>Purposes that fit, in the order of the .proto; never empty.</summary>
    public IReadOnlyList<Wire.Purpose> Purposes { get; }

    /// <summary>Roles that may act; empty: every one.</summary>
    public IReadOnlyList<Wire.ActorRole> Roles { get; }

    /// <summary>Kinds of unit that may act; empty: every one.</summary>
    public IReadOnlyList<Wire.UnitKind> UnitKinds { get; }

    /// <summary>Relationships of which the caller must hold one; empty: none is needed. Judged by the need-to-know decision, not here.</summary>
    public RelationshipSet Relationships { get; }

    public bool PersonalData { get; }

    public bool BreakGlass { get; }

    public bool ChangesState { get; }

    public bool ReferenceRequired { get; }

    /// <summary>False for UNSPECIFIED and for numbers outside the table.</summary>
    public bool AllowsPurpose(Wire.Purpose purpose) => purposes.Contains((int)purpose);

    /// <inheritdoc cref="AllowsPurpose"/>
    public bool AllowsRole(Wire.ActorRole role) => roles.Contains((int)role);

    /// <inheritdoc cref="AllowsPurpose"/>
    public bool AllowsUnitKind(Wire.UnitKind kind) => unitKinds.Contains((int)kind);

    /// <summary>The access context of a request of this method; null: it carries none.</summary>
    public Wire.AccessContext? ContextOf(IMessage request) => context(request);

    /// <summary>The request_id of a request of this method; empty: it carries none, or the method only reads.</summary>
    public string RequestIdOf(IMessage request) => requestId is null ? "" : requestId(request);

    private static Func<IMessage, T> Getter<T>(MessageDescriptor message, string field)
    {
        // A delegate of the property itself: a compiled expression per method is a tenth of a second of every start.
        var property = message.ClrType.GetProperty(message.FindFieldByName(field).PropertyName)!.GetMethod!;
        return typeof(MethodRule).GetMethod(nameof(Typed), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(message.ClrType, typeof(T))
            .CreateDelegate<Func<MethodInfo, Func<IMessage, T>>>()(property);
    }

    private static Func<IMessage, T> Typed<TMessage, T>(MethodInfo property) where TMessage : IMessage
    {
        var get = property.CreateDelegate<Func<TMessage, T>>();
        return request => get((TMessage)request);
    }
}

/// <summary>Codes of one table as bits; the tables of the contract have fewer than 64 codes, checked when a set is made.</summary>
internal readonly record struct CodeSet(ulong Bits)
{
    public static CodeSet Of<TCode>(IEnumerable<TCode> codes) where TCode : struct, Enum =>
        new(codes.Aggregate(0UL, (bits, code) => bits | Bit(Convert.ToInt32(code, null))));

    /// <summary>The codes, or where there are none every known one but UNSPECIFIED.</summary>
    public static CodeSet OfOrAll<TCode>(IReadOnlyCollection<TCode> codes) where TCode : struct, Enum =>
        Of(codes.Count > 0 ? codes : Enum.GetValues<TCode>().Where(code => Convert.ToInt32(code, null) != 0));

    /// <summary>Whether UNSPECIFIED or a number outside the table is among the codes.</summary>
    public static bool HasForeign<TCode>(IEnumerable<TCode> codes) where TCode : struct, Enum =>
        codes.Any(code => Convert.ToInt32(code, null) == 0 || !Enum.IsDefined(code));

    public bool Contains(int code) => code is >= 0 and < 64 && (Bits >> code & 1) != 0;

    private static ulong Bit(int code) =>
        code is >= 0 and < 64 ? 1UL << code : throw new InvalidOperationException($"Code {code} does not fit a set of 64.");
}
