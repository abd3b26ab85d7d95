using System.CommandLine;
using SafetyNet.Exchange.Cli.Connections;

namespace SafetyNet.Exchange.Cli.Commands;

/// <summary><c>safetynet audit canary</c> and <c>safetynet audit staff</c>: what the scan of the log is told to look for.</summary>
internal static class AuditCanaryCommand
{
    public static Command Create() => new("canary", "Decoys: national ids that nobody has a reason to ask for") { Plant(), Withdraw() };

    public static Command CreateStaff() => new("staff", "Whose staff number is whose, so that look-ups of oneself, colleagues and relatives are found") { Register() };

    private static CommandWithExamples Plant()
    {
        var officer = new OfficerOptions();
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "plant", "Plant a decoy; its national id is read from standard input and listed to nobody", "echo A123456789 | safetynet audit canary plant --person S0007") { json };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var nationalId = await OfficerAnswers.ReadNationalIdAsync(cancellation);
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.PlantCanaryAsync(
                new Wire.PlantCanaryRequest { Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), NationalId = nationalId }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () =>
            {
                Console.Out.WriteLine($"canary      {answer.CanaryId}");
                Console.Out.WriteLine("Keep this id, it is listed nowhere: safetynet audit canary withdraw takes it.");
            });
        });
        return command;
    }

    private static CommandWithExamples Withdraw()
    {
        var officer = new OfficerOptions();
        var id = new Argument<string>("CANARY") { Description = "Id of the decoy" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples("withdraw", "Withdraw a decoy; what it found stays", "safetynet audit canary withdraw 0193d3a0-7b6e-7c3a-9f53-2f1c5d0e8a11") { id, json };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.WithdrawCanaryAsync(
                new Wire.WithdrawCanaryRequest { Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), CanaryId = parsed.GetRequiredValue(id) },
                cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Console.Out.WriteLine($"withdrawn   {OfficerAnswers.Time(answer.WithdrawnAt)}"));
        });
        return command;
    }

    private static CommandWithExamples Register()
    {
        var officer = new OfficerOptions();
        var agency = new Option<string>("--agency") { Description = "Code of the agency", Required = true };
        var staff = new Option<string>("--staff") { Description = "Staff number", Required = true };
        var ended = new Option<bool>("--ended") { Description = "The person has left; no national id is read" };
        var json = OfficerAnswers.JsonOption();
        var command = new CommandWithExamples(
            "register",
            "Say who a staff number is; the national id is read from standard input and kept as keyed hashes only",
            """
            echo A123456789 | safetynet audit staff register --agency dosw --staff W0108
            safetynet audit staff register --agency dosw --staff W0108 --ended
            """)
        {
            agency, staff, ended, json,
        };
        officer.AddTo(command);
        command.SetGuardedAction(async (parsed, cancellation) =>
        {
            var nationalId = parsed.GetValue(ended) ? "" : await OfficerAnswers.ReadNationalIdAsync(cancellation);
            using var channel = officer.Connect(parsed);
            var answer = await channel.Misuse.RegisterStaffAsync(new Wire.RegisterStaffRequest
            {
                Context = officer.Context(parsed), RequestId = OfficerAnswers.NewRequestId(), AgencyCode = parsed.GetRequiredValue(agency), StaffNumber = parsed.GetRequiredValue(staff),
                NationalId = nationalId, Ended = parsed.GetValue(ended),
            }, cancellationToken: cancellation);
            return OfficerAnswers.Write(parsed, json, answer, () => Console.Out.WriteLine($"staff       {answer.StaffNumber} of {answer.AgencyCode} {(answer.Ended ? "ended 已終止" : "registered 已登錄")}"));
        });
        return command;
    }
}
