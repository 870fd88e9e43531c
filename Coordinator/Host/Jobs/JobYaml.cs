using System.Collections.Immutable;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>YAML text to a tree of nodes with lines. Reads events, not objects, so that nothing is nested or repeated without a bound.</summary>
/// <remarks>Anchors, aliases, tags that change a type and several documents are refused: a job file is what it looks like.</remarks>
public static class JobYaml
{
    /// <summary>The job file itself is nested four deep; a user's task options may add some.</summary>
    public const int MaxDepth = 16;

    /// <summary>Keys and values of one file.</summary>
    public const int MaxNodes = 20_000;

    /// <param name="text">The YAML document.</param>
    /// <param name="originOf">Line (from 1) to the origin of a node.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <returns>Null when the text has no tree: it is empty, or the syntax is broken (then an error was added).</returns>
    public static JobNode? Parse(string text, Func<long, string> originOf, JobErrors errors)
    {
        var parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
        try
        {
            return new EventReader(parser, originOf, errors).ReadDocument();
        }
        catch (JobSyntaxException e)
        {
            errors.Add(e.Origin, e.Message);
        }
        catch (YamlException e)
        {
            errors.Add(originOf(Math.Max(1, e.Start.Line)), $"This is not YAML: {SyntaxSentence(e)}");
        }

        // The scanner gives up like this on some broken plain scalars, and does not say where; the last event is the nearest known place.
        catch (InvalidOperationException)
        {
            errors.Add(originOf(Math.Max(1, parser.Current?.End.Line ?? 1)), "This is not YAML, here or a little below. Check indentation, brackets and quotes there.");
        }

        return null;
    }

    private static string SyntaxSentence(YamlException e)
    {
        var text = (e.InnerException?.Message ?? e.Message).Trim().TrimEnd('.');
        return $"{text} (column {e.Start.Column}). Check indentation, brackets and quotes there.";
    }

    private sealed class JobSyntaxException(string origin, string sentence) : Exception(sentence)
    {
        public string Origin { get; } = origin;
    }

    private sealed class EventReader(Parser parser, Func<long, string> originOf, JobErrors errors)
    {
        private int _nodes;

        public JobNode? ReadDocument()
        {
            Next();
            Next();
            if (parser.Current is StreamEnd or null)
            {
                return null;
            }

            Next();
            var root = ReadNode(0);
            Next();
            if (parser.Current is DocumentStart second)
            {
                throw new JobSyntaxException(OriginOf(second), "A second document begins here ('---'); a job file has one. Put the other job in its own file.");
            }

            return root;
        }

        /// <summary>Reads the node that begins with the current event and stands on the event after it.</summary>
        private JobNode ReadNode(int depth)
        {
            var start = parser.Current!;
            var origin = OriginOf(start);
            if (depth > MaxDepth)
            {
                throw new JobSyntaxException(origin, $"Nested deeper than {MaxDepth} levels; a job file needs no more than five. Check the brackets and the indentation.");
            }

            if (++_nodes > MaxNodes)
            {
                throw new JobSyntaxException(origin, $"More than {MaxNodes} keys and values. This is no job file.");
            }

            if (start is AnchorAlias || start is NodeEvent { Anchor.IsEmpty: false })
            {
                throw new JobSyntaxException(origin, "Anchors (&) and aliases (*) are not supported in a job file. Write the value out.");
            }

            return start switch
            {
                YamlDotNet.Core.Events.Scalar scalar => ReadScalar(scalar, origin),
                SequenceStart => ReadSequence(origin, depth),
                MappingStart => ReadMapping(origin, depth),
                _ => throw new JobSyntaxException(origin, "A value was expected here."),
            };
        }

        private JobNode.Scalar ReadScalar(YamlDotNet.Core.Events.Scalar scalar, string origin)
        {
            Next();
            return new JobNode.Scalar(origin, scalar.Value, scalar.Style != ScalarStyle.Plain);
        }

        private JobNode.Sequence ReadSequence(string origin, int depth)
        {
            Next();
            var items = ImmutableArray.CreateBuilder<JobNode>();
            while (parser.Current is not SequenceEnd)
            {
                items.Add(ReadNode(depth + 1));
            }

            Next();
            return new JobNode.Sequence(origin, items.ToImmutable());
        }

        private JobNode.Mapping ReadMapping(string origin, int depth)
        {
            Next();
            var entries = ImmutableArray.CreateBuilder<JobEntry>();
            var keys = new Dictionary<string, string>(StringComparer.Ordinal);
            while (parser.Current is not MappingEnd)
            {
                var keyNode = ReadNode(depth + 1);
                var value = ReadNode(depth + 1);
                if (keyNode is not JobNode.Scalar key)
                {
                    errors.Add(keyNode.Origin, $"A key is {keyNode.Describe()}; a word is needed, such as 'training'.");
                }
                else if (!keys.TryAdd(key.Text, key.Origin))
                {
                    errors.Add(key.Origin, $"The key '{key.Text}' stands here again; it was already given at {keys[key.Text]}. Keep one of the two.");
                }
                else
                {
                    entries.Add(new JobEntry(key.Text, key.Origin, value));
                }
            }

            Next();
            return new JobNode.Mapping(origin, entries.ToImmutable());
        }

        private void Next() => parser.MoveNext();

        private string OriginOf(ParsingEvent @event) => originOf(@event.Start.Line);
    }
}
