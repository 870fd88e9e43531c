"""Times training steps of a job's twin, as a plain PyTorch loop takes them. Usage: steps.py FOLDER
Each line of standard input, "MICRO_BATCHES STEPS", is answered by one line: wall and processor milliseconds and page faults for each step."""
import itertools
import json
import os
import resource
import sys
import time

import recipes
import safetensors_reader
import torch
import twins

torch.set_num_threads(1)
folder = sys.argv[1]
with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
    job = json.load(file)
training = job["training"]
read = safetensors_reader.read(os.path.join(folder, "batches.safetensors"))
batches = itertools.cycle([(read[f"inputs.{step}"], read[f"targets.{step}"]) for step in range(len(read) // 2)])
model = twins.create(job["model"], safetensors_reader.read(os.path.join(folder, "initial.safetensors")))
model.train()
torch.manual_seed(job["seed"])
optimizer = recipes.optimizer(model.parameters(), training["optimizer"])


def train_step(micro_batches):
    inputs, targets = next(batches)
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for x, y in zip(inputs.chunk(micro_batches), targets.chunk(micro_batches)):
        loss = twins.loss(model, x, y) / micro_batches if micro_batches > 1 else twins.loss(model, x, y)
        loss.backward()
        total += loss.item()
    if "clipNorm" in training:
        torch.nn.utils.clip_grad_norm_(model.parameters(), training["clipNorm"])
    optimizer.step()
    return total


for line in iter(sys.stdin.readline, ""):
    micro_batches, steps = map(int, line.split())
    train_step(micro_batches)
    wall, processor, faults = time.perf_counter(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(steps):
        loss = train_step(micro_batches)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    print(json.dumps({"milliseconds": 1000 * wall / steps, "processorMilliseconds": 1000 * processor / steps, "pageFaults": faults / steps, "loss": loss}), flush=True)
