using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The keys of <c>task</c>: a task class of the user's.</summary>
internal static class TaskSchema
{
    public static TaskSpec Read(SectionReader section, string projectRoot)
    {
        var assembly = Required(section, "assembly", "the path of the .dll that holds the task class");
        var type = Required(section, "type", "the full name of the task class, such as MyModels.MyTask");
        return new TaskSpec(Path.GetFullPath(assembly, projectRoot), type, section.FreeTexts("options"));
    }

    private static string Required(SectionReader section, string key, string meaning)
    {
        if (section.Text(key) is { } text)
        {
            return text;
        }

        if (!section.Has(key))
        {
            section.Fail(key, $"task.{key} is missing; give {meaning}.");
        }

        return "missing";
    }
}
