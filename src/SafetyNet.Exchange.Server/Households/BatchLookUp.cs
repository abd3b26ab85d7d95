using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Identity;
using SafetyNet.Exchange.Server.Pipeline;
using SafetyNet.Exchange.Server.Storage;

namespace SafetyNet.Exchange.Server.Households;

/// <summary>Many look-ups in one call: each a call of its own, by the same path as a single one; here is only what they share.</summary>
internal static class BatchLookUp
{
    /// <summary>Full name of the method that looks up one.</summary>
    public const string SingleMethod = "/safetynet.exchange.v1.HouseholdService/LookUpHousehold";

    /// <summary>Households of one answer, before they are redacted; a quarter of the largest message is left for refusals, decisions and receipts.</summary>
    public const int MostBytes = KestrelSetup.MessageSizeBytes / 4 * 3;

    /// <summary>Looks up one; notices go where the last argument says.</summary>
    public delegate Wire.LookUpHouseholdResponse Single(Call call, Wire.LookUpHouseholdRequest request, Action<NoticeDraft> tell);

    public static async Task<Wire.BatchLookUpHouseholdsResponse> RunAsync(Call batch, RowCalls rows, Wire.BatchLookUpHouseholdsRequest request, Single lookUp)
    {
        // Each runs up to its commit before the next begins; all of them share a flush or two.
        var bytes = 0;
        var running = request.Keys.Select(key => RunAsync(key)).ToList();
        var response = new Wire.BatchLookUpHouseholdsResponse();
        foreach (var (result, notices) in await Task.WhenAll(running))
        {
            response.Results.Add(result);
            if (result.Found is null) continue;
            // Of several persons of one case its primary unit hears once, with the record of the batch: before that stands, nobody sees anything.
            foreach (var notice in notices)
                if (!batch.Change.Notices.Contains(notice)) batch.Change.Notify(notice);
        }

        return response;

        async Task<(Wire.HouseholdLookUp Result, List<NoticeDraft> Notices)> RunAsync(Wire.LookUpKey key)
        {
            var notices = new List<NoticeDraft>();
            var single = RequestOf(request.Context, key);
            var outcome = await rows.RunAsync(single, call =>
            {
                if (key.NationalId.Length > 0 && key.Name.Length + key.BirthDate.Length > 0) throw Refusal.InvalidField(new FieldFault("name", FieldFaultKind.NotAllowedHere));
                notices.Clear();
                var found = lookUp(call, single, notices.Add);
                if (Interlocked.Add(ref bytes, found.CalculateSize()) > MostBytes)
                    throw new Refusal(Wire.ErrorReason.BatchAnswerFull, ("bytes", MostBytes.ToString(CultureInfo.InvariantCulture)));
                return found;
            });
            return (ResultOf(outcome), notices);
        }
    }

    private static Wire.LookUpHouseholdRequest RequestOf(Wire.AccessContext context, Wire.LookUpKey key)
    {
        var single = new Wire.LookUpHouseholdRequest { Context = context, AsOf = key.AsOf };
        if (key.NationalId.Length > 0) single.NationalId = key.NationalId;
        else if (key.Name.Length + key.BirthDate.Length > 0) single.NameAndBirthDate = new Wire.NameAndBirthDate { Name = key.Name, BirthDate = key.BirthDate, District = key.District };
        return single;
    }

    private static Wire.HouseholdLookUp ResultOf(RowOutcome outcome)
    {
        var result = new Wire.HouseholdLookUp { Found = outcome.Answer as Wire.LookUpHouseholdResponse, DecisionId = outcome.DecisionId, Record = outcome.Record };
        if (outcome.Refused is not { } refused) return result;
        (result.Reason, result.MessageEn, result.MessageZh) = (refused.Reason, refused.Text.En, refused.Text.Zh);
        if (refused.RetryAfter is { } after) result.RetryAfter = Duration.FromTimeSpan(after);
        result.Fields.Add(refused.Faults.Select(fault => new Wire.KeyProblem
        {
            Field = fault.Path[(fault.Path.LastIndexOf('.') + 1)..], DescriptionEn = fault.Text.En, DescriptionZh = fault.Text.Zh,
        }));
        return result;
    }
}
