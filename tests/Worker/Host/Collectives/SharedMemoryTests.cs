using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Orchestrator.Bulk;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>Memory that processes share: what a reader accepts, and what becomes of it when its writer dies, freezes or misbehaves.</summary>
public sealed unsafe class SharedMemoryTests
{
    private const int Elements = 300_000;

    [Fact]
    public void Refer_MemoryOfThisProcess_IsFoundByAReader()
    {
        var memory = SharedSegments.TryAllocate(Elements * sizeof(float));
        using var directory = new SegmentDirectory();
        ((float*)memory)[Elements - 1] = 42;
        var reference = directory.Refer(memory + ((Elements - 1) * sizeof(float)), sizeof(float));
        using var peer = new PeerMemory(directory.Words);
        var place = (float*)peer.Find(reference);
        Assert.Equal(42, *place);
        ((float*)memory)[Elements - 1] = 43;
        Assert.Equal(43, *place);
        SharedSegments.Free(memory);
        // The writer has let go of it; a reader that has not still may look.
        Assert.Equal(43, *place);
    }

    [Fact]
    public void TryAllocate_AnyMemory_HasAllItsPagesBeforeItIsUsedInItsOwnerAndInAReader()
    {
        const long Bytes = (5 << 20) + 4096;
        var memory = SharedSegments.TryAllocate(Bytes);
        using var directory = new SegmentDirectory();
        using var peer = new PeerMemory(directory.Words);
        var read = peer.Find(directory.Refer(memory, 4096));

        // And the page behind the content, with its token.
        Assert.Equal((Bytes + 4096) / 1024, ResidentKibibytes(memory));
        Assert.Equal((Bytes + 4096) / 1024, ResidentKibibytes(read));
        SharedSegments.Free(memory);

        static long ResidentKibibytes(nint address) => long.Parse(
            File.ReadLines("/proc/self/smaps").SkipWhile(line => !line.StartsWith($"{address:x}-", StringComparison.Ordinal)).First(line => line.StartsWith("Rss:", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);
    }

    /// <summary>A generation that comes finds the mappings of the one in force.</summary>
    [Fact]
    public void Find_SegmentThatAnotherGenerationReads_IsMappedOnce()
    {
        var memory = SharedSegments.TryAllocate(Elements * sizeof(float));
        ((float*)memory)[1] = 42;
        using var former = new SegmentDirectory();
        using var next = new SegmentDirectory();
        var (before, after) = (former.Refer(memory, 8), next.Refer(memory, 8));
        var peer = new PeerMemory(former.Words);
        var place = peer.Find(before);
        using (var ahead = PeerMemory.TryOpen(next.Words)!)
        {
            Assert.Equal(place, ahead.Find(after));
            peer.Dispose();
            Assert.Equal(42, ((float*)ahead.Find(after))[1]);
        }

        Assert.DoesNotContain(Mapped(), line => line.StartsWith(place.ToString("x", CultureInfo.InvariantCulture), StringComparison.Ordinal));
        SharedSegments.Free(memory);
        static string[] Mapped() => File.ReadAllLines("/proc/self/maps").Where(line => line.Contains("orchestrator-gradient", StringComparison.Ordinal) && line.Contains(" r--s ", StringComparison.Ordinal)).ToArray();
    }

    /// <summary>So that the first step of a generation does not wait for it.</summary>
    [Fact]
    public void Open_OfADirectoryThatListsAll_MapsAllAtOnce()
    {
        var memory = SharedSegments.TryAllocate(Elements * sizeof(float));
        using var directory = SegmentDirectory.TryMake(listsAll: true)!;
        using var peer = new PeerMemory(directory.Words);
        var reference = directory.Refer(memory, 8);
        directory.Dispose();
        SharedSegments.Free(memory);
        // Its descriptor is closed: it could not be mapped any more.
        Assert.NotEqual(0, peer.Find(reference));
    }

    [Fact]
    public void Refer_OrdinaryMemoryOrBeyondASegment_IsNotShared()
    {
        var memory = SharedSegments.TryAllocate(4096);
        var ordinary = NativeMemory.Alloc(64);
        using var directory = new SegmentDirectory();
        Assert.Equal(default, directory.Refer((nint)ordinary, 64));
        Assert.Equal(default, directory.Refer(memory + 4092, 8));
        Assert.NotEqual(default, directory.Refer(memory + 4092, 4));
        NativeMemory.Free(ordinary);
        SharedSegments.Free(memory);
    }

    [Theory]
    [InlineData(1, -4, 4)]
    [InlineData(1, 4096, 4)]
    [InlineData(1, 4093, 3)]
    [InlineData(1, 0, -4)]
    [InlineData(1, 2, 4)]
    [InlineData(1, long.MaxValue - 3, 4)]
    [InlineData(0, 0, 4)]
    [InlineData(2, 0, 4)]
    [InlineData(-1, 0, 4)]
    [InlineData(int.MaxValue, 0, 4)]
    public void Find_WhatIsNotThere_IsRefused(int segment, long offset, int bytes)
    {
        var memory = SharedSegments.TryAllocate(4096);
        using var directory = new SegmentDirectory();
        directory.Refer(memory, 4);
        using var peer = new PeerMemory(directory.Words);
        Assert.Throws<IOException>(() => peer.Find(new BulkReference(segment, offset, bytes)));
        SharedSegments.Free(memory);
    }

    [Fact]
    public void IsInForce_AfterTheWriterHasLeft_IsFalseForGood()
    {
        var directory = new SegmentDirectory();
        using var peer = new PeerMemory(directory.Words);
        Assert.True(peer.IsInForce);
        directory.Dispose();
        Assert.False(peer.IsInForce);
    }

    [Fact]
    public void OwnSegment_OpenedByAnother_CanNeitherBeWrittenNorCutOff()
    {
        using var segment = new OwnSegment("test", 4096);
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{segment.Descriptor}");
        const int ReadAndWrite = 2;
        var file = MemoryCalls.Open(path, ReadAndWrite);
        Assert.True(file >= 0);
        Assert.Equal(-1, MemoryCalls.Truncate(file, 0));
        Assert.Equal(-1, MemoryCalls.Truncate(file, 1 << 20));
        Assert.Equal(MemoryCalls.Failed, MemoryCalls.Map(0, 4096, MemoryCalls.Read | MemoryCalls.Write, MemoryCalls.SharedMapping, file, 0));
        Assert.Equal(0, MemoryCalls.Close(file));
    }

    [Theory]
    [InlineData("can-shrink", "without which its owner could cut it off")]
    [InlineData("other-token", "is other memory than was announced")]
    public void Find_SegmentThatIsNotSafeToRead_IsRefused(string how, string reason)
    {
        using var owner = new Owner(how);
        using var peer = new PeerMemory(owner.Words);
        Assert.Contains(reason, Assert.Throws<IOException>(() => peer.Find(new BulkReference(1, 0, 4))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("1/2/3")]
    [InlineData("-1/2/00000000000000000000000000000000")]
    [InlineData("0/999/00000000000000000000000000000000")]
    public void Words_ThatLeadNowhere_AreRefused(string words) => Assert.Throws<IOException>(() => new PeerMemory(words));

    [Fact]
    public void Reading_WhileTheWriterIsFrozenAndThenKilled_GoesOn()
    {
        using var owner = new Owner("well");
        using var peer = new PeerMemory(owner.Words);
        var numbers = (float*)peer.Find(new BulkReference(1, 0, Elements * sizeof(float)));
        AssertNumbers(numbers);
        owner.Signal("STOP");
        AssertNumbers(numbers);
        owner.Signal("KILL");
        owner.WaitForEnd();
        AssertNumbers(numbers);
        Assert.True(peer.IsInForce);
    }

    [Fact]
    public void SharingRule_ThisProcessAndOneThatIsNot_AreToldApart()
    {
        Assert.True(SharingRule.Allows(Environment.ProcessId));
        Assert.False(SharingRule.Allows(int.MaxValue));
    }

    private static void AssertNumbers(float* numbers)
    {
        for (var i = 0; i < Elements; i++)
        {
            if (numbers[i] != i % 1000)
            {
                Assert.Fail($"Element {i} is {numbers[i]}; {i % 1000} was expected.");
            }
        }
    }

    /// <summary>Another process, which shares <see cref="Elements"/> numbers.</summary>
    private sealed class Owner : IDisposable
    {
        private readonly Process _process;

        public Owner(string how)
        {
            var script = Path.Combine(AppContext.BaseDirectory, "Collectives", "Peer", "memory_owner.py");
            _process = Process.Start(new ProcessStartInfo("/usr/bin/python3", [script, how, $"{Elements}"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            Words = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The other process did not start.");
        }

        public string Words { get; }

        public void Signal(string name) => Process.Start("kill", [$"-{name}", $"{_process.Id}"]).WaitForExit();

        public void WaitForEnd() => _process.WaitForExit();

        public void Dispose()
        {
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
