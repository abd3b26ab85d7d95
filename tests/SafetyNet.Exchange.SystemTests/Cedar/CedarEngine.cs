using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Reflection;
using SafetyNet.Exchange.Server.Policy;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Cedar;

/// <summary>What a decision says, in a form that two engines can be held against each other by: classes without NOT_PERSONAL, rule ids, both in ordinal order.</summary>
internal sealed record Said(string Classes, string Rules)
{
    public static Said By(Decision decision) => new(
        Join(CodeTable.Classes.Codes.Where(code => CodeTable.Classes.TryParse(code, out var bit) && (decision.Visible.Bits & bit) != 0 && code != "NOT_PERSONAL")),
        Join(decision.Rules));

    public static Said By(JsonElement answer) => new(
        Join(answer.GetProperty("classes").EnumerateArray().Select(c => c.GetString()!)), Join(answer.GetProperty("rules").EnumerateArray().Select(c => c.GetString()!)));

    private static string Join(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));
}

/// <summary>Cedar (github.com/cedar-policy), in a process of its own, with the need-to-know policy as it was written in its language from domain.md 3.1.</summary>
internal static class CedarEngine
{
    private const string Node = "node";

    /// <summary>Folder whose <c>node_modules</c> holds the engine.</summary>
    private static readonly string Package = Path.Combine(Repository.Root, "build", "cedar");

    private static readonly string Script = Path.Combine(Repository.Root, "tests", "SafetyNet.Exchange.SystemTests", "Cedar", "answer.js");

    public static async Task RequireAsync()
    {
        var module = Path.Combine(Package, "node_modules", "@cedar-policy", "cedar-wasm");
        Assert.SkipUnless(Directory.Exists(module), $"{module} is not there; `npm install` in {Package}, or .ci/install, puts it there");
        try
        {
            await ChildProcess.RunAsync(Node, ["--version"]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("node is not installed");
        }
    }

    /// <summary>Cedar's answers to the questions, in their order.</summary>
    public static async Task<List<Said>> AnswerAsync(IReadOnlyList<NeedToKnowQuestion> questions)
    {
        var folder = Directory.CreateTempSubdirectory("cedar-");
        try
        {
            var (asked, answered) = (Path.Combine(folder.FullName, "questions"), Path.Combine(folder.FullName, "answers"));
            await File.WriteAllLinesAsync(asked, questions.Select(Line));
            var told = await ChildProcess.RunAsync(Node, [Script, Package, asked, answered], limit: TimeSpan.FromMinutes(20));
            Assert.True(told.ExitCode == 0, told.ToString());
            var answers = new List<Said>(questions.Count);
            foreach (var line in await File.ReadAllLinesAsync(answered))
            {
                using var answer = JsonDocument.Parse(line);
                answers.Add(Said.By(answer.RootElement));
            }

            Assert.Equal(questions.Count, answers.Count);
            return answers;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The question as the script reads it, and as a person reads it where the engines disagree.</summary>
    public static string Line(NeedToKnowQuestion question) => JsonSerializer.Serialize(new Dictionary<string, object>(StringComparer.Ordinal)
    {
        ["agencyKind"] = Code(question.AgencyKind),
        ["unitKind"] = Code(question.UnitKind),
        ["callerJurisdiction"] = Code(question.CallerJurisdiction),
        ["resourceJurisdiction"] = Code(question.ResourceJurisdiction),
        ["on"] = (question.On.Year * 10_000) + (question.On.Month * 100) + question.On.Day,
        ["purpose"] = Code(question.Purpose),
        ["basis"] = Code(question.LegalBasis),
        ["shareBasis"] = Code(question.ShareBasis),
        ["relationships"] = question.Relationships.InTableOrder().Select(r => Code(r)),
        ["holdable"] = Codes(question.Holdable),
        ["sent"] = Codes(question.Sent),
        ["supplied"] = Codes(question.Supplied),
        ["agenda"] = Codes(question.Agenda),
        ["shared"] = Codes(question.Shared),
        ["scope"] = Codes(question.ServiceScope),
        ["granted"] = Codes(question.Granted),
        ["revealed"] = Codes(question.Revealed),
        ["flags"] = Flags(question),
    });

    private static IEnumerable<string> Flags(NeedToKnowQuestion question)
    {
        if (question.SharedWithCaller) yield return "sharedWithCaller";
        if (question.OwnUnit) yield return "ownUnit";
        if (question.ProtectedAddress) yield return "protectedAddress";
        if (question.ServesOtherParty) yield return "servesOtherParty";
        if (question.Screening) yield return "screening";
        if (question.HoldsCase) yield return "holdsCase";
        if (question.BreakGlass) yield return "breakGlass";
    }

    private static IEnumerable<string> Codes(ClassSet classes) => classes.InTableOrder().Select(c => Code(c));

    /// <summary>The code of a value as the contract writes it, without the prefix of its enum.</summary>
    private static string Code<T>(T value)
        where T : struct, Enum
    {
        var table = Wire.CodesReflection.Descriptor.FindTypeByName<EnumDescriptor>(typeof(T).Name);
        var prefix = table.FindValueByNumber(0).Name[..^"UNSPECIFIED".Length];
        return table.FindValueByNumber(Convert.ToInt32(value, CultureInfo.InvariantCulture)).Name[prefix.Length..];
    }
}
