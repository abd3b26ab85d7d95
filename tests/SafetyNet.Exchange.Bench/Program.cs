using System.CommandLine;
using System.Text;
using SafetyNet.Exchange.Bench;
using SafetyNet.Exchange.Bench.Cases;
using SafetyNet.Exchange.Bench.Evidence;
using SafetyNet.Exchange.Bench.History;
using SafetyNet.Exchange.Bench.Import;
using SafetyNet.Exchange.Bench.Measures;
using SafetyNet.Exchange.Bench.Register;
using SafetyNet.Exchange.Bench.Roles;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var persons = new Option<int>("--persons") { Description = "Synthetic persons in the exchange's database, 1000 to 1 000 000; a tenth of them in the second one", DefaultValueFactory = _ => 100_000 };
var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs every case once, every other one backwards", DefaultValueFactory = _ => 7 };
var seconds = new Option<double>("--seconds") { Description = "Length of one case in one round", DefaultValueFactory = _ => 3 };
var warmUp = new Option<double>("--warm-up") { Description = "Length of the warm-up of each case, seconds; default 5, or --seconds where that is shorter than 2", DefaultValueFactory = _ => -1 };
var connections = new Option<int>("--connections") { Description = "Connections of the load process to each server", DefaultValueFactory = _ => 4 };
var inFlight = new Option<int>("--in-flight") { Description = "Calls in flight on each connection", DefaultValueFactory = _ => 50 };
var data = new Option<string>("--data") { Description = "Folder of the seeded databases, made once and kept", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var only = new Option<string[]>("--only") { Description = "A case to run, by the name that the report gives it; several times for several. Default: all. Figures that need another case are left out", DefaultValueFactory = _ => [] };
var json = new Option<string?>("--json") { Description = "Also writes the figures as JSON to a file; `-`: JSON to standard output and nothing else" };
var root = new RootCommand("Measures the exchange against bare baselines in one run: ratios, latency, server CPU, bytes and flushes per call. Build it with -c Release.")
{
    persons, rounds, seconds, warmUp, connections, inFlight, data, only, json,
};
root.SetAction(async (parsed, cancellation) =>
{
    var each = parsed.GetValue(seconds);
    var options = new BenchOptions
    {
        Persons = parsed.GetValue(persons), Rounds = parsed.GetValue(rounds), Seconds = each, Connections = parsed.GetValue(connections),
        WarmUpSeconds = parsed.GetValue(warmUp) is >= 0 and var given ? given : each < 2 ? each : 5,
        InFlight = parsed.GetValue(inFlight), Folder = parsed.GetValue(data)!, Only = parsed.GetValue(only)!, Json = parsed.GetValue(json),
    };
    if (options.Problem() is { } problem)
    {
        await Console.Error.WriteLineAsync(problem);
        return 2;
    }

    return await MeasuredRun.RunAsync(options, cancellation);
});
var records = new Option<int>("--records") { Description = "Records of the larger log, 100 000 to 100 000 000; the smaller has a tenth. About 1 KB each on disk", DefaultValueFactory = _ => 10_000_000 };
var evidenceData = new Option<string>("--data") { Description = "Folder of the logs, made once and kept", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var evidenceJson = new Option<bool>("--json") { Description = "Print the figures as JSON" };
var evidence = new Command("evidence", "Searches and sweeps a log of many records, and one of a tenth.") { records, evidenceData, evidenceJson };
evidence.SetAction((parsed, cancellation) => EvidenceRun.RunAsync(parsed.GetValue(evidenceData)!, parsed.GetValue(records), parsed.GetValue(evidenceJson), cancellation));
root.Subcommands.Add(evidence);
var reports = new Option<int>("--reports") { Description = "Past reports of the larger database, 100 000 to 100 000 000; the smaller has a tenth. About 1 KB each on disk", DefaultValueFactory = _ => 10_000_000 };
var historyData = new Option<string>("--data") { Description = "Folder of the databases, made once and kept", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var historyJson = new Option<bool>("--json") { Description = "Print the figures as JSON" };
var history = new Command("history", "Looks up the history of persons and households among many past reports, and among a tenth.") { reports, historyData, historyJson };
history.SetAction((parsed, cancellation) => HistoryRun.RunAsync(parsed.GetValue(historyData)!, parsed.GetValue(reports), parsed.GetValue(historyJson), cancellation));
root.Subcommands.Add(history);
var cases = new Option<int>("--cases") { Description = "Cases of the larger database, 10 000 to 10 000 000; the smaller has a tenth. About 5 KB each on disk", DefaultValueFactory = _ => 1_000_000 };
var casesData = new Option<string>("--data") { Description = "Folder of the databases, made once and kept", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var casesJson = new Option<bool>("--json") { Description = "Print the figures as JSON" };
var sharedCases = new Command("cases", "Reads a large shared case beside bare baselines; and cases, a caseload and overdue visits among many cases, and among a tenth.") { cases, casesData, casesJson };
sharedCases.SetAction((parsed, cancellation) => CasesRun.RunAsync(parsed.GetValue(casesData)!, parsed.GetValue(cases), parsed.GetValue(casesJson), cancellation));
root.Subcommands.Add(sharedCases);
var people = new Option<int>("--persons") { Description = "Persons of the larger register, 100 000 to 10 000 000; the smaller has a tenth. About 0.6 KB each on disk", DefaultValueFactory = _ => 10_000_000 };
var peopleSeconds = new Option<double>("--seconds") { Description = "Length of one case in one round, 1 to 600", DefaultValueFactory = _ => 5 };
var peopleData = new Option<string>("--data") { Description = "Folder of the databases, made once and kept", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var peopleJson = new Option<bool>("--json") { Description = "Print the figures as JSON" };
var register = new Command("people", "Looks people up by id and by name and birth date in a register of many persons, and in one of a tenth, beside bare baselines.") { people, peopleSeconds, peopleData, peopleJson };
register.SetAction((parsed, cancellation) => RegisterRun.RunAsync(parsed.GetValue(peopleData)!, parsed.GetValue(people), parsed.GetValue(peopleSeconds), parsed.GetValue(peopleJson), cancellation));
root.Subcommands.Add(register);
var rows = new Option<int>("--rows") { Description = "Persons of the register that is delivered, 1000 to 1 000 000", DefaultValueFactory = _ => 100_000 };
var importData = new Option<string>("--data") { Description = "Folder for the databases, which go with the run", DefaultValueFactory = _ => BenchOptions.DefaultFolder };
var importJson = new Option<bool>("--json") { Description = "Print the figures as JSON" };
var import = new Command("import", "Delivers a household register, twice, beside bare bulk inserts of the same rows.") { rows, importData, importJson };
import.SetAction((parsed, cancellation) => ImportRun.RunAsync(parsed.GetValue(importData)!, parsed.GetValue(rows), parsed.GetValue(importJson), cancellation));
root.Subcommands.Add(import);
foreach (var role in RoleCommands.All()) root.Subcommands.Add(role);
return await root.Parse(args).InvokeAsync();
