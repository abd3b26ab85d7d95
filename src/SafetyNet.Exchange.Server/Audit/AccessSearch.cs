using System.Diagnostics;
using System.Globalization;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Audit;

/// <summary>A record that was found, with its place.</summary>
internal readonly record struct FoundAccess(long Position, byte[] LeafHash, Wire.AuditRecord Record);

/// <summary>One page of a search.</summary>
/// <param name="Found">Newest first.</param>
/// <param name="GoOnBelow">Where the next page begins; null: there is none.</param>
internal readonly record struct AccessPage(IReadOnlyList<FoundAccess> Found, long? GoOnBelow);

/// <summary>What an officer looks for; every part that is set must hold. Unset: empty, or the code UNSPECIFIED.</summary>
internal sealed record AccessFilter
{
    public string Pseudonym { get; init; } = "";

    public string ActorPersonId { get; init; } = "";

    public string ActorUnitId { get; init; } = "";

    public string AgencyCode { get; init; } = "";

    public Wire.ConfidentialityClass ShownClass { get; init; }

    public Wire.LegalBasis LegalBasis { get; init; }

    public Wire.Purpose Purpose { get; init; }

    public Wire.AuditOutcome Outcome { get; init; }

    /// <summary>Full name, <c>/safetynet.exchange.v1.HouseholdService/LookUpHousehold</c>.</summary>
    public string Method { get; init; } = "";

    /// <summary><c>referral/ID</c>, <c>case/ID</c> ...: what the access touched, or named as its reference.</summary>
    public string Resource { get; init; } = "";

    public bool BreakGlass { get; init; }

    /// <summary>Inclusive; the earliest instant: from the beginning.</summary>
    public DateTimeOffset After { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Exclusive.</summary>
    public DateTimeOffset Before { get; init; } = DateTimeOffset.MaxValue;

    /// <summary>Records of this jurisdiction alone; TW: of all, as an officer of the central level sees them.</summary>
    public Wire.Jurisdiction Within { get; init; }

    public SearchQuestion ToQuestion()
    {
        List<ulong> terms = [];
        if (Within != Wire.Jurisdiction.Tw) terms.Add(SearchTerm.Jurisdiction(Within));
        if (Pseudonym.Length > 0) terms.Add(SearchTerm.Subject(Pseudonym));
        if (ActorPersonId.Length > 0) terms.Add(SearchTerm.Actor(ActorPersonId));
        if (ActorUnitId.Length > 0) terms.Add(SearchTerm.Unit(ActorUnitId));
        if (AgencyCode.Length > 0) terms.Add(SearchTerm.Agency(AgencyCode));
        if (ShownClass != default) terms.Add(SearchTerm.Shown(ShownClass));
        if (LegalBasis != default) terms.Add(SearchTerm.Basis(LegalBasis));
        if (Purpose != default) terms.Add(SearchTerm.Purpose(Purpose));
        if (Outcome != default) terms.Add(SearchTerm.Outcome(Outcome));
        if (Method.Length > 0) terms.Add(SearchTerm.Method(Method));
        if (Resource.Length > 0) terms.Add(SearchTerm.Resource(Resource));
        if (BreakGlass) terms.Add(SearchTerm.BreakGlass());
        return new SearchQuestion(terms, Storage.Instants.ToMicros(After), Storage.Instants.ToMicros(Before));
    }

    /// <summary>
    /// Puts what is searched for into the officer's own record (R-AUD-4), besides the person, who stands there as a pseudonym. Agency, unit and method are named where the exchange knows them:
    /// any other text finds nothing, and might be anything.
    /// </summary>
    public void TellTo(Call call)
    {
        if (ActorPersonId.Length > 0 && TextCharacters.IsActorId(ActorPersonId)) call.Searches("actor", ActorPersonId);
        if (call.Members.FindUnit(ActorUnitId) is { } unit) call.Searches("unit", unit.UnitId);
        if (call.Members.Agencies.FirstOrDefault(one => string.Equals(one.Code, AgencyCode, StringComparison.Ordinal)) is { } agency) call.Searches("agency", agency.Code);
        if (ShownClass != default) call.Searches("class", CodeText.Of(ShownClass));
        if (LegalBasis != default) call.Searches("basis", CodeText.Of(LegalBasis));
        if (Purpose != default) call.Searches("purpose", CodeText.Of(Purpose));
        if (Outcome != default) call.Searches("outcome", CodeText.Of(Outcome));
        if (Method.Length > 0 && Protocol.Client.ContractMethods.Find(Method) is { } method) call.Searches("method", $"{method.Service.Name}/{method.Name}");
        if (Resource.Split('/') is [var kind, var id] && kind.All(c => char.IsAsciiLetterLower(c) || c == '-') && Guid.TryParseExact(id, "D", out var known)) call.Searches(kind, known.ToString());
        if (BreakGlass) call.Searches("break-glass", "yes");
        if (After > DateTimeOffset.UnixEpoch) call.Searches("after", After.ToString("O", CultureInfo.InvariantCulture));
        if (Before < DateTimeOffset.MaxValue) call.Searches("before", Before.ToString("O", CultureInfo.InvariantCulture));
    }

    /// <summary>The record itself has it all: what the index says may be another's.</summary>
    public bool Fits(Wire.AuditRecord record) =>
        (Within == Wire.Jurisdiction.Tw || record.Jurisdiction == Within)
        && Is(Pseudonym, record.Subjects) && Is(ActorPersonId, record.ActorPersonId) && Is(ActorUnitId, record.ActorUnitId) && Is(AgencyCode, record.AgencyCode)
        && (ShownClass == default || record.ShownClasses.Contains(ShownClass)) && (LegalBasis == default || record.LegalBasis == LegalBasis)
        && (Purpose == default || record.Purpose == Purpose) && (Outcome == default || record.Outcome == Outcome) && Is(Method, record.Method)
        && (Resource.Length == 0 || record.Resources.Contains(Resource) || Is(Resource, record.Reference)) && (!BreakGlass || record.BreakGlass)
        && record.DecidedAt.ToDateTimeOffset() is var at && at >= After && at < Before;

    private static bool Is(string asked, string actual) => asked.Length == 0 || string.Equals(asked, actual, StringComparison.Ordinal);

    private static bool Is(string asked, IEnumerable<string> actual) => asked.Length == 0 || actual.Contains(asked, StringComparer.Ordinal);
}

/// <summary>Searches the log for an officer: by the index, then by the records themselves, a page at a time and for a limited time (R-AUD-4).</summary>
internal static class AccessSearch
{
    /// <summary>A page that has looked so long ends where it is, and the next one goes on.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    /// <param name="below">Positions below this; the size of the log for the first page.</param>
    /// <param name="isWanted">Further rule that a record must meet; null: none.</param>
    public static AccessPage Page(Call call, SearchIndex index, AccessFilter filter, long below, int size, Func<Wire.AuditRecord, bool>? isWanted = null)
    {
        var found = new List<FoundAccess>();
        var since = Stopwatch.GetTimestamp();
        // An empty page with a next one: the caller asks again, and the index has gone on meanwhile.
        if (!index.CatchUp(below, Longest)) return new AccessPage(found, below);
        foreach (var position in index.Find(filter.ToQuestion(), below))
        {
            if (found.Count == size || Stopwatch.GetElapsedTime(since) > Longest) return new AccessPage(found, found.Count == size ? found[^1].Position : position + 1);
            var (_, leaf, body) = call.Read.ReadEntries(position, position + 1, 1).FirstOrDefault();
            if (body is { Length: > 0 } && Wire.AuditRecord.Parser.ParseFrom(body) is var record && filter.Fits(record) && isWanted?.Invoke(record) != false) found.Add(new FoundAccess(position, leaf, record));
        }

        return new AccessPage(found, null);
    }
}
