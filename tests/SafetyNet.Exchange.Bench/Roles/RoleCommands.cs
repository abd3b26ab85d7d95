using System.CommandLine;
using System.Text.Json;

namespace SafetyNet.Exchange.Bench.Roles;

/// <summary>The roles of a run as hidden commands: what the program starts itself as.</summary>
internal static class RoleCommands
{
    public const string Exchange = "serve-exchange";
    public const string Echo = "serve-echo";
    public const string Raw = "serve-raw";
    public const string Load = "load";

    public static IEnumerable<Command> All()
    {
        yield return Role<ExchangeRoleSettings>(Exchange, ExchangeRole.RunAsync);
        yield return Role<ExchangeRoleSettings>(Echo, EchoRole.RunAsync);
        yield return Role<string>(Raw, RawRole.RunAsync);
        yield return Role<LoadPlan>(Load, LoadRole.RunAsync);
    }

    private static Command Role<TSettings>(string name, Func<TSettings, Task> run)
    {
        var settings = new Argument<string>("settings");
        var command = new Command(name) { settings };
        command.Hidden = true;
        command.SetAction((parsed, _) => run(JsonSerializer.Deserialize<TSettings>(parsed.GetValue(settings)!)!));
        return command;
    }
}
