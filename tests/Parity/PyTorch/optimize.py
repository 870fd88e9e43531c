"""Minimises a quadratic with each optimizer of torch.optim that is asked for, and prints the parameters after every step as JSON.
Usage: optimize.py FILE, a JSON object with matrix, target, start, steps and specs"""
import json
import sys

import recipes
import torch

torch.set_num_threads(1)
with open(sys.argv[1], encoding="utf-8") as file:
    problem = json.load(file)
matrix, target = torch.tensor(problem["matrix"]), torch.tensor(problem["target"])
paths = []
for spec in problem["specs"]:
    x = torch.nn.Parameter(torch.tensor(problem["start"]))
    optimizer = recipes.optimizer([x], spec)
    path = []
    for _ in range(problem["steps"]):
        optimizer.zero_grad()
        residual = matrix @ x - target
        (0.5 * residual @ residual).backward()
        optimizer.step()
        path.append(x.detach().tolist())
    paths.append(path)
print(json.dumps(paths))
