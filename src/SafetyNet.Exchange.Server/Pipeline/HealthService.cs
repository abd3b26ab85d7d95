using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Grpc.Core;
using SafetyNet.Exchange.Health.V1;
using static SafetyNet.Exchange.Health.V1.HealthCheckResponse.Types;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>grpc.health.v1: whether the exchange serves, and nothing else. All services serve or none does.</summary>
/// <param name="state">What to tell.</param>
/// <param name="services">Services that can be asked about by name, besides the empty name for the server as a whole.</param>
internal sealed class HealthService(ServingState state, IEnumerable<ServiceDescriptor> services) : Health.V1.Health.HealthBase
{
    private readonly FrozenSet<string> names = services.Select(service => service.FullName).Append("").ToFrozenSet(StringComparer.Ordinal);

    /// <remarks>Refuses: NOT_FOUND for a service that does not exist here, as the protocol asks.</remarks>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) => names.Contains(request.Service)
        ? Task.FromResult(Answer(state.IsServing ? ServingStatus.Serving : ServingStatus.NotServing))
        : throw new RpcException(new Status(StatusCode.NotFound, "Unknown service."));

    /// <remarks>
    /// Sends the state now and then each change; changes that follow faster than they can be sent are told as the last of them. Ends when the caller goes or
    /// the server stops. A service that does not exist here is told as SERVICE_UNKNOWN, and no change comes.
    /// </remarks>
    public override async Task Watch(HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        var known = names.Contains(request.Service);
        ServingStatus? told = null;
        for (var now = state.Now; ; now = state.Now)
        {
            var status = !known ? ServingStatus.ServiceUnknown : now.IsServing ? ServingStatus.Serving : ServingStatus.NotServing;
            if (status != told)
                await responseStream.WriteAsync(Answer(status), context.CancellationToken);
            told = status;
            if (now.IsOver)
                return;
            await now.Ended.WaitAsync(context.CancellationToken);
        }
    }

    private static HealthCheckResponse Answer(ServingStatus status) => new() { Status = status };
}
