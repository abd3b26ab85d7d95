namespace SafetyNet.Exchange.Tests.Pipeline;

/// <summary>A file under docs/ that is generated and committed, so that readers find it and nobody can change it by hand.</summary>
internal static class GeneratedDocument
{
    /// <summary>Variable that, set to <c>1</c>, makes the tests write the documents before they compare them.</summary>
    private const string UpdateSwitch = "SAFETYNET_UPDATE_DOCS";

    /// <param name="name">Of the file.</param>
    /// <param name="rendered">What it has to say.</param>
    /// <param name="tests">Namespace of the tests that write it.</param>
    public static void AssertCurrent(string name, string rendered, string tests = "Tests.Pipeline")
    {
        var path = Path.Combine(Repository.Root, "docs", name);
        if (Environment.GetEnvironmentVariable(UpdateSwitch) == "1")
            File.WriteAllText(path, rendered);

        var committed = File.Exists(path) ? File.ReadAllText(path).ReplaceLineEndings("\n") : "";

        Assert.True(
            committed == rendered,
            $"docs/{name} is out of date. Run: {UpdateSwitch}=1 dotnet test tests/SafetyNet.Exchange.Tests --filter FullyQualifiedName~{tests}");
    }
}
