using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using SafetyNet.Exchange.Protocol.Evidence;
using SafetyNet.Exchange.Sandbox.Population;
using SafetyNet.Exchange.SystemTests.Processes;

namespace SafetyNet.Exchange.SystemTests.Foreign;

/// <summary>
/// What a client in another language is told before it begins: where the exchange is, whose certificates to use, and what the school and the officer know from
/// elsewhere: the family, and the log's key.
/// </summary>
internal static class StoryCast
{
    internal const string LogName = "sandbox.safetynet.gov.tw/log";

    /// <summary>Writes the file for one telling of the story.</summary>
    /// <param name="sandbox">The server.</param>
    /// <param name="telling">Which of the sandbox's families it is told of, from 0; each telling needs one of its own.</param>
    public static string Write(SandboxProcess sandbox, int telling)
    {
        var households = SyntheticPopulation.Generate(SandboxProcess.Seed, SandboxProcess.Persons).ToList();
        var family = StoryFamily.FindAll(households).ElementAt(telling);
        var file = Path.Combine(sandbox.Folder, string.Create(CultureInfo.InvariantCulture, $"cast-{telling}.json"));
        File.WriteAllText(file, JsonSerializer.Serialize(
            new
            {
                exchange = sandbox.Exchange.OriginalString,
                tokens = sandbox.Tokens.OriginalString,
                certificates = sandbox.Certificates,
                protos = Repository.Protos,
                refusals = Path.Combine(Repository.Foreign, "refusals"),
                logKey = LogKey(sandbox),
                family = new
                {
                    district = family.Home.District,
                    child = Facts(family.Child, family),
                    mother = Facts(family.Mother, family),
                    grandparent = new { nationalId = family.Grandparent.NationalId.Canonical },
                },
                nobody = StoryFamily.NobodysNationalId(households),
            }));
        return file;
    }

    /// <summary>The log's public key as an officer holds it: taken from the key file, not from what the server says.</summary>
    public static string LogKey(SandboxProcess sandbox)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(sandbox.Data, "log.key")));
        using var verifier = new NoteSigner(LogName, key).ToVerifier();
        return verifier.ToVerifierKey();
    }

    private static object Facts(SyntheticPerson person, StoryFamily family) => new
    {
        nationalId = person.NationalId.Canonical,
        name = person.Name,
        birthDate = person.BirthDate.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        phone = family.Mother.Phone,
        address = family.Home.Address,
    };
}
