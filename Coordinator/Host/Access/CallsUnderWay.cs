using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Calls that are open and the tokens that let them in: a stream ends soon after its token was taken out of the file.</summary>
/// <param name="tokens">Of the file.</param>
/// <param name="roleOf">What a token may, by those of the file and whatever else counts.</param>
internal sealed class CallsUnderWay(TokenSource tokens, Func<TokenVerifier, string, Role?> roleOf)
{
    private readonly ConcurrentDictionary<HttpContext, Admission> _open = new();

    /// <summary>Disposed of when the call has ended.</summary>
    /// <param name="context">Of the call.</param>
    /// <param name="token">What it showed.</param>
    /// <param name="need">Of its route.</param>
    /// <param name="by">Who knew the token.</param>
    public IDisposable Enter(HttpContext context, string token, AccessNeed need, TokenVerifier by)
    {
        var admission = new Admission(this, context, token, need) { By = by };
        _open[context] = admission;
        return admission;
    }

    /// <summary>Breaks off the calls that the present tokens do not let in. Called from time to time, one call at a time.</summary>
    /// <returns>How many.</returns>
    public int BreakOff()
    {
        var present = tokens.Current;
        var count = 0;
        foreach (var admission in _open.Values.Where(admission => !ReferenceEquals(admission.By, present)))
        {
            admission.By = present;
            if (!admission.Need.IsMetBy(roleOf(present, admission.Token)))
            {
                admission.Context.Abort();
                count++;
            }
        }

        return count;
    }

    private sealed class Admission(CallsUnderWay calls, HttpContext context, string token, AccessNeed need) : IDisposable
    {
        public required TokenVerifier By { get; set; }

        public HttpContext Context => context;

        public string Token => token;

        public AccessNeed Need => need;

        public void Dispose() => calls._open.TryRemove(context, out _);
    }
}
