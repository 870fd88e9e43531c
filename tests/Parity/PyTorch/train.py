"""Trains the twin of a job's model from given weights on given batches, and prints the losses as JSON. Usage: train.py FOLDER"""
import json
import os
import sys

import recipes
import safetensors_reader
import torch
import twins

torch.set_num_threads(1)
folder = sys.argv[1]
with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
    job = json.load(file)
training = job["training"]
batches = safetensors_reader.read(os.path.join(folder, "batches.safetensors"))
model = twins.create(job["model"], safetensors_reader.read(os.path.join(folder, "initial.safetensors")))
model.train()
optimizer = recipes.optimizer(model.parameters(), training["optimizer"])
schedule = recipes.schedule(optimizer, training["schedule"], training["steps"])
losses = []
for step in range(len(batches) // 2):
    optimizer.zero_grad(set_to_none=True)
    loss = twins.loss(model, batches[f"inputs.{step}"], batches[f"targets.{step}"])
    loss.backward()
    if "clipNorm" in training:
        torch.nn.utils.clip_grad_norm_(model.parameters(), training["clipNorm"])
    optimizer.step()
    schedule.step()
    losses.append(loss.item())
print(json.dumps(losses))
