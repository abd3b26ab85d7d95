using Grpc.Core;
using SafetyNet.Exchange.Protocol.Identifiers;
using SafetyNet.Exchange.Server.Deliveries;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.PersonLinks;

/// <summary>The RPCs by which a clerk of a register decides whether two numbers are one person's (R-HH-7): load, decide, change, answer. What follows from it is <see cref="PersonLinking"/>'s.</summary>
internal sealed class PersonLinkService : Wire.PersonLinkService.PersonLinkServiceBase
{
    private const string Rule = "R-HH-7";

    public override Task<Wire.DecidePersonLinkResponse> DecidePersonLink(Wire.DecidePersonLinkRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        var (kept, other) = (Find(call, request.KeptNationalId), Find(call, request.OtherNationalId));
        if (call.Replayed is { } made) return Task.FromResult(new Wire.DecidePersonLinkResponse { Link = Load(call, Guid.Parse(made)).ToWire(call.Vault) });
        if (string.Equals(kept.NationalId, other.NationalId, StringComparison.Ordinal)) throw Refusal.InvalidField(new FieldFault("other_national_id", FieldFaultKind.NotAllowedHere));
        // To part needs no registration: who was linked by mistake is not bound to somebody who has moved or died.
        if (kept.Row is not { SameAs: null } person || person.Jurisdiction != call.Agency.Jurisdiction || !(person.HouseholdId is not null || (request.Decision == Wire.PersonLinkDecision.NotSame && person.IsRegistered)))
            throw Refuse(Wire.ErrorReason.PersonNotRegisteredHere, "kept_national_id");
        var isTaken = other.Row is { SameAs: { } taken } && taken == person.PersonId;
        if (request.Decision == Wire.PersonLinkDecision.Same)
        {
            if (other.Row is { HouseholdId: not null }) throw Refuse(Wire.ErrorReason.PersonStillRegistered, "other_national_id");
            if (!isTaken)
            {
                if (other.Row is { SameAs: not null }) throw Refuse(Wire.ErrorReason.PersonLinkedOtherwise, "other_national_id");
                PersonLinking.Join(call, person, other);
            }
        }
        else if (isTaken)
        {
            PersonLinking.Part(call, person, other.Row!.PersonId);
        }

        var link = PersonLinking.Keep(call, kept, other, request.Decision, request.Reason, deliveryId: null);
        call.Touches("person-link", link.LinkId);
        call.Change.Key!.Outcome = link.LinkId.ToString();
        return Task.FromResult(new Wire.DecidePersonLinkResponse { Link = link.ToWire(call.Vault) });
    }

    public override Task<Wire.ListPersonLinksResponse> ListPersonLinks(Wire.ListPersonLinksRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        Admit(call);
        var nationalId = NationalId.Parse(request.NationalId).Canonical;
        call.Concerns(nationalId);
        var size = request.PageSize == 0 ? 50 : request.PageSize;
        var index = call.Vault.Index.OfNationalId(nationalId);
        var isOurs = call.Read.FindKnown(call.Read.KeptIndex(index)) is { HouseholdId: not null } person && person.Jurisdiction == call.Agency.Jurisdiction;
        var found = call.Read.LinksOf(isOurs ? null : call.Agency.Jurisdiction, index, PageToken.Read(request.PageToken, Guid.AllBitsSet), size + 1);
        var response = new Wire.ListPersonLinksResponse();
        foreach (var row in found.Take(size))
        {
            call.Touches("person-link", row.LinkId);
            response.Links.Add(row.ToWire(call.Vault));
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(found[size - 1].LinkId);
        return Task.FromResult(response);
    }

    /// <summary>A register decides on what is its own: as its view of its own register.</summary>
    private static void Admit(Call call)
    {
        if (call.Agency.Kind != Wire.AgencyKind.HouseholdRegistration)
            throw new Refusal(Wire.ErrorReason.UnitKindNotAllowed, ("unit_kind", CodeText.Of(call.Unit.Kind)), ("allowed", CodeText.Of(Wire.UnitKind.HouseholdOffice)));
        call.Decide(call.Ask(RelationshipSet.Of(Wire.Relationship.Registrar), call.Agency.Jurisdiction));
    }

    private static LinkedNumber Find(Call call, string text)
    {
        var nationalId = NationalId.Parse(text).Canonical;
        call.Concerns(nationalId);
        var index = call.Vault.Index.OfNationalId(nationalId);
        return new LinkedNumber(nationalId, index, call.Read.FindKnown(index));
    }

    private static PersonLinkRow Load(Call call, Guid linkId)
    {
        call.Touches("person-link", linkId);
        return call.Read.FindLink(linkId) ?? throw new Refusal(Wire.ErrorReason.NotFound);
    }

    private static Refusal Refuse(Wire.ErrorReason reason, string field) => new(reason, ("field", field), ("rule", Rule));
}
