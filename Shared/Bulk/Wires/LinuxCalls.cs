using System.Runtime.InteropServices;

namespace Orchestrator.Bulk.Wires;

/// <summary>The vectored calls on sockets, which .NET offers for arrays only. Structures as on 64-bit Linux.</summary>
internal static unsafe partial class LinuxCalls
{
    public const int DoNotWait = 0x40;
    public const int NoSignal = 0x4000;
    public const short Readable = 1;
    public const int Interrupted = 4;
    public const int WouldBlock = 11;

    public const int SocketLevel = 1;
    public const int PeerCredentialsOption = 17;
    public const int ReceiveTimeoutOption = 20;
    public const int SendTimeoutOption = 21;

    public const int TcpLevel = 6;
    public const int TcpInfoOption = 11;

    /// <summary>Where tcp_info has the count of the running retransmissions.</summary>
    public const int TcpInfoRetransmits = 2;

    public static bool AreUsable => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SetAffinity(int thread, nuint maskBytes, ulong* mask);

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Wanted;
        public short Happened;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameBytes;
        public IoSlice* Slices;
        public nuint SliceCount;
        public void* Control;
        public nuint ControlBytes;
        public int Flags;
    }
}
