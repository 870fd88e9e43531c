"""One rank of PyTorch's Gloo all-reduce; obeys the same lines as the rank of `bench allreduce`."""
import resource
import sys
import time

import torch
import torch.distributed as dist

index, ranks, meeting = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=index, world_size=ranks)
print("ready", flush=True)


def value(rank, count):
    # The same numbers as in ours: multiples of 1/8 below 128.
    return ((torch.arange(count) * 7 + rank * 13) % 1000).to(torch.float32) * 0.125


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


for line in sys.stdin:
    words = line.split()
    if words[0] == "prepare":
        count = int(words[1]) << 18
        own = value(index, count)
        expected = sum(value(rank, count) for rank in range(ranks))
        buffer = torch.empty_like(own)
        print("ready", flush=True)
    elif words[0] == "run":
        seconds, spent, right = [], 0.0, True
        for i in range(int(words[1]) + int(words[2])):
            buffer.copy_(own)
            dist.barrier()
            before, start = cpu(), time.perf_counter()
            dist.all_reduce(buffer)
            if i >= int(words[1]):
                seconds.append(time.perf_counter() - start)
                spent += cpu() - before
            if i == 0:
                right = torch.equal(buffer, expected)
        print(spent, 1 if right else 0, 0, *seconds, flush=True)
