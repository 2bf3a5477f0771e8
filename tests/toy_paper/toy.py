"""A paper whose runs take as long as a test likes, may fail, and may change their code: a file of the test says so."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facelib.errors import BadInput
from facelib.papers import needed_weights, run_code
from facelib.runs.folders import record_path, run_folder
from facelib.runs.settings import TrainingSettings, as_dict, override

NUMBER, TITLE, FOLDER, HEADLINE, FOLDS = 0, "A toy", str(Path(__file__).parent), "accuracy", 3
VALUE_MODULES = ()
STATE_VARIABLE = "TOY_STATE"  # names the file: {"epoch_s": seconds, "failing": [methods], "code": {method: module}}


@dataclass(frozen=True)
class Method:
    name: str
    kind: str = "toy"
    needs: tuple[str, ...] = ()
    label: str = ""
    source: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


METHODS = {
    method.name: method
    for method in (
        Method("student", needs=("base", "teacher")),
        Method("teacher", needs=("base",)),
        Method("other", needs=("base",)),
        Method("base", "pretraining"),
    )
}
TIERS = {"smoke": {"epochs": 5}, "laptop": {"epochs": 6}}


def state() -> dict[str, Any]:
    return json.loads(Path(os.environ[STATE_VARIABLE]).read_text())


def settings_of(tier: str, changes: dict[str, Any] | None = None) -> TrainingSettings:
    toy = {"min_epochs": 2, "learning_rate": 0.05, "milestones": [3], "batch_size": 8, "accelerator": "cpu"}
    return override(TrainingSettings(), toy | TIERS[tier] | (changes or {}))


def run_settings(method: str, tier: str, seed: int = 0, changes: dict[str, Any] | None = None) -> TrainingSettings:
    return settings_of(tier, {**(changes or {}), "seed": seed})


def data_fingerprint(method: str, tier: str, changes: dict[str, Any] | None = None) -> str:
    return "toy data"


def code_modules(method: str) -> tuple[str, ...]:
    return (state()["code"].get(method, "facelib.storage"),)


def prepare(tier: str) -> None:
    pass


def train(method: str, *, fold: int, tier: str, seed: int = 0, changes: dict[str, Any] | None = None) -> Path:
    from toy_task import ToyTask

    from facelib.runs.checkpoints import load_weights
    from facelib.runs.records import new_record, write_record
    from facelib.runs.training import train as run_training
    from facelib.storage import sha256_of

    if method in state()["failing"]:
        raise BadInput(f"{method} was told to fail")

    class SlowTask(ToyTask):
        def batches(self, epoch, generator):
            time.sleep(state()["epoch_s"])
            return super().batches(epoch, generator)

    folder = run_folder("toy", tier, method, fold, seed)
    settings = run_settings(method, tier, seed, changes)
    needed = needed_weights("toy", method, fold, tier)
    task = SlowTask(seed=fold)
    for path in needed.values():
        load_weights(path, task.modules)
    result = run_training(task, settings, folder)
    record = new_record(
        paper="toy",
        method=method,
        fold=fold,
        seed=seed,
        tier=tier,
        data={"source": "toy", "fingerprint": "toy data"},
        parameters=as_dict(settings),
        metrics={"accuracy": {"value": task.validate()["accuracy"], "unit": "fraction"}},
        wall_time_s=result.seconds,
        history=result.history,
        code_digest=run_code("toy", method),
        needs={name: sha256_of(path) for name, path in needed.items()},
    )
    write_record(record_path(folder), record)
    return record_path(folder)
