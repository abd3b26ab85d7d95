using Google.Protobuf;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Step 4: every field against its rules in the contract. All faults are told at once; nothing stored has been looked at.</summary>
internal static class ValidationStep
{
    public static void Admit(Call call, IMessage request)
    {
        // Fields that this revision of the contract does not know are neither stored nor hashed nor echoed (B20).
        RequestRules.DropUnknownFields(request);
        List<FieldFault> faults = [];
        RequestRules.For(request.Descriptor).Check(request, faults);
        if (faults.Count > 0) throw Refusal.InvalidField([.. faults]);
        if (call.Rule.ReferenceRequired && call.Context!.ReferenceCase == Wire.AccessContext.ReferenceOneofCase.None)
            throw new Refusal(Wire.ErrorReason.ReferenceMissing, ("field", "context.referral_id"));
    }
}
