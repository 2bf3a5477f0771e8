"""The toy paper with runs that take as long as a test likes, may fail, and may change their code: a file says so."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from facelib.papers.toy import bootstrap_metrics, build_network, data_sets, evaluate

from facelib.errors import BadInput
from facelib.papers import toy
from facelib.papers.paper import Method, RunInputs

__all__ = ["PAPER", "bootstrap_metrics", "build_network", "build_task", "data_sets", "evaluate"]

STATE_VARIABLE = "TOY_STATE"  # names the file: {"epoch_s": seconds, "failing": [methods], "code": {method: module}}


def state() -> dict[str, Any]:
    return json.loads(Path(os.environ[STATE_VARIABLE]).read_text())


class SlowTask(toy.ToyTask):
    def batches(self, epoch: int, generator: Any) -> Iterator[Any]:
        began = time.monotonic()
        while time.monotonic() - began < state()["epoch_s"]:  # asked again, so that a test can stretch a running epoch
            time.sleep(0.05)
        return super().batches(epoch, generator)


def build_task(inputs: RunInputs, network: Any) -> SlowTask:
    if inputs.method.name in state()["failing"]:
        raise BadInput(f"{inputs.method.name} was told to fail")
    return SlowTask(inputs, network, toy.build_task(inputs, network).teacher)


# Several epochs of each, so that a test finds a run at work after its first checkpoint.
TIERS = toy.TIERS | {"smoke": toy.TIERS["smoke"] | {"pretraining.epochs": 4}}


class SlowToy(toy.ToyPaper):
    def code(self, method: Method) -> tuple[str, ...]:
        return (state()["code"].get(method.name, "facelib.storage"),)


PAPER = SlowToy(
    **{field.name: getattr(toy.PAPER, field.name) for field in fields(toy.PAPER)}
    | {"name": "slow_toy", "module": __name__, "tiers": TIERS}
)
