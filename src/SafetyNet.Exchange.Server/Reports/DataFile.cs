using System.Text.Json;

namespace SafetyNet.Exchange.Server.Reports;

/// <summary>Reads a data file of a deployment, or the one that the server is built with. Strict: what does not fit stops the start.</summary>
internal static class DataFile
{
    /// <param name="path">File of the deployment; empty: the built-in one.</param>
    /// <param name="builtIn">Name of the built-in one.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="problem">What is wrong with what was read; null: nothing.</param>
    /// <exception cref="FormatException">The file is not in the form; the message names the file and says where.</exception>
    public static T Load<T>(string path, string builtIn, JsonSerializerOptions options, Func<T, string?> problem)
    {
        var name = path.Length > 0 ? Path.GetFileName(path) : builtIn;
        try
        {
            using var file = path.Length > 0 ? File.OpenRead(path)
                : typeof(DataFile).Assembly.GetManifestResourceStream(builtIn) ?? throw new InvalidOperationException($"{builtIn} is not embedded in the server.");
            var read = JsonSerializer.Deserialize<T>(file, options) ?? throw new FormatException($"{name}: empty.");
            return problem(read) is { } found ? throw new FormatException($"{name}: {found}.") : read;
        }
        catch (JsonException error)
        {
            throw new FormatException($"{name} line {error.LineNumber + 1}: {error.Message}", error);
        }
    }
}
