using System.Text.Json;
using Orchestrator.Core.Messages;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using Orchestrator.Worker.Host.Collectives;
using TorchSharp.Extensions;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Whose mistake an exception is, and the sentence for it. What is nobody's known mistake is our bug and keeps its stack trace.</summary>
internal static class FailureRule
{
    public static (string Reason, FailureKind Kind)? Describe(Exception error) => error switch
    {
        OperationCanceledException => null,
        TaskException => (error.Message, FailureKind.Job),
        DataException or ExchangeException or IOException or UnauthorizedAccessException => (error.Message, FailureKind.Environment),
        DllNotFoundException or NumericEnvironmentException => (error.Message, FailureKind.Environment),
        TypeInitializationException { InnerException: DllNotFoundException missing } => (missing.Message, FailureKind.Environment),
        JsonException => ($"The coordinator sent a job that this worker cannot read: {error.Message} Run the same version on both.", FailureKind.Environment),
        _ => ($"Internal error: {error}", FailureKind.Internal),
    };
}
