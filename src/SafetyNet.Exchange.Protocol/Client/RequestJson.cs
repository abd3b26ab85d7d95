using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace SafetyNet.Exchange.Protocol.Client;

/// <summary>Builds a request from ProtoJSON, filling what a person at a terminal should not have to type.</summary>
public static class RequestJson
{
    /// <summary>Reads the request of a call.</summary>
    /// <param name="method">The call.</param>
    /// <param name="json">The request in ProtoJSON; empty: a request with nothing set.</param>
    /// <param name="context">Set where the JSON has no <c>context</c>; null leaves it out.</param>
    /// <param name="requestId">Set where the call changes state and the JSON has no <c>requestId</c>. UUID.</param>
    /// <exception cref="FormatException">The JSON is not one, names a field or code that is not in the contract, or a value of the wrong kind.</exception>
    public static IMessage Build(MethodDescriptor method, string json, Wire.AccessContext? context, string requestId)
    {
        ArgumentNullException.ThrowIfNull(method);
        IMessage request;
        try
        {
            request = JsonParser.Default.Parse(string.IsNullOrWhiteSpace(json) ? "{}" : json, method.InputType);
        }
        catch (Exception error) when (error is InvalidProtocolBufferException or InvalidJsonException)
        {
            throw new FormatException($"The data is not a {method.InputType.Name} in JSON: {error.Message}", error);
        }

        if (context is not null && method.InputType.FindFieldByName("context") is { FieldType: FieldType.Message } contextField && contextField.Accessor.GetValue(request) is null)
            contextField.Accessor.SetValue(request, context);
        if (method.InputType.FindFieldByName("request_id") is { FieldType: FieldType.String } idField && idField.Accessor.GetValue(request) is "")
            idField.Accessor.SetValue(request, requestId);
        return request;
    }

    /// <summary>
    /// The access context for a call, from what was said and, for the rest, from what the contract allows: SERVICE_DELIVERY or else the call's first purpose, the call's
    /// first role or else WORKER, AUDIT_DUTY for audit and else ARTICLE_6_INTEGRATED_SERVICE.
    /// </summary>
    /// <exception cref="FormatException">A code is not in its table; the message lists the table.</exception>
    public static Wire.AccessContext Context(MethodDescriptor method, ContextWords words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var access = ContractMethods.AccessOf(method);
        var purpose = words.Purpose is { } p
            ? ContractCodes.Parse<Wire.Purpose>(p)
            : access.Purposes.Contains(Wire.Purpose.ServiceDelivery) ? Wire.Purpose.ServiceDelivery : access.Purposes.FirstOrDefault();
        var basis = words.LegalBasis is { } b
            ? ContractCodes.Parse<Wire.LegalBasis>(b)
            : purpose == Wire.Purpose.Audit ? Wire.LegalBasis.AuditDuty : Wire.LegalBasis.Article6IntegratedService;
        var role = words.Role is { } r
            ? ContractCodes.Parse<Wire.ActorRole>(r)
            : access.Roles.Count > 0 ? access.Roles[0] : Wire.ActorRole.Worker;
        var context = new Wire.AccessContext
        {
            Purpose = purpose,
            LegalBasis = basis,
            Actor = new Wire.ActingPerson { PersonId = words.PersonId, Role = role, UnitId = words.UnitId },
            Justification = words.Justification ?? "",
        };
        if (words.ReferralId is { } referral)
            context.ReferralId = referral;
        else if (words.CaseId is { } caseId)
            context.CaseId = caseId;
        return context;
    }
}

/// <summary>What a person said of the access context, in words of the code tables; null leaves it to the contract.</summary>
/// <param name="PersonId">Staff number of who acts.</param>
/// <param name="UnitId">Unit for which the person acts.</param>
/// <param name="Purpose">Name in the table, e.g. <c>SERVICE_DELIVERY</c> or <c>service-delivery</c>.</param>
/// <param name="LegalBasis">As purpose.</param>
/// <param name="Role">As purpose.</param>
/// <param name="ReferralId">Referral that the access is for; goes before <paramref name="CaseId"/>.</param>
/// <param name="CaseId">Case that the access is for.</param>
/// <param name="Justification">In the person's own words.</param>
public sealed record ContextWords(
    string PersonId, string UnitId, string? Purpose = null, string? LegalBasis = null, string? Role = null, string? ReferralId = null, string? CaseId = null,
    string? Justification = null);
