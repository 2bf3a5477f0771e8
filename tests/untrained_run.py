"""A run of paper 3 that was never trained, for tests of what is done with a run's network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from facelib.models.sadrnet import SADRNet
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.networks import build_network
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run
from facelib.runs.records import new_record, write_record
from facelib.runs.settings import as_dict


def make_untrained_run(method: str = "regressed_pose", **changes: Any) -> Path:
    """The run's folder among all runs; with a regressed pose, its weights read a frontal mean face in the middle."""
    run = Run("sadrnet", method, changes=changes)
    settings = PAPER.run_settings(method, "smoke", changes=changes)
    network = build_network(METHODS[method], settings)
    if isinstance(network, SADRNet) and network.shape_head is not None:
        nn.init.zeros_(network.shape_head[-1].weight)  # norms that have seen nothing shift what passes them
    save_weights(run.weights, {"network": network})
    data = {"source": "made", "fingerprint": "0"}
    record = new_record(run, data=data, parameters=as_dict(settings), metrics={}, wall_time_s=0.0)
    write_record(run.record, record)
    return run.folder
