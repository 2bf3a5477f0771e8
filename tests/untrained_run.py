"""A run of paper 3 that was never trained, for tests of what is done with a run's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from facelib.models.sadrnet import SADRNet
from facelib.papers import WEIGHTS_FILE
from facelib.papers.sadrnet import run_settings
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.networks import build_network
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import run_folder
from facelib.runs.records import new_record, write_record
from facelib.runs.settings import as_dict


def make_untrained_run(method: str = "regressed_pose", **changes: Any) -> Path:
    """The run's folder among all runs; with a regressed pose, its weights read a frontal mean face in the middle."""
    folder = run_folder("sadrnet", "smoke", method, 0, 0)
    settings = run_settings(method, "smoke", 0, changes)
    network = build_network(METHODS[method], settings)
    if isinstance(network, SADRNet) and network.shape_head is not None:
        nn.init.zeros_(network.shape_head[-1].weight)  # norms that have seen nothing shift what passes them
    save_weights(folder / WEIGHTS_FILE, {"network": network})
    record = new_record(
        paper="sadrnet", method=method, fold=0, seed=0, tier="smoke", data={"source": "made", "fingerprint": "0"},
        parameters=as_dict(settings), metrics={}, wall_time_s=0.0,
    )  # fmt: skip
    write_record(folder / "record.json", record)
    return folder
