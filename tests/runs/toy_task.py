"""A task small enough to train in a blink, and a program that trains it until somebody kills it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch
from torch import nn

from facelib.runs.phases import Phase, Stage
from facelib.runs.settings import TrainingSettings, override
from facelib.runs.tasks import Monitor
from facelib.runs.training import train

SETTINGS = override(
    TrainingSettings(),
    {"epochs": 5, "min_epochs": 2, "learning_rate": 0.05, "milestones": [3], "batch_size": 8, "accelerator": "cpu"},
)


class ToyTask:
    """Tell the sign of a sum, with dropout and batch norm so that generators and buffers count."""

    def __init__(self, seed: int = 0, samples: int = 64) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.inputs = torch.randn(samples, 6, generator=generator)
        self.labels = (self.inputs.sum(1) > 0).long()
        torch.manual_seed(seed)
        body = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3))
        self.modules: dict[str, nn.Module] = {"body": body, "head": nn.Linear(16, 2)}
        self.fingerprint = f"toy {seed} {samples}"
        self.batch_count = samples // 8
        self.monitor = Monitor("accuracy", "highest")
        self.kill_at: tuple[int, int] | None = None  # epoch, batch
        self.poison_at: tuple[int, int] | None = None
        self.drawn: list[tuple[int, int]] = []

    def batches(self, epoch, generator):
        order = torch.randperm(len(self.inputs), generator=generator)
        for number, chosen in enumerate(order.split(8)):
            self.drawn.append((epoch, number))
            if self.kill_at == (epoch, number):
                os.kill(os.getpid(), signal.SIGKILL)
            yield {"inputs": self.inputs[chosen], "labels": self.labels[chosen]}

    def losses(self, batch, phase):
        features = self.modules["body"](batch["inputs"])
        identity = nn.functional.cross_entropy(self.modules["head"](features), batch["labels"])
        sparsity = 0.01 * features.abs().mean()
        if self.poison_at == self.drawn[-1]:
            sparsity = sparsity * float("nan")
        return {"identity": identity, "sparsity": sparsity}

    def watch(self):
        return {"head norm": float(self.modules["head"].weight.detach().norm())}

    def validate(self):
        answers = self.modules["head"](self.modules["body"](self.inputs)).argmax(1)
        return {"accuracy": float((answers == self.labels).float().mean())}


HEAD = Phase("head", ("head",), {"learning_rate": 0.1, "weight_decay": 0.0})
BODY = Phase("body", ("body",), {"optimizer": "adam", "learning_rate": 0.01, "warmup_epochs": 3})
STAGED_SETTINGS = override(
    SETTINGS, {"epochs": 6, "accumulate": 3, "ema_decay": 0.8, "keep": "last", "gradient_clip": 1.0}
)


class StagedToyTask(ToyTask):
    """The same in four stages, with every kind of alternation."""

    def __init__(self) -> None:
        super().__init__()
        self.fingerprint = "staged toy"
        self.schedule = (
            Stage((Phase("head", HEAD.modules, HEAD.changes),), epochs=1),
            Stage((HEAD, BODY), epochs=2, alternate="batch"),
            Stage((HEAD, BODY), epochs=2, alternate="epoch"),
            Stage((HEAD, BODY, BODY)),
        )


if __name__ == "__main__":
    folder, epoch, batch = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    staged = sys.argv[4:] == ["staged"]
    task = StagedToyTask() if staged else ToyTask()
    task.kill_at = (epoch, batch)
    torch.set_num_threads(1)
    train(task, STAGED_SETTINGS if staged else SETTINGS, folder)
