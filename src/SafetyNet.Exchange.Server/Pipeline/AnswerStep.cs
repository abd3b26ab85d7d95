using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>What an answer shows and what it withholds, as classes.</summary>
internal readonly record struct Shown(ClassSet Classes, ClassSet Withheld)
{
    public static Shown Nothing => new(ClassSet.None, ClassSet.None);
}

/// <summary>
/// Step 9: the answer leaves with the classes that decisions of this call made visible, and no other; a feature that forgot to decide shows nothing
/// personal. The answer names what it withholds, the same whether or not it exists (R-NTK-2).
/// </summary>
internal sealed class AnswerStep
{
    /// <summary>Trailer that carries the commitment of the record.</summary>
    public const string RecordTrailer = "safetynet-record";

    private readonly ConcurrentDictionary<MessageDescriptor, FieldDescriptor?> _disclosures = new();

    public Shown Redact(Call call, IMessage answer)
    {
        var plan = RedactionPlan.For(answer.Descriptor);
        plan.Redact(answer, call.Visible);
        var shown = new Shown(((plan.Carries & call.Visible) | plan.TextClasses(answer)) & ClassSet.Personal, (plan.Carries.Without(call.Visible) | call.Withheld) & ClassSet.Personal);
        if (_disclosures.GetOrAdd(answer.Descriptor, FindDisclosure) is not { } field) return shown;
        var disclosure = new Wire.Disclosure { DecisionId = call.DecisionText, PolicyRevision = call.Policy.Revision };
        disclosure.ShownClasses.Add(shown.Classes.InTableOrder());
        disclosure.WithheldClasses.Add(shown.Withheld.InTableOrder());
        field.Accessor.SetValue(answer, disclosure);
        return shown;
    }

    /// <summary>The commitment of the record, so that the caller can prove later that its call is in the log (R-AUD-8), and the decision's id.</summary>
    public static void AddTrailers(Metadata trailers, Call call, LogPlace place)
    {
        Span<char> commitment = stackalloc char[64];
        place.Position.TryFormat(commitment, out var at, provider: CultureInfo.InvariantCulture);
        commitment[at++] = ':';
        at += Base64Url.EncodeToChars(place.LeafHash, commitment[at..]);
        trailers.Add(RecordTrailer, new string(commitment[..at]));
        trailers.Add("safetynet-decision", call.DecisionText);
    }

    private static FieldDescriptor? FindDisclosure(MessageDescriptor answer) =>
        answer.Fields.InDeclarationOrder().FirstOrDefault(f => f.FieldType == FieldType.Message && f.MessageType == Wire.Disclosure.Descriptor);
}
