using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>What a valid request looks like, read once from the <c>(rules)</c> labels of its type and asked on every call without reflection.</summary>
/// <remarks>
/// <para>
/// Checked in field order, per value the first that fails: set where required; length in Unicode code points; items; well-formed text without control
/// characters; written form; known code; range; instants within protobuf's range. Of a oneof only the member that is set is checked; where its members are
/// required, one must be set.
/// </para>
/// <para>Canonical forms are not made here: a national id in full-width letters is valid and stays as it was sent.</para>
/// </remarks>
internal sealed class RequestRules
{
    /// <summary>Most messages within messages; protobuf's own parser stops there too.</summary>
    public const int MaximumDepth = 100;

    private static readonly ConcurrentDictionary<MessageDescriptor, RequestRules> Compiled = new();

    /// <summary>Plans by type, shared by all requests: the access context is in every one. Guarded by itself.</summary>
    private static readonly Dictionary<MessageDescriptor, MessagePlan> Plans = [];

    private readonly MessagePlan plan;

    private RequestRules(MessageDescriptor request)
    {
        lock (Plans)
            plan = MessagePlan.Compile(request, Plans);
    }

    /// <summary>The rules of a message type.</summary>
    /// <exception cref="InvalidOperationException">A label asks for what its field cannot have, such as a written form of a number.</exception>
    public static RequestRules For(MessageDescriptor request) => Compiled.GetOrAdd(request, static descriptor => new RequestRules(descriptor));

    /// <summary>Takes out of a request, and of all messages in it, what this version of the contract does not know.</summary>
    public static void DropUnknownFields(IMessage request) => For(request.Descriptor).plan.DropUnknownFields(request);

    /// <summary>Adds what is wrong with a request, in field order, until there are <see cref="Refusal.MaximumFaults"/> faults.</summary>
    /// <param name="request">A message of the type that the rules are for.</param>
    /// <param name="faults">Where the faults go; untouched when the request is valid.</param>
    public void Check(IMessage request, List<FieldFault> faults) => plan.Check(request, faults, depth: 1);
}
