using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SafetyNet.Exchange.Protocol.Evidence;

namespace SafetyNet.Exchange.Witness;

/// <summary>Serves a witness over HTTP: one request, <c>POST /add-checkpoint</c>. What travels is public and signed on both ways; TLS keeps others from holding it up unseen.</summary>
public static class WitnessHost
{
    /// <summary>Starts listening; dispose of it to stop.</summary>
    /// <param name="witness">Who signs.</param>
    /// <param name="endpoint">Address and port; port 0 takes a free one.</param>
    /// <param name="certificate">Certificate with private key; null: plain HTTP, on loopback only.</param>
    /// <param name="answered">Told each answer, for the person who watches.</param>
    /// <exception cref="ArgumentException">Plain HTTP beyond loopback.</exception>
    public static async Task<WebApplication> StartAsync(HeadWitness witness, IPEndPoint endpoint, X509Certificate2? certificate, Action<WitnessAnswer> answered)
    {
        if (certificate is null && !IPAddress.IsLoopback(endpoint.Address))
            throw new ArgumentException("Beyond this machine a witness is served with a certificate (--certificate and --certificate-key).", nameof(certificate));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = WitnessRequest.MaxSizeBytes;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Listen(endpoint, listen =>
            {
                if (certificate is not null) listen.UseHttps(certificate);
            });
        });
        var app = builder.Build();
        app.MapPost("/" + WitnessRequest.Path, async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            var answer = witness.Add(body.GetBuffer().AsSpan(0, (int)body.Length));
            answered(answer);
            context.Response.StatusCode = (int)answer.Verdict;
            context.Response.ContentType = answer.Verdict == WitnessVerdict.Conflict ? WitnessRequest.SizeContentType : "text/plain; charset=utf-8";
            await context.Response.WriteAsync(answer.Text, context.RequestAborted);
        });
        await app.StartAsync();
        return app;
    }
}
