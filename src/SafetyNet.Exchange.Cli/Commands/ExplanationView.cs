namespace SafetyNet.Exchange.Cli.Commands;

/// <summary>Lays an explanation out for a person, in plain lines that can be copied into a letter.</summary>
internal static class ExplanationView
{
    public static void Write(TextWriter output, Wire.ExplainDecisionResponse answer, ExplanationWords words)
    {
        Line(output, words.Outcome, words.Of(answer.Outcome));
        if (answer.Reason.Length > 0) Line(output, words.Reason, answer.Reason);
        Line(output, words.Policy, answer.PolicyRevision);
        Line(output, words.Shown, words.Of(answer.ShownClasses));
        Line(output, words.Withheld, words.Of(answer.WithheldClasses));
        output.WriteLine();
        Heading(output, words.Rules);
        if (answer.Rules.Count == 0) output.WriteLine($"  {words.NoRules}");
        foreach (var rule in answer.Rules) WriteRule(output, rule, words, "  ");
        if (answer.Withheld.Count > 0) WriteOpenings(output, answer, words);
        if (answer.Entry is { } entry) WriteInputs(output, entry, words);
    }

    private static void WriteOpenings(TextWriter output, Wire.ExplainDecisionResponse answer, ExplanationWords words)
    {
        output.WriteLine();
        Heading(output, words.WouldOpen);
        foreach (var withheld in answer.Withheld)
        {
            output.WriteLine($"  {words.Of(withheld.ConfidentialityClass)}");
            if (withheld.NotHoldable) output.WriteLine($"    {words.NotHoldable}");
            else if (withheld.Openings.Count == 0) output.WriteLine($"    {words.NothingOpens}");
            foreach (var opening in withheld.Openings)
            {
                WriteRule(output, opening.Rule, words, "    ");
                if (opening.Relationships.Count > 0) Line(output, words.Relationship, words.Of(opening.Relationships), "      ");
                if (opening.Purposes.Count > 0) Line(output, words.Purpose, words.Of(opening.Purposes), "      ");
                if (opening.Bases.Count > 0) Line(output, words.Basis, words.Of(opening.Bases), "      ");
                if (opening.Limits.Count > 0) Line(output, words.Condition, words.Of(opening.Limits), "      ");
                if (opening.Facts.Count > 0) Line(output, words.Facts, words.Of(opening.Facts), "      ");
            }
        }
    }

    private static void WriteInputs(TextWriter output, Wire.AccessEntry entry, ExplanationWords words)
    {
        var record = entry.Record;
        output.WriteLine();
        Heading(output, words.Inputs);
        Line(output, words.Call, $"{record.Method}  {record.DecidedAt?.ToDateTimeOffset():yyyy-MM-dd HH:mm:ss'Z'}", "  ");
        Line(output, words.Caller, $"{record.System}  {record.ActorUnitId}  {record.ActorPersonId}  {words.Of(record.ActorRole)}", "  ");
        Line(output, words.Purpose, words.Of(record.Purpose), "  ");
        Line(output, words.Basis, words.Of(record.LegalBasis), "  ");
        if (record.Reference.Length > 0) Line(output, words.Reference, record.Reference, "  ");
        if (record.Subjects.Count > 0) Line(output, words.Subjects, string.Join(' ', record.Subjects), "  ");
        if (record.Inputs is not { } inputs) return;
        Line(output, words.Kinds, $"{words.Of(inputs.AgencyKind)}  {words.Of(inputs.UnitKind)}", "  ");
        for (var i = 0; i < inputs.Questions.Count; i++) 
            WriteQuestion(output, i + 1, inputs.Questions[i], inputs.Questions.Count == 1 ? record.Rules : inputs.Questions[i].Rules, words);
        if (inputs.FurtherQuestions > 0) output.WriteLine($"  {words.Further(inputs.FurtherQuestions)}");
    }

    private static void WriteQuestion(
        TextWriter output, int number, Wire.DecidedQuestion question, Google.Protobuf.Collections.RepeatedField<string> rules, ExplanationWords words)
    {
        output.WriteLine($"  {words.Question} {number}");
        Line(output, words.Relationship, words.Of(question.Relationships), "    ");
        Line(output, words.Jurisdiction, words.Of(question.ResourceJurisdiction), "    ");
        if (question.Facts.Count > 0) Line(output, words.Facts, words.Of(question.Facts), "    ");
        (Wire.OpeningLimit From, IReadOnlyCollection<Wire.ConfidentialityClass> Classes)[] put =
        [
            (Wire.OpeningLimit.Sent, [.. question.SentClasses.Union(question.SharedClasses)]), (Wire.OpeningLimit.Supplied, question.SuppliedClasses),
            (Wire.OpeningLimit.Agenda, question.AgendaClasses), (Wire.OpeningLimit.Scope, question.ScopeClasses), (Wire.OpeningLimit.Granted, question.GrantedClasses),
            (Wire.OpeningLimit.Revealed, question.RevealedClasses),
        ];
        foreach (var (from, classes) in put)
            if (classes.Count > 0) Line(output, words.Of(from), words.Of(classes), "    ");
        if (question.ShareBasis != Wire.LegalBasis.Unspecified) Line(output, words.Basis, words.Of(question.ShareBasis), "    ");
        if (question.Ended) output.WriteLine($"    {words.Ended}");
        Line(output, words.Visible, words.Of(question.VisibleClasses), "    ");
        Line(output, words.Rules, rules.Count == 0 ? words.None : string.Join(' ', rules), "    ");
    }

    private static void WriteRule(TextWriter output, Wire.DecidingRule rule, ExplanationWords words, string indent)
    {
        output.WriteLine($"{indent}{rule.RuleId}");
        if (words.TextOf(rule) is { Length: > 0 } text) output.WriteLine($"{indent}  {text} [{rule.Source}]");
    }

    private static void Heading(TextWriter output, string text) => output.WriteLine(text);

    private static void Line(TextWriter output, string label, string value, string indent = "") => output.WriteLine($"{indent}{label}: {value}");
}
