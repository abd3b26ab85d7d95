using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using SafetyNet.Exchange.Server.Policy;

namespace SafetyNet.Exchange.Tests.Worlds;

/// <summary>Redaction as the contract's comments say it, by reflection at each field and with none of the server's plans: slow, short, and written apart.</summary>
internal static class Naive
{
    private const string Package = "safetynet.exchange.v1";

    /// <summary>Clears what may not be seen; an element of a list whose text may not be seen leaves the list.</summary>
    public static T Redact<T>(T message, ClassSet visible)
        where T : IMessage
    {
        Clean(message, visible);
        return message;
    }

    /// <summary>Classes that an answer of a type can carry by its labels, personal ones only.</summary>
    public static ClassSet Carries(MessageDescriptor type) => Carries(type, []) & ClassSet.Personal;

    /// <summary>Two answers are the same where this text is: what differs between any two calls is left out.</summary>
    public static string Text(IMessage message)
    {
        var copy = (IMessage)message.Descriptor.Parser.ParseFrom(message.ToByteArray());
        Flatten(copy);
        return JsonFormatter.Default.Format(copy);
    }

    private static void Clean(IMessage message, ClassSet visible)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            var one = ClassOf(field);
            if (ClassFieldOf(field) is not null)
            {
                if (!TextMayBeSeen(message, field, visible)) field.Accessor.Clear(message);
            }
            else if (IsOfContract(field))
            {
                if (one is { } label && !May(label, visible)) field.Accessor.Clear(message);
                else if (!field.IsRepeated && field.Accessor.GetValue(message) is IMessage inner) Clean(inner, visible);
                else if (field.IsRepeated) CleanList((IList)field.Accessor.GetValue(message), visible);
            }
            else if (one is not { } own || !May(own, visible))
            {
                field.Accessor.Clear(message);
            }
        }
    }

    private static void CleanList(IList list, ClassSet visible)
    {
        for (var at = list.Count - 1; at >= 0; at--)
        {
            var element = (IMessage)list[at]!;
            if (element.Descriptor.Fields.InDeclarationOrder().Any(f => ClassFieldOf(f) is not null && !TextMayBeSeen(element, f, visible))) list.RemoveAt(at);
            else Clean(element, visible);
        }
    }

    private static bool TextMayBeSeen(IMessage message, FieldDescriptor field, ClassSet visible)
    {
        var stated = (Wire.ConfidentialityClass)message.Descriptor.FindFieldByName(ClassFieldOf(field)).Accessor.GetValue(message);
        return (ClassOf(field) is not { } one || May(one, visible)) && May(stated, visible);
    }

    private static bool May(Wire.ConfidentialityClass one, ClassSet visible) => one == Wire.ConfidentialityClass.NotPersonal || visible.Contains(one);

    private static ClassSet Carries(MessageDescriptor type, HashSet<MessageDescriptor> seen)
    {
        var found = ClassSet.None;
        if (!seen.Add(type)) return found;
        foreach (var field in type.Fields.InDeclarationOrder())
        {
            if (ClassOf(field) is { } one) found |= ClassSet.Of(one);
            if (IsOfContract(field)) found |= Carries(field.MessageType, seen);
        }

        return found;
    }

    private static void Flatten(IMessage message)
    {
        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.FieldType != FieldType.Message)
            {
                if (field.Name is "etag" or "next_page_token" or "sequence") field.Accessor.Clear(message);
            }
            else if (field.MessageType == Wire.Disclosure.Descriptor)
            {
                field.Accessor.Clear(message);
            }
            else if (field.IsRepeated)
            {
                foreach (IMessage element in (IList)field.Accessor.GetValue(message)) Flatten(element);
            }
            else if (field.Accessor.GetValue(message) is IMessage inner)
            {
                if (inner is Timestamp instant) (instant.Seconds, instant.Nanos) = (1, 0);
                else Flatten(inner);
            }
        }
    }

    private static Wire.ConfidentialityClass? ClassOf(FieldDescriptor field) =>
        field.GetOptions() is { } options && options.HasExtension(Wire.OptionsExtensions.Confidentiality) ? options.GetExtension(Wire.OptionsExtensions.Confidentiality) : null;

    private static string? ClassFieldOf(FieldDescriptor field) => field.GetOptions()?.GetExtension(Wire.OptionsExtensions.ClassField) is { Length: > 0 } name ? name : null;

    private static bool IsOfContract(FieldDescriptor field) =>
        field.FieldType == FieldType.Message && string.Equals(field.MessageType.File.Package, Package, StringComparison.Ordinal);
}
