"""One run of paper 3, from data to record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.protocol import rows_of
from facelib.errors import BadInput, MissingPart, unknown_name
from facelib.papers import WEIGHTS_FILE, run_code
from facelib.papers.sadrnet import run_settings
from facelib.papers.sadrnet.data_sets import DATA_SETS, DataSet, combined_fingerprint, open_data, split_people
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import METHODS, Method
from facelib.papers.sadrnet.networks import build_network, face_model, full_size_mib
from facelib.papers.sadrnet.protocol import Predictor, judge_alignment, judge_florence, metrics_of
from facelib.papers.sadrnet.settings import ReconstructionSettings, settings_of
from facelib.papers.sadrnet.tasks import ReconstructionTask
from facelib.runs.checkpoints import load_weights, run_lock, save_weights
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import Record, new_record, run_command, write_record, write_scores
from facelib.runs.settings import as_dict
from facelib.runs.training import TrainingResult
from facelib.runs.training import train as run_training
from facelib.storage import digest_of

PAPER = "sadrnet"


def train(
    method: str,
    *,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Path:
    """Train and evaluate one run and write its record; an interrupted run goes on where it was.

    Args:
        method: a name in METHODS.
        fold: 0; the paper has one split.
        tier: smoke, laptop, gpu or paper.
        seed: of weights, order of the data and its disturbance.
        changes: overrides of the tier's settings by dotted name.
        folder: of the run; by default its place among all runs.

    Returns:
        The path of the record.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        BadInput: on another fold, or too few people.
        MissingPart: when licensed data are missing.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if fold != 0:
        raise BadInput(f"fold is {fold}: paper 3 has one split, fold 0")
    chosen = METHODS[method]
    settings = run_settings(method, tier, seed, changes)
    code = run_code(PAPER, method)  # now: somebody may edit it while this trains
    folder = folder or run_folder(PAPER, tier, method, fold, seed)
    archives = {name: open_data(settings, name) for name in DATA_SETS}
    mapper = FaceMapper(face_model(), settings.network.image_size, settings.loss.regions)
    network, result = train_network(chosen, settings, archives["training"], mapper, seed, folder)

    scores = judge(predictor_of(chosen, network, mapper), mapper, archives)
    size = {"size_mb": {"value": full_size_mib(chosen, settings), "unit": "MB"}}
    record: Record = new_record(
        paper=PAPER,
        method=method,
        fold=fold,
        seed=seed,
        tier=tier,
        data={
            "source": archives["training"].name,
            "fingerprint": combined_fingerprint({name: each.fingerprint for name, each in archives.items()}),
        },
        parameters=as_dict(settings),
        metrics=metrics_of(scores) | size,
        wall_time_s=result.seconds,
        history=result.history,
        scores=write_scores(folder / "scores.npz", scores),
        code_digest=code,
    )
    write_record(record_path(folder), record)
    return record_path(folder)


def train_network(
    method: Method, settings: ReconstructionSettings, archive: FaceArchive, mapper: FaceMapper, seed: int, folder: Path
) -> tuple[nn.Module, TrainingResult]:
    """The trained network of a method; a baseline has nothing to learn."""
    torch.manual_seed(seed)  # of the first weights
    network = build_network(method, settings)
    if method.kind == "baseline":
        with run_lock(folder):
            save_weights(folder / WEIGHTS_FILE, {"network": network})
        return network.eval(), TrainingResult(0, [], 0.0, folder / WEIGHTS_FILE)
    learnt, held_out = split_people(archive, settings.faces.validation)
    task = ReconstructionTask(
        network,
        mapper,
        archive,
        rows_of(archive, learnt),
        rows_of(archive, held_out),
        settings.training.batch_size,
        settings.loss,
        settings.disturbance,
        digest_of({"method": method.name, "settings": as_dict(settings), "data": archive.fingerprint}),
    )
    return network, run_training(task, settings.training, folder)


def predictor_of(method: Method, network: nn.Module, mapper: FaceMapper) -> Predictor:
    """What reads maps off photographs; a baseline is told the true landmarks."""
    if method.kind == "baseline":
        return lambda faces, true: network(mapper.template.landmarks_of(true.geometry))
    device = next(network.parameters()).device
    return lambda faces, true: network(faces.images.to(device))


def judge(predict: Predictor, mapper: FaceMapper, archives: dict[DataSet, FaceArchive]) -> dict[str, np.ndarray]:
    """The errors of every photograph of both data sets that the paper judges on."""
    mapper.cpu()
    aflw = archives["aflw2000"]
    return judge_alignment(predict, mapper, aflw, np.arange(len(aflw))) | judge_florence(
        predict, mapper, archives["florence"]
    )


def load_network(
    method: str, *, tier: str = "smoke", seed: int = 0, changes: dict[str, Any] | None = None
) -> nn.Module:
    """The trained network of a run, in eval mode.

    Args:
        method, tier, seed: of the run.
        changes: with which it was trained, as in `train`.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        MissingPart: when the run does not exist; the message says which command makes it.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    weights = run_folder(PAPER, tier, method, 0, seed) / WEIGHTS_FILE
    if not weights.exists():
        raise MissingPart(f"{weights} is missing: make it with `{run_command(PAPER, method, 0, tier)}`")
    network = build_network(METHODS[method], run_settings(method, tier, seed, changes))
    load_weights(weights, {"network": network})
    return network.eval()


def prepare(tier: str) -> None:
    """Generate the data sets of a tier ahead of its runs."""
    for name in DATA_SETS:
        open_data(settings_of(tier), name)
