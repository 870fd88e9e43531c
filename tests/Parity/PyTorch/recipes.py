"""Optimizers and schedules of torch.optim out of a resolved job file."""
import math

import torch


def optimizer(parameters, spec):
    rate, decay = spec["learningRate"], spec["weightDecay"]
    if spec["kind"] == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=spec["momentum"], weight_decay=decay, nesterov=spec["nesterov"])
    if spec["kind"] == "rmsprop":
        return torch.optim.RMSprop(parameters, rate, alpha=spec["alpha"], eps=spec["epsilon"], weight_decay=decay, momentum=spec["momentum"])
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[spec["kind"]]
    return kind(parameters, rate, betas=tuple(spec["betas"]), eps=spec["epsilon"], weight_decay=decay)


def schedule(of, spec, steps):
    """The schedule as a PyTorch user composes it from torch.optim.lr_scheduler."""
    schedulers = torch.optim.lr_scheduler
    warmup, rate = spec["warmupSteps"], of.param_groups[0]["lr"]
    after = {
        "constant": lambda: schedulers.LambdaLR(of, lambda step: 1.0),
        "cosine": lambda: schedulers.CosineAnnealingLR(of, T_max=steps - warmup - 1, eta_min=rate * spec["finalShare"]),
        "step": lambda: schedulers.StepLR(of, step_size=spec["dropEverySteps"], gamma=spec["dropFactor"]),
    }[spec["kind"]]
    if warmup == 0:
        return after()
    rise = schedulers.LinearLR(of, start_factor=1 / warmup, total_iters=warmup - 1)
    return schedulers.SequentialLR(of, [rise, after()], milestones=[warmup])
