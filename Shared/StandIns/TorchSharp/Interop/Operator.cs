using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Extensions;

/// <summary>
/// One operator of libtorch, by the name and overload of its schema: <c>new Operator("aten::add", "Tensor")</c>. Arguments stand in
/// the schema's order; missing trailing ones take its defaults. The operator is looked up at the first call; any thread may call.
/// </summary>
/// <remarks>A call allocates only its result: arguments are marshalled on the stack.</remarks>
/// <exception cref="ExternalException">A call throws it with libtorch's own message when the operator refuses its arguments.</exception>
public sealed unsafe class Operator(string name, string overload = "")
{
    private nint found;

    /// <summary>The operator's first result, a tensor.</summary>
    public Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return Take(in result);
    }

    /// <summary>The first two results, tensors. An operator that leaves one undefined gives null for it.</summary>
    public (Tensor, Tensor) CallTwo(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[2];
        Invoke(arguments, results, 2);
        return (Take(in results[0]), Take(in results[1]));
    }

    /// <summary>The first three results, tensors; null for an undefined one.</summary>
    public (Tensor, Tensor, Tensor) CallThree(params ReadOnlySpan<Argument> arguments)
    {
        var results = stackalloc NativeValue[3];
        Invoke(arguments, results, 3);
        return (Take(in results[0]), Take(in results[1]), Take(in results[2]));
    }

    /// <summary>The first result, a list of tensors.</summary>
    public Tensor[] CallList(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return TakeList(in result);
    }

    /// <summary>The first result, a number or a flag.</summary>
    public Scalar CallScalar(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue result;
        Invoke(arguments, &result, 1);
        return Scalar.From(in result);
    }

    /// <summary>For an operator that works in place: its results are those that were passed in.</summary>
    public void Run(params ReadOnlySpan<Argument> arguments) => Invoke(arguments, null, 0);

    internal static Tensor Take(in NativeValue value) => value.Tag == ValueTag.Tensor ? new Tensor(value.Pointer) : null!;

    internal static Tensor[] TakeList(in NativeValue value)
    {
        var tensors = new Tensor[value.Count];
        for (var i = 0; i < tensors.Length; i++)
        {
            var pointer = ((nint*)value.Pointer)[i];
            tensors[i] = pointer == 0 ? null! : new Tensor(pointer);
        }
        NativeMethods.ot_free(value.Pointer);
        return tensors;
    }

    [SkipLocalsInit]
    private void Invoke(ReadOnlySpan<Argument> arguments, NativeValue* results, int capacity)
    {
        var op = found != 0 ? found : Find();
        var values = stackalloc NativeValue[arguments.Length];
        var words = stackalloc long[ArgumentMarshaller.InlineWords];
        var marshaller = new ArgumentMarshaller(arguments, values, words);
        int status;
        try
        {
            marshaller.Marshal();
            status = NativeMethods.ot_operator_call(op, values, arguments.Length, results, capacity);
        }
        finally
        {
            marshaller.Release();
        }
        if (status < 0)
        {
            Throw(arguments);
        }
    }

    private nint Find()
    {
        NativeMethods.Check(NativeMethods.ot_operator_find(name, overload, out var handle));
        Volatile.Write(ref found, handle);
        return handle;
    }

    [DoesNotReturn]
    private void Throw(ReadOnlySpan<Argument> arguments)
    {
        var cause = NativeMethods.LastError().Message;   // before describing the arguments, which calls libtorch again
        var shapes = new List<string>();
        foreach (ref readonly var argument in arguments)
        {
            if (argument.Reference is Tensor { IsInvalid: false } tensor)
            {
                shapes.Add(tensor.ToString());
            }
        }
        throw new ExternalException(shapes.Count == 0 ? $"{name}: {cause}" : $"{name}({string.Join("; ", shapes)}): {cause}");
    }
}
