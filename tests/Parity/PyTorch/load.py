"""Loads a checkpoint's weights into the twin. Prints, as JSON: the SHA-256 of each tensor's bytes, which tensors differ from raw
dumps of the live model (NAME.bin), and the largest relative difference of the logits. Usage: load.py FOLDER CHECKPOINT"""
import hashlib
import json
import os
import sys

import safetensors_reader
import torch
import twins

torch.set_num_threads(1)
folder, checkpoint = sys.argv[1:]
with open(os.path.join(checkpoint, "job.json"), encoding="utf-8") as file:
    job = json.load(file)
weights = safetensors_reader.read(os.path.join(checkpoint, "weights.safetensors"))
differing = []
for name, tensor in weights.items():
    with open(os.path.join(folder, name + ".bin"), "rb") as file:
        live = torch.frombuffer(bytearray(file.read()), dtype=tensor.dtype).reshape(tensor.shape)
    if not torch.equal(tensor, live):
        differing.append(name)
model = twins.create(job["model"], weights)
model.eval()
sample = safetensors_reader.read(os.path.join(folder, "logits.safetensors"))
with torch.no_grad():
    logits = model(sample["inputs"])
difference = ((logits - sample["logits"]).abs().max() / sample["logits"].abs().max()).item()
sha256 = {name: hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest() for name, tensor in weights.items()}
print(json.dumps({"sha256": sha256, "differing": differing, "logitsDifference": difference}))
