using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Grpc.Core;
using SafetyNet.Exchange.Reflection.V1;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>grpc.reflection.v1: gives the descriptors of the served services, and of all they import, to whoever the pipeline lets through.</summary>
internal sealed class ReflectionService : ServerReflection.ServerReflectionBase
{
    private readonly ListServiceResponse services = new();
    private readonly FrozenDictionary<string, FileDescriptor> filesByName;
    private readonly FrozenDictionary<string, FileDescriptor> filesBySymbol;
    private readonly FrozenDictionary<(string Type, int Number), FileDescriptor> filesByExtension;
    private readonly FrozenDictionary<string, int[]> extensionsByType;

    /// <param name="served">Services to list. Files that none of them needs are not given out.</param>
    public ReflectionService(IEnumerable<ServiceDescriptor> served)
    {
        var files = new Dictionary<string, FileDescriptor>(StringComparer.Ordinal);
        foreach (var service in served.OrderBy(service => service.FullName, StringComparer.Ordinal))
        {
            services.Service.Add(new ServiceResponse { Name = service.FullName });
            AddWithImports(service.File, files);
        }

        filesByName = files.ToFrozenDictionary(StringComparer.Ordinal);
        filesBySymbol = files.Values.SelectMany(file => SymbolsOf(file).Select(symbol => (symbol, file)))
            .ToFrozenDictionary(pair => pair.symbol, pair => pair.file, StringComparer.Ordinal);
        var extensions = files.Values
            .SelectMany(file => file.Extensions.UnorderedExtensions.Concat(file.MessageTypes.SelectMany(Flatten).SelectMany(message => message.Extensions.UnorderedExtensions)))
            .ToList();
        filesByExtension = extensions.ToFrozenDictionary(extension => (extension.ExtendeeType.FullName, extension.FieldNumber), extension => extension.File);
        extensionsByType = files.Values.SelectMany(file => file.MessageTypes).SelectMany(Flatten).ToFrozenDictionary(
            message => message.FullName,
            message => extensions.Where(extension => extension.ExtendeeType == message).Select(extension => extension.FieldNumber).Order().ToArray(),
            StringComparer.Ordinal);
    }

    /// <remarks>A question without an answer gets an error_response (NOT_FOUND, or INVALID_ARGUMENT where nothing is asked) and the stream goes on.</remarks>
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        var sent = new HashSet<string>(StringComparer.Ordinal);
        while (await requestStream.MoveNext(context.CancellationToken))
            await responseStream.WriteAsync(Answer(requestStream.Current, sent), context.CancellationToken);
    }

    /// <summary>Answers one question.</summary>
    /// <param name="request">The question.</param>
    /// <param name="sent">Names of the files that this stream has had; those given now are added. Imports among them are not given again.</param>
    internal ServerReflectionResponse Answer(ServerReflectionRequest request, HashSet<string> sent)
    {
        var response = new ServerReflectionResponse { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                Give(filesByName.GetValueOrDefault(request.FileByFilename), sent, response);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                Give(filesBySymbol.GetValueOrDefault(request.FileContainingSymbol), sent, response);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                var extension = request.FileContainingExtension;
                Give(filesByExtension.GetValueOrDefault((extension.ContainingType, extension.ExtensionNumber)), sent, response);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                if (extensionsByType.TryGetValue(request.AllExtensionNumbersOfType, out var numbers))
                    response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = request.AllExtensionNumbersOfType, ExtensionNumber = { numbers } };
                else
                    response.ErrorResponse = Error(StatusCode.NotFound, "No such type here.");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = services;
                break;
            default:
                response.ErrorResponse = Error(StatusCode.InvalidArgument, "The request asks nothing.");
                break;
        }

        return response;
    }

    private static void Give(FileDescriptor? file, HashSet<string> sent, ServerReflectionResponse response)
    {
        if (file is null)
        {
            response.ErrorResponse = Error(StatusCode.NotFound, "No such file or symbol here.");
            return;
        }

        var files = new Dictionary<string, FileDescriptor>(StringComparer.Ordinal);
        AddWithImports(file, files);
        response.FileDescriptorResponse = new FileDescriptorResponse();
        foreach (var given in files.Values.Where(given => sent.Add(given.Name) || given == file).OrderByDescending(given => given == file))
            response.FileDescriptorResponse.FileDescriptorProto.Add(given.SerializedData);
    }

    private static ErrorResponse Error(StatusCode code, string message) => new() { ErrorCode = (int)code, ErrorMessage = message };

    private static void AddWithImports(FileDescriptor file, Dictionary<string, FileDescriptor> files)
    {
        if (!files.TryAdd(file.Name, file))
            return;
        foreach (var import in file.Dependencies)
            AddWithImports(import, files);
    }

    private static IEnumerable<MessageDescriptor> Flatten(MessageDescriptor message) => [message, .. message.NestedTypes.SelectMany(Flatten)];

    private static IEnumerable<string> SymbolsOf(FileDescriptor file)
    {
        foreach (var service in file.Services)
        {
            yield return service.FullName;
            foreach (var method in service.Methods)
                yield return method.FullName;
        }

        foreach (var message in file.MessageTypes.SelectMany(Flatten))
        {
            yield return message.FullName;
            foreach (var nested in message.EnumTypes)
                yield return nested.FullName;
            foreach (var extension in message.Extensions.UnorderedExtensions)
                yield return extension.FullName;
        }

        foreach (var type in file.EnumTypes)
            yield return type.FullName;
        foreach (var extension in file.Extensions.UnorderedExtensions)
            yield return extension.FullName;
    }
}
