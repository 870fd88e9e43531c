"""One rank of PyTorch's DistributedDataParallel over Gloo. Usage: ddp_rank.py INDEX RANKS MEETING FOLDER PROGRAMS
Each line of standard input, a number of steps, is answered by the seconds from the end of the fifth step to the end of the last."""
import itertools
import json
import os
import sys
import time

index, ranks, meeting, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
sys.path.insert(0, sys.argv[5])

import recipes
import safetensors_reader
import torch
import torch.distributed as dist
import twins

UNTIMED = 5

torch.set_num_threads(1)
with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
    job = json.load(file)
training = job["training"]
read = safetensors_reader.read(os.path.join(folder, "batches.safetensors"))
batches = itertools.cycle([tuple(read[f"{name}.{step}"].tensor_split(ranks)[index].clone() for name in ("inputs", "targets")) for step in range(len(read) // 2)])
model = twins.create(job["model"], safetensors_reader.read(os.path.join(folder, "initial.safetensors")))
model.train()
torch.manual_seed(job["seed"] + index)
dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=index, world_size=ranks)
parallel = torch.nn.parallel.DistributedDataParallel(model)
optimizer = recipes.optimizer(parallel.parameters(), training["optimizer"])
print(torch.__version__, flush=True)


def train_step():
    inputs, targets = next(batches)
    optimizer.zero_grad(set_to_none=True)
    loss = twins.loss(parallel, inputs, targets)
    loss.backward()
    if "clipNorm" in training:
        torch.nn.utils.clip_grad_norm_(parallel.parameters(), training["clipNorm"])
    optimizer.step()
    return loss.item()


for line in iter(sys.stdin.readline, ""):
    start = 0.0
    dist.barrier()
    for step in range(1, int(line) + 1):
        train_step()
        if step == UNTIMED:
            start = time.perf_counter()
    print(time.perf_counter() - start, flush=True)
