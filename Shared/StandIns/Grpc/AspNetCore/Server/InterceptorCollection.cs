using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using Grpc.Core.Interceptors;

namespace Grpc.AspNetCore.Server;

/// <summary>The interceptors of a server, outermost first.</summary>
public class InterceptorCollection : Collection<InterceptorRegistration>
{
    /// <param name="args">Given to the constructor beside what comes from the services.</param>
    public void Add<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TInterceptor>(params object[] args)
        where TInterceptor : Interceptor => Add(typeof(TInterceptor), args);

    public void Add([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type interceptorType, params object[] args)
    {
        ArgumentNullException.ThrowIfNull(interceptorType);
        if (!interceptorType.IsSubclassOf(typeof(Interceptor)))
        {
            throw new ArgumentException($"{interceptorType} is no {nameof(Interceptor)}. Derive it from {typeof(Interceptor)}.", nameof(interceptorType));
        }

        Add(new InterceptorRegistration(interceptorType, args));
    }
}

/// <summary>One interceptor's type and the arguments of its constructor.</summary>
public class InterceptorRegistration
{
    private readonly object[] _arguments;

    internal InterceptorRegistration(Type type, object[] arguments)
    {
        Type = type;
        _arguments = arguments;
    }

    public Type Type { get; }

    public IReadOnlyList<object> Arguments => _arguments;

    internal object[] ArgumentArray => _arguments;
}
