"""Prints, as JSON, the learning rate of every step under schedulers of torch.optim. Usage: rates.py FILE, a JSON object with rate, steps and specs"""
import json
import sys
import warnings

import recipes
import torch

warnings.filterwarnings("ignore")  # no gradient is ever computed here
with open(sys.argv[1], encoding="utf-8") as file:
    problem = json.load(file)
rates = []
for spec in problem["specs"]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], problem["rate"])
    schedule = recipes.schedule(optimizer, spec, problem["steps"])
    seen = []
    for _ in range(problem["steps"]):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    rates.append(seen)
print(json.dumps(rates))
