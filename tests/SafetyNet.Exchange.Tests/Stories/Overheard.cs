using System.Collections;
using System.Runtime.CompilerServices;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using SafetyNet.Exchange.Protocol.Client;
using SafetyNet.Exchange.Tests.Existence;
using SafetyNet.Exchange.Tests.Hosting;

namespace SafetyNet.Exchange.Tests.Stories;

/// <summary>All that reaches one unit, byte by byte: answers, and refusals with their trailers.</summary>
internal sealed class Overheard(Party by)
{
    private static readonly string[] Reading = ["Get", "List", "Search", "LookUp", "Explain"];

    private readonly List<(string What, byte[] Bytes)> _heard = [];

    public Party By => by;

    public int Answers { get; private set; }

    public int Refusals { get; private set; }

    /// <summary>Makes a call and keeps what comes of it.</summary>
    public async Task<T> HearsAsync<T>(Func<Party, Task<T>> ask, [CallerArgumentExpression(nameof(ask))] string what = "")
    {
        try
        {
            var answer = await ask(by);
            Answers++;
            foreach (var one in answer is IMessage message ? [message] : ((IEnumerable)answer!).Cast<IMessage>()) Keep(what, one.ToByteArray());
            return answer;
        }
        catch (RpcException error)
        {
            Keep(what, error);
            throw;
        }
    }

    /// <summary>Makes a call that must be refused so.</summary>
    public async Task RefusedAsync<T>(Wire.ErrorReason reason, Func<Party, Task<T>> ask, [CallerArgumentExpression(nameof(ask))] string what = "") =>
        Assert.Equal(reason, (await Refused.ByAsync(() => HearsAsync(ask, what))).Reason);

    /// <summary>
    /// Asks every method of the contract that takes an id or a key by these: what reads, once for each of the accesses besides its own, then everything else, whatever it does.
    /// </summary>
    public async Task AsksEverythingAsync(IReadOnlyList<Ids> known, IReadOnlyList<Wire.AccessContext> accesses)
    {
        foreach (var (name, make) in Asked.Entries.OrderBy(entry => !IsReading(entry.Key)))
        {
            foreach (var ids in known)
            {
                foreach (var access in IsReading(name) ? accesses.Prepend<Wire.AccessContext?>(null) : [null])
                {
                    foreach (var request in make(by, ids))
                    {
                        if (access is not null) request.Descriptor.FindFieldByName("context").Accessor.SetValue(request, access.Clone());
                        await CallAsync(name, request);
                    }
                }
            }
        }
    }

    /// <summary>Which of these values stand in what was heard, and where.</summary>
    public IEnumerable<string> Find(IReadOnlyDictionary<string, string> secrets)
    {
        foreach (var (name, value) in secrets)
        {
            var wanted = Encoding.UTF8.GetBytes(value);
            foreach (var (what, bytes) in _heard)
                if (bytes.AsSpan().IndexOf(wanted) >= 0) yield return $"{by.UnitId} was told the {name} by: {what}";
        }
    }

    private static bool IsReading(string method) => Reading.Any(verb => method.Contains($"/{verb}", StringComparison.Ordinal));

    private async Task CallAsync(string name, IMessage request)
    {
        try
        {
            using var call = by.Channel.Invoker.AsyncUnaryCall(ContractMethods.ToGrpc(ContractMethods.Find(name)!), host: null, new CallOptions(), request);
            var answer = await call;
            Answers++;
            Keep(name, answer.ToByteArray());
            Keep(name, call.GetTrailers());
        }
        catch (RpcException error)
        {
            Keep(name, error);
        }
    }

    private void Keep(string what, RpcException error)
    {
        Refusals++;
        Keep(what, Encoding.UTF8.GetBytes(error.Status.Detail));
        Keep(what, error.Trailers);
    }

    private void Keep(string what, Metadata trailers)
    {
        foreach (var trailer in trailers) Keep($"{what}, trailer {trailer.Key}", trailer.IsBinary ? trailer.ValueBytes : Encoding.UTF8.GetBytes(trailer.Value));
    }

    private void Keep(string what, byte[] bytes) => _heard.Add((what, bytes));
}
