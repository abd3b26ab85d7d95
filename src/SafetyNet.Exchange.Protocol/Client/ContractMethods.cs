using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>The calls of the contract by name, for tools that know them at run time only.</summary>
public static class ContractMethods
{
    private static readonly FileDescriptor[] Files =
    [
        Wire.MembersReflection.Descriptor, Wire.ReferralsReflection.Descriptor, Wire.CasesReflection.Descriptor, Wire.HouseholdsReflection.Descriptor,
        Wire.InboxReflection.Descriptor, Wire.AuditReflection.Descriptor, Wire.GrantsReflection.Descriptor, Wire.BreakGlassReflection.Descriptor,
        Wire.PoliciesReflection.Descriptor, Wire.ConferencesReflection.Descriptor, Wire.DisclosuresReflection.Descriptor, Wire.RevealsReflection.Descriptor, Wire.MisuseReflection.Descriptor,
        Wire.RetentionReflection.Descriptor, Wire.ReportsReflection.Descriptor, Wire.ClocksReflection.Descriptor,
        Wire.ReferralHandshakesReflection.Descriptor, Wire.ReferralWorkReflection.Descriptor,
        Wire.LeadDisputesReflection.Descriptor, Wire.CaseNotesReflection.Descriptor, Wire.CaseWatchReflection.Descriptor, Wire.CaseLifeReflection.Descriptor, Wire.ServicePlansReflection.Descriptor,
        Wire.VisitsReflection.Descriptor, Wire.MeetingsReflection.Descriptor, Wire.TrackedItemsReflection.Descriptor, Wire.HouseholdDeliveriesReflection.Descriptor, Wire.PersonLinksReflection.Descriptor,
    ];

    /// <summary>Every call, in the order of the contract.</summary>
    public static IReadOnlyList<MethodDescriptor> All { get; } = [.. Files.SelectMany(file => file.Services).SelectMany(service => service.Methods)];

    /// <summary>Finds a call by <c>Service/Method</c>, with or without the package before it; letter case does not matter. Null where there is none.</summary>
    public static MethodDescriptor? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var wanted = name.TrimStart('/');
        return All.FirstOrDefault(method => Named(method.Service.FullName, method) || Named(method.Service.Name, method));

        bool Named(string service, MethodDescriptor method) => string.Equals($"{service}/{method.Name}", wanted, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The access rule that the contract states for the call.</summary>
    public static Wire.MethodAccess AccessOf(MethodDescriptor method)
    {
        ArgumentNullException.ThrowIfNull(method);
        return method.GetOptions()?.GetExtension(Wire.OptionsExtensions.Access) ?? new Wire.MethodAccess();
    }

    /// <summary>The call as a channel's invoker takes it.</summary>
    public static Method<IMessage, IMessage> ToGrpc(MethodDescriptor method)
    {
        ArgumentNullException.ThrowIfNull(method);
        var type = (method.IsClientStreaming, method.IsServerStreaming) switch
        {
            (false, false) => MethodType.Unary,
            (false, true) => MethodType.ServerStreaming,
            (true, false) => MethodType.ClientStreaming,
            (true, true) => MethodType.DuplexStreaming,
        };
        return new Method<IMessage, IMessage>(type, method.Service.FullName, method.Name, MarshallerOf(method.InputType), MarshallerOf(method.OutputType));
    }

    private static Marshaller<IMessage> MarshallerOf(MessageDescriptor message) =>
        Marshallers.Create(static value => value.ToByteArray(), bytes => message.Parser.ParseFrom(bytes));
}
