using System.Linq.Expressions;
using Google.Protobuf;

namespace SafetyNet.Exchange.Server.Pipeline;

/// <summary>Delegates whose expression is checked when it is built and compiled when it is first asked: a start needs the check of every field, a call the code of its own.</summary>
internal static class AtFirstUse
{
    public static Func<IMessage, T> Compile<T>(Expression<Func<IMessage, T>> expression)
    {
        Func<IMessage, T>? compiled = null;
        return message => (compiled ??= expression.Compile())(message);
    }

    public static Func<IMessage, int, T> Compile<T>(Expression<Func<IMessage, int, T>> expression)
    {
        Func<IMessage, int, T>? compiled = null;
        return (message, index) => (compiled ??= expression.Compile())(message, index);
    }

    public static Action<IMessage> Compile(Expression<Action<IMessage>> expression)
    {
        Action<IMessage>? compiled = null;
        return message => (compiled ??= expression.Compile())(message);
    }
}
