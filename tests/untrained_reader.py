"""A run of paper 5 that was never trained: it reads the mean face, in the middle of its crop."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from facelib.models.msma import MSMA
from facelib.papers.msma import PAPER
from facelib.papers.msma.networks import build_network
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run
from facelib.runs.records import new_record, write_record
from facelib.runs.settings import as_dict


def make_untrained_reader(method: str = "msma", *, silent: bool = True) -> Path:
    """The run's folder among all runs, at the smoke tier; one that is not silent reads something else."""
    run = Run("msma", method)
    settings = PAPER.run_settings(method, "smoke")
    torch.manual_seed(0)
    network = build_network(PAPER.method(method), settings)
    if isinstance(network, MSMA) and not silent:
        for head in network.heads.values():
            nn.init.normal_(head.weight, std=0.05)
    save_weights(run.weights, {"network": network})
    data = {"source": "made", "fingerprint": "0"}
    write_record(run.record, new_record(run, data=data, parameters=as_dict(settings), metrics={}, wall_time_s=0.0))
    return run.folder
