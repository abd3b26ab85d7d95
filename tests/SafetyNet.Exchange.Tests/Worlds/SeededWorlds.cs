using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using SafetyNet.Exchange.Server;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>
/// The worlds against a server into which mistakes were planted (SafetyNet.Exchange.SystemTests/SeededBugs). Run there, in a process whose server has the switches;
/// the server that is built here has none, and no difference.
/// </summary>
public sealed class SeededWorlds(TestExchange exchange) : WireTests(exchange)
{
    /// <summary>Worlds in which each planted mistake shows somewhere.</summary>
    private const int Planted = 14;

    [Fact]
    public async Task Each_planted_mistake_makes_a_difference()
    {
        var planted = typeof(Composition).Assembly.GetType("SafetyNet.Exchange.Server.SeededBugs")?.GetField("Planted");
        string[] names = planted is null ? [] : Environment.GetEnvironmentVariable("SAFETYNET_SEEDED_BUGS")!.Split(',');
        await using var own = await TestExchange.StartAsync();
        // Without a mistake the forty worlds of WorldTests say the same; one is enough to see that this way of looking finds nothing.
        var count = planted is null ? 1 : Planted;
        await WorldBuilder.RegisterAsync(own, count);
        var end = own.Clock.GetUtcNow().AddMinutes(20);
        end = new DateTimeOffset(end.Ticks - (end.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
        var worlds = new List<World>();
        for (var number = 0; number < count; number++) worlds.Add(await WorldBuilder.BuildAsync(own, number, end));
        own.Clock.PinAt(end);

        var found = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var name in names.Prepend(""))
        {
            planted?.SetValue(null, name);
            found[name] = await DifferencesAsync(own, worlds, end, all: name.Length == 0);
            planted?.SetValue(null, "");
            ServerOutput.TakeErrors();
        }

        if (Environment.GetEnvironmentVariable("SAFETYNET_SEEDED_REPORT") is { } report)
            await File.WriteAllTextAsync(report, JsonSerializer.Serialize(found), TestContext.Current.CancellationToken);
        if (planted is null) Assert.Empty(found[""]);
    }

    /// <summary>The first differences, or all there are.</summary>
    private static async Task<IReadOnlyList<string>> DifferencesAsync(TestExchange own, List<World> worlds, DateTimeOffset now, bool all)
    {
        var differences = new List<string>();
        differences.AddRange(await ActsAsync(own));
        foreach (var world in worlds)
        {
            if (differences.Count > 0 && !all) break;
            var walk = new WorldWalk(world, new WorldOracle(world, own.Composition.Policy.Current, own.Composition.Members, now));
            await walk.WalkAsync();
            differences.AddRange(walk.Differences);
        }

        return [.. differences.Take(3)];
    }

    /// <summary>What shows only in what is done: a replay, a colleague whose number differs in case, a stream that outlives the standing of its unit.</summary>
    private static async Task<IEnumerable<string>> ActsAsync(TestExchange own)
    {
        var (the, differences) = (new The(own), new List<string>());
        await ReplayAsync(the, differences);
        await SameKeyInAnotherCaseAsync(the, differences);
        await WatchAsync(own, the, differences);
        return differences;
    }

    private static async Task ReplayAsync(The the, List<string> differences)
    {
        var request = Some.Referral(the.School, the.Centre.UnitId);
        request.View = Some.View(Wire.ConfidentialityClass.Economic);
        request.Facts.Add(Some.Fact(Wire.ConfidentialityClass.Economic, "積欠午餐費"));
        var id = (await the.School.RefersAsync(request)).ReferralId;
        await the.Centre.MovesAsync(id, Wire.ReferralAction.See);
        var accepting = new Wire.AcceptReferralRequest { Context = the.Centre.Context(), RequestId = Some.RequestId(), ReferralId = id };
        await the.Centre.AskAsync(to => to.Referrals.AcceptReferralAsync(accepting));
        await the.Centre.MovesAsync(id, Wire.ReferralAction.BeginService, Wire.ReferralAction.Close);
        var (again, seen) = (await the.Centre.AskAsync(to => to.Referrals.AcceptReferralAsync(accepting)), await the.Centre.ReadsAsync(id));
        if (!again.Referral.Equals(seen)) differences.Add("a replay shows what the referral does not show any more");
        // The referral has ended: its status is left, and nothing of the person.
        if (seen.Subjects.Any(s => s.Name.Length > 0)) differences.Add("a referral that has ended shows its subject");
    }

    private static async Task SameKeyInAnotherCaseAsync(The the, List<string> differences)
    {
        var (request, other) = (Some.Referral(the.School, the.Centre.UnitId), the.School.Colleague("t0217"));
        var made = await the.School.RefersAsync(request);
        request.Context = other.Context(Wire.Purpose.CaseCoordination);
        var refused = await Refused.IfAsync(async () =>
        {
            if ((await other.RefersAsync(request)).ReferralId == made.ReferralId) differences.Add("another person's key answered with this person's referral");
        });
        if (refused is not null) differences.Add(string.Create(CultureInfo.InvariantCulture, $"another person's key was taken for this person's: {refused.Reason}"));
    }

    private static async Task WatchAsync(TestExchange own, The the, List<string> differences)
    {
        await the.Labor.EmptiesInboxAsync();
        using var ends = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using (var watching = the.Labor.Channel.Inbox.WatchInbox(new() { Context = the.Labor.Context() }, cancellationToken: ends.Token))
        {
            await the.School.RefersAsync(the.Labor, service: Wire.Article6Service.EmploymentGuidance);
            await watching.ResponseStream.MoveNext(ends.Token);
            await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Labor.UnitId).State = Wire.MemberState.Suspended);
            // Beside the writer, which goes on counting where it was; so it is taken out again.
            own.Query("INSERT INTO notice (unit_id, sequence, kind, at, referral_id, case_id, cause_unit_id, decision_id, resource) SELECT unit_id, sequence + 1, kind, at, referral_id, case_id, cause_unit_id, decision_id, resource "
                + "FROM notice WHERE unit_id = $0 ORDER BY sequence DESC LIMIT 1", _ => 0, the.Labor.UnitId);
            own.Composition.Commits.Noticed!(the.Labor.UnitId);
            try
            {
                if (await watching.ResponseStream.MoveNext(ends.Token)) differences.Add("a suspended unit was told of a further notice");
            }
            catch (RpcException error) when (error.StatusCode == StatusCode.PermissionDenied)
            {
                // As it must be.
            }
        }

        own.Query("DELETE FROM notice WHERE unit_id = $0 AND sequence = (SELECT max(sequence) FROM notice WHERE unit_id = $0)", _ => 0, the.Labor.UnitId);
        await own.ChangeRegistryAsync(registry => registry.Units.Single(u => u.UnitId == the.Labor.UnitId).State = Wire.MemberState.Active);
    }
}
