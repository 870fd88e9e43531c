using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            /// <summary>Each parameter once, its own first, then those of the submodules.</summary>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) =>
                Named(module => module.ownParameters, recurse);

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(item => item.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true) =>
                Named(module => module.ownBuffers, recurse);

            public virtual IEnumerable<Tensor> buffers(bool recurse = true) => named_buffers(recurse).Select(item => item.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() => submodules;

            public virtual IEnumerable<Module> children() => submodules.Select(item => item.Value);

            /// <summary>All modules below this one.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (name, module) in submodules)
                {
                    yield return (name, module);
                    foreach (var (inner, below) in module.named_modules())
                    {
                        yield return ($"{name}.{inner}", below);
                    }
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(item => item.module);

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            /// <summary>The parameter of that full name, or null.</summary>
            public virtual Parameter? get_parameter(string target) => named_parameters().FirstOrDefault(item => item.name == target).parameter;

            public virtual Tensor? get_buffer(string target) => named_buffers().FirstOrDefault(item => item.name == target).buffer;

            /// <summary>Parameters and persistent buffers by full name; the tensors are the module's own, not copies.</summary>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                var start = string.IsNullOrEmpty(prefix) ? "" : prefix + ".";
                foreach (var (name, parameter) in ownParameters)
                {
                    destination.TryAdd(start + name, parameter);
                }
                foreach (var (name, buffer) in ownBuffers)
                {
                    if (!transientBuffers.Contains(name))
                    {
                        destination.TryAdd(start + name, buffer);
                    }
                }
                foreach (var (name, module) in submodules)
                {
                    module.state_dict(destination, start + name);
                }
                return destination;
            }

            /// <summary>Copies values into this module's parameters and buffers, which keep their identity and storage.</summary>
            /// <exception cref="InvalidOperationException">Strict, and the names are not the same; the message has those that differ.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                var destination = state_dict();
                bool Wanted(string name) => skip is null || !skip.Contains(name);
                var unexpected = source.Keys.Where(name => Wanted(name) && !destination.ContainsKey(name)).ToList();
                var missing = destination.Keys.Where(name => Wanted(name) && !source.ContainsKey(name)).ToList();
                if (strict && (missing.Count > 0 || unexpected.Count > 0))
                {
                    throw new InvalidOperationException(
                        $"The state does not fit {GetName()}. Missing: {Listed(missing)}. Not known: {Listed(unexpected)}.");
                }
                using var _ = no_grad();
                foreach (var (name, value) in source)
                {
                    if (!Wanted(name) || !destination.TryGetValue(name, out var target))
                    {
                        continue;
                    }
                    if (!target.shape.AsSpan().SequenceEqual(value.shape))
                    {
                        throw new InvalidOperationException($"'{name}' of {GetName()} has shape [{string.Join(", ", target.shape)}]; " +
                            $"the state has [{string.Join(", ", value.shape)}].");
                    }
                    target.copy_(value);
                }
                return (missing, unexpected);
            }

            private static string Listed(List<string> names) => names.Count switch
            {
                0 => "none",
                <= 5 => string.Join(", ", names),
                _ => $"{string.Join(", ", names.Take(5))} and {names.Count - 5} more",
            };

            private IEnumerable<(string, T)> Named<T>(Func<Module, OrderedMap<T>> own, bool recurse) where T : Tensor
            {
                var seen = new HashSet<nint>();
                return Below("", this);

                IEnumerable<(string, T)> Below(string prefix, Module module)
                {
                    foreach (var (name, value) in own(module))
                    {
                        if (!value.IsInvalid && seen.Add(value.Handle))
                        {
                            yield return (prefix + name, value);
                        }
                    }
                    foreach (var (name, submodule) in recurse ? module.submodules : [])
                    {
                        foreach (var item in Below($"{prefix}{name}.", submodule))
                        {
                            yield return item;
                        }
                    }
                }
            }
        }
    }
}
