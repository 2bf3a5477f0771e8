"""One run of paper 3, from data to record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.protocol import rows_of
from facelib.errors import BadInput, unknown_name
from facelib.models.sadrnet import SADRNet
from facelib.papers import WEIGHTS_FILE, found_weights, run_code, weights_of
from facelib.papers.sadrnet import run_settings
from facelib.papers.sadrnet.data_sets import DATA_SETS, DataSet, combined_fingerprint, open_data, split_people
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import ENCODER, METHODS, Method
from facelib.papers.sadrnet.networks import build_network, face_model, full_size_mib, start_encoder
from facelib.papers.sadrnet.protocol import (
    Predictor,
    evaluate_alignment,
    evaluate_florence,
    evaluate_landmarks,
    landmark_metrics,
    metrics_of,
)
from facelib.papers.sadrnet.settings import ReconstructionSettings, settings_of
from facelib.papers.sadrnet.tasks import LandmarkTask, ReconstructionTask
from facelib.runs.checkpoints import load_weights, run_lock, save_weights
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import Record, new_record, write_record, write_scores
from facelib.runs.settings import as_dict
from facelib.runs.training import TrainingResult
from facelib.runs.training import train as run_training
from facelib.storage import digest_of, sha256_of

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
        seed: of weights, order of the data and its augmentation.
        changes: overrides of the tier's settings by dotted name.
        folder: of the run; by default its place among all runs.

    Returns:
        The path of the record.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        BadInput: on another fold, or too few people.
        MissingPart: when the weights that it starts from, or licensed data, are missing.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if fold != 0:
        raise BadInput(f"fold is {fold}: paper 3 has one split, fold 0")
    chosen = METHODS[method]
    settings = run_settings(method, tier, seed, changes)
    code = run_code(PAPER, method)  # now: somebody may edit it while this trains
    folder = folder or run_folder(PAPER, tier, method, fold, seed)
    weights = found_weights(PAPER, method, fold, tier) if settings.warm_start else {}
    archives = {name: open_data(settings, name) for name in DATA_SETS}
    mapper = FaceMapper(face_model(), settings.network.image_size, settings.loss.regions)
    network, result = train_network(chosen, settings, archives["training"], mapper, seed, folder, weights)

    scores, metrics = evaluate(chosen, network, settings, mapper, archives)
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
        metrics=metrics,
        wall_time_s=result.seconds,
        history=result.history,
        scores=write_scores(folder / "scores.npz", scores),
        code_digest=code,
        needs={name: sha256_of(path) for name, path in weights.items()},
    )
    write_record(record_path(folder), record)
    return record_path(folder)


def train_network(
    method: Method,
    settings: ReconstructionSettings,
    archive: FaceArchive,
    mapper: FaceMapper,
    seed: int,
    folder: Path,
    weights: Mapping[str, Path],
) -> tuple[nn.Module, TrainingResult]:
    """The trained network of a method, started from these weights; a baseline has nothing to learn."""
    torch.manual_seed(seed)  # of the first weights
    network = build_network(method, settings)
    if method.kind == "baseline":
        with run_lock(folder):
            save_weights(folder / WEIGHTS_FILE, {"network": network})
        return network.eval(), TrainingResult(0, [], 0.0, folder / WEIGHTS_FILE)
    if isinstance(network, SADRNet) and ENCODER in weights:
        start_encoder(network, settings, weights[ENCODER])
    learnt, held_out = split_people(archive, settings.faces.validation)
    pretraining = method.kind == "pretraining"
    stage = settings.pretraining if pretraining else settings.training
    task = (LandmarkTask if pretraining else ReconstructionTask)(
        network,
        mapper,
        archive,
        rows_of(archive, learnt),
        rows_of(archive, held_out),
        stage.batch_size,
        settings.loss,
        settings.augmentation,
        digest_of(
            {
                "method": method.name,
                "settings": as_dict(settings),
                "data": archive.fingerprint,
                "weights": {name: sha256_of(path) for name, path in weights.items()},
            }
        ),
    )
    return network, run_training(task, stage, folder)


def predictor_of(method: Method, network: nn.Module, mapper: FaceMapper) -> Predictor:
    """What reads maps off photographs; a baseline is told the true landmarks."""
    if method.kind == "baseline":
        return lambda faces, true: network(mapper.template.landmarks_of(true.geometry))
    device = next(network.parameters()).device
    return lambda faces, true: network(faces.images.to(device))


def evaluate(
    method: Method,
    network: nn.Module,
    settings: ReconstructionSettings,
    mapper: FaceMapper,
    archives: dict[DataSet, FaceArchive],
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    """The errors of every photograph of both data sets that the paper evaluates on, and the metrics.

    A landmark reader is evaluated on the landmarks of AFLW2000-3D alone.
    """
    mapper.cpu()
    aflw = archives["aflw2000"]
    rows = np.arange(len(aflw))
    if method.kind == "pretraining":
        scores = evaluate_landmarks(network, mapper, aflw, rows)
        return scores, landmark_metrics(scores)
    predict = predictor_of(method, network, mapper)
    scores = evaluate_alignment(predict, mapper, aflw, rows) | evaluate_florence(predict, mapper, archives["florence"])
    return scores, metrics_of(scores) | {"size_mb": {"value": full_size_mib(method, settings), "unit": "MB"}}


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
    weights = weights_of(PAPER, method, 0, tier, seed)
    network = build_network(METHODS[method], run_settings(method, tier, seed, changes))
    load_weights(weights, {"network": network})
    return network.eval()


def prepare(tier: str) -> None:
    """Generate the data sets of a tier ahead of its runs."""
    for name in DATA_SETS:
        open_data(settings_of(tier), name)
