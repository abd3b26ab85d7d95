namespace SafetyNet.Exchange.Server.Policy;

/// <summary>Something of a policy file that keeps it from deciding.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Line">Line in it, from 1.</param>
/// <param name="Place">JSON path, or where the reading stopped.</param>
/// <param name="Id">Rule or entry; empty: none that can be named.</param>
/// <param name="What">What is wrong, in English.</param>
internal readonly record struct PolicyProblem(string File, int Line, string Place, string Id, string What)
{
    /// <summary>Without file and line: <c>$.rules[3].classes[0] (NTK-X): unknown code 'FOO'</c>.</summary>
    public string Text => Id.Length == 0 ? $"{Place}: {What}" : $"{Place} ({Id}): {What}";

    /// <summary>As compilers write it, so that editors find the place: <c>need-to-know.json:12: ...</c>.</summary>
    public override string ToString() => $"{File}:{Line}: {Text}";
}

/// <summary>Where something stands in a policy file.</summary>
internal readonly record struct PolicyPlace(string File, int Line, string Place)
{
    public PolicyProblem Problem(string id, string what, string member = "") =>
        new(File, Line, member.Length == 0 ? Place : $"{Place}.{member}", id, what);
}

/// <summary>A policy file that may not decide anything; the revision before it stays in force.</summary>
internal sealed class PolicyFileException : Exception
{
    public PolicyFileException(string file, IReadOnlyList<PolicyProblem> problems)
        : base($"{file}: {problems.Count} problem(s).\n{string.Join('\n', problems.Select(p => $"  {p}"))}")
    {
        File = file;
        Problems = [.. problems.Select(p => p.Text)];
    }

    /// <summary>Name of the file, as the loader was told it.</summary>
    public string File { get; }

    /// <summary>Every problem found, in file order: <c>$.rules[3].classes[0] (NTK-X): unknown code 'FOO'</c>.</summary>
    public IReadOnlyList<string> Problems { get; }
}
