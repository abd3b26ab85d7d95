using Grpc.Core;
using SafetyNet.Exchange.Server.Pipeline;

namespace SafetyNet.Exchange.Server.Agencies;

/// <summary>The RPCs about members: what the exchange knows of the caller, and how a unit is found.</summary>
internal sealed class MemberService : Wire.MemberService.MemberServiceBase
{
    public override Task<Wire.GetSelfResponse> GetSelf(Wire.GetSelfRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var system = call.Member!.System;
        var agency = system.Agency;
        var response = new Wire.GetSelfResponse
        {
            System = new Wire.MemberSystem
            {
                SpiffeId = system.Id.Uri, AgencyCode = agency.Code, Jurisdiction = agency.Jurisdiction, State = Wire.MemberState.Active,
                Scopes = { call.Member.Token.Scopes.Order(StringComparer.Ordinal) },
            },
            Agency = new Wire.Agency
            {
                Code = agency.Code, Jurisdiction = agency.Jurisdiction, Kind = agency.Kind, Name = agency.Name, State = Wire.MemberState.Active,
                Classes = { call.Member.Token.Classes.Order() },
            },
        };
        response.Units.Add(call.Members.UnitsOf(agency).Where(u => u.IsActive).Select(u => u.Registered.Clone()));
        return Task.FromResult(response);
    }

    public override Task<Wire.ListUnitsResponse> ListUnits(Wire.ListUnitsRequest request, ServerCallContext context)
    {
        var call = Call.Of(context);
        var size = request.PageSize == 0 ? 100 : request.PageSize;
        var start = (int)PageToken.Read(request.PageToken, 0);
        var found = call.Members.Units.Where(u => u.IsActive
                && (request.Jurisdiction == Wire.Jurisdiction.Unspecified || u.Agency.Jurisdiction == request.Jurisdiction)
                && (request.Kind == Wire.UnitKind.Unspecified || u.Kind == request.Kind)
                && (request.District.Length == 0 || u.Registered.Districts.Count == 0 || u.Registered.Districts.Contains(request.District)))
            .OrderBy(u => u.UnitId, StringComparer.Ordinal).Skip(start).Take(size + 1).ToList();
        var response = new Wire.ListUnitsResponse();
        // The registry's own messages are shared by all calls; what leaves is redacted in place, so each answer gets copies.
        foreach (var unit in found.Take(size))
        {
            var shown = unit.Registered.Clone();
            if (unit.Agency != call.Agency) shown.BatchJobs.Clear();
            response.Units.Add(shown);
        }

        if (found.Count > size) response.NextPageToken = PageToken.Of(start + size);
        return Task.FromResult(response);
    }
}
