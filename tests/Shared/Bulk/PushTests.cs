namespace Orchestrator.Bulk.Tests;

public sealed class PushTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Send_PayloadsOfManySizes_ArriveAsTheyWere(bool isUnix)
    {
        int[] elements = [0, 1, 7, 1000, 65_537, 0, 262_144, 3, 1_048_576];
        using var pair = new Pair(isUnix);
        var log = new LinkLog();
        using var link = pair.Connect(log);
        var payloads = elements.Select((count, index) => new Payload(count * sizeof(float), index)).ToArray();
        for (var index = 0; index < payloads.Length; index++)
        {
            link.Send(Pair.Header(payloads[index].Bytes, index), payloads[index].Address, index);
        }

        for (var index = 0; index < payloads.Length; index++)
        {
            var message = pair.Receiver.Next();
            Assert.Equal(Pair.Header(payloads[index].Bytes, index), message.Header);
            Assert.Equal(Payload.Expected(payloads[index].Bytes, index), message.Payload);
        }

        Assert.Equal(payloads.Length, Wait.For(link.Complete(), "The summary"));
        Assert.Null(Wait.For(pair.Receiver.Ended, "The end"));
        Assert.Equal(Enumerable.Range(0, payloads.Length).Cast<object?>(), log.SentStates);
        Assert.Equal(0, log.LostCalls);
        Array.ForEach(payloads, payload => payload.Dispose());
    }
}
