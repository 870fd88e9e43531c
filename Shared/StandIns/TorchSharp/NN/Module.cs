using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>
        /// Base of all modules. Parameters, buffers and submodules held in fields are found by <see cref="RegisterComponents"/>, which the
        /// constructor of a derived class calls at its end; the field's name becomes the component's name.
        /// </summary>
        public partial class Module : IDisposable
        {
            protected readonly string name;
            private readonly OrderedMap<Parameter> ownParameters = new();
            private readonly OrderedMap<Tensor> ownBuffers = new();
            private readonly OrderedMap<Module> submodules = new();
            private readonly HashSet<string> transientBuffers = [];
            private bool componentsAreRegistered;

            protected Module(string name) => this.name = name;

            /// <summary>True in training mode, which is where a module starts.</summary>
            public virtual bool training { get; private set; } = true;

            public virtual string GetName() => name;

            protected virtual void RegisterComponents()
            {
                if (componentsAreRegistered)
                {
                    return;
                }
                foreach (var field in GetType().GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
                {
                    var component = ComponentName(field);
                    if (submodules.ContainsKey(component) || ownParameters.ContainsKey(component) || ownBuffers.ContainsKey(component))
                    {
                        continue;
                    }
                    switch (field.GetValue(this))
                    {
                        case Module module:
                            register_module(component, module);
                            break;
                        case Parameter parameter:
                            register_parameter(component, parameter);
                            break;
                        case Tensor tensor:
                            register_buffer(component, tensor);
                            break;
                    }
                }
                componentsAreRegistered = true;
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid)
                {
                    throw new ArgumentNullException(nameof(param), $"The parameter '{name}' of {GetName()} is null or disposed.");
                }
                if (!ownParameters.TryAdd(name, param))
                {
                    throw new InvalidOperationException($"The parameter '{name}' of {GetName()} is already registered.");
                }
                param.DetachFromDisposeScope();
            }

            /// <summary>
            /// Registers a tensor that belongs to the module's state but is not trained. Only a persistent one is part of state_dict().
            /// </summary>
            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid)
                {
                    throw new ArgumentNullException(nameof(tensor), $"The buffer '{name}' of {GetName()} is null or disposed.");
                }
                if (!ownBuffers.TryAdd(name, tensor))
                {
                    throw new InvalidOperationException($"The buffer '{name}' of {GetName()} is already registered.");
                }
                if (!persistent)
                {
                    transientBuffers.Add(name);
                }
                tensor.DetachFromDisposeScope();
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (string.IsNullOrEmpty(name) || name.Contains('.'))
                {
                    throw new ArgumentException($"'{name}' cannot name a submodule of {GetName()}: a name is not empty and has no dot.", nameof(name));
                }
                if (submodule is null)
                {
                    submodules.Remove(name);
                    return;
                }
                if (!submodules.TryAdd(name, submodule))
                {
                    throw new InvalidOperationException($"The submodule '{name}' of {GetName()} is already registered.");
                }
                submodule.RegisterComponents();
            }

            public void add_module(string name, Module module) => register_module(name, module);

            /// <summary>Replaces or forgets a parameter, whether it was there or not.</summary>
            protected void ConditionallyRegisterParameter(string name, Tensor? value)
            {
                ownParameters.Remove(name);
                if (value is not null)
                {
                    register_parameter(name, value as Parameter ?? new Parameter(value));
                }
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor? value)
            {
                ownBuffers.Remove(name);
                if (value is not null)
                {
                    register_buffer(name, value, !transientBuffers.Contains(name));
                }
            }

            protected void ClearModules() => submodules.Clear();

            public virtual void train(bool on = true)
            {
                training = on;
                foreach (var module in children())
                {
                    module.train(on);
                }
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                {
                    Gradients.Clear(parameter, set_to_none);
                }
            }

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var module in children())
                {
                    module.apply(fn);
                }
                fn(this);
                return this;
            }

            public virtual Module requires_grad_(bool requires_grad = true)
            {
                foreach (var parameter in parameters())
                {
                    parameter.requires_grad = requires_grad;
                }
                return this;
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing)
                {
                    return;
                }
                foreach (var (_, module) in submodules)
                {
                    module.Dispose();
                }
                foreach (var (_, buffer) in ownBuffers)
                {
                    buffer.Dispose();
                }
                foreach (var (_, parameter) in ownParameters)
                {
                    parameter.Dispose();
                }
            }

            private static string ComponentName(FieldInfo field)
            {
                if (field.GetCustomAttribute<ComponentNameAttribute>()?.Name is { } given)
                {
                    return given;
                }
                // The field behind an automatic property is called <Property>k__BackingField.
                var end = field.Name.StartsWith('<') ? field.Name.IndexOf('>') : -1;
                return end > 1 ? field.Name[1..end] : field.Name;
            }
        }
    }
}

/// <summary>The name of the component that a field holds, when it is not the field's own.</summary>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class ComponentNameAttribute : Attribute
{
    public string? Name { get; set; }
}
