"""One run of paper 1, from data to record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.protocol import rows_of
from facelib.errors import unknown_name
from facelib.papers import found_weights, run_code
from facelib.papers.joint_attention import run_settings
from facelib.papers.joint_attention.building import (
    PAPER,
    build_task,
    load_recogniser,
    recogniser_of,
)
from facelib.papers.joint_attention.data_sets import combined_fingerprint, data_sets_of, open_data, split_of
from facelib.papers.joint_attention.inputs import inputs_of
from facelib.papers.joint_attention.methods import METHODS, DataSet, Method
from facelib.papers.joint_attention.protocol import (
    ARL_VTF_PREFIX,
    CONDITIONS,
    arl_vtf_rows,
    embed,
    evaluate_arl_vtf,
    evaluate_facescape,
    pose_metrics,
)
from facelib.papers.joint_attention.settings import RecognitionSettings, settings_of
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import Record, new_record, write_record, write_scores
from facelib.runs.settings import as_dict
from facelib.runs.training import train as run_training
from facelib.storage import sha256_of

__all__ = ["load_recogniser", "prepare", "train"]


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
        fold: 0 to 2; a pretraining has fold 0 only.
        tier: smoke, laptop, gpu or paper.
        seed: of weights, order of the data and dropout.
        changes: overrides of the tier's settings by dotted name.
        folder: of the run; by default its place among all runs.

    Returns:
        The path of the record.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        BadInput: on too few identities, or a method that needs clouds of a data set without.
        MissingPart: when a run that it needs, or licensed data, is missing; the message says what makes it.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    chosen = METHODS[method]
    settings = run_settings(method, tier, seed, changes)
    code = run_code(PAPER, method)  # now: somebody may edit it while this trains
    folder = folder or run_folder(PAPER, tier, method, fold, seed)
    weights = found_weights(PAPER, method, fold, tier)
    archives = {name: open_data(settings, name) for name in data_sets_of(chosen)}
    learnt = archives[chosen.learns_from]
    task = build_task(chosen, settings, learnt, split_of(chosen.learns_from, learnt, fold), seed, weights)
    result = run_training(task, getattr(settings, chosen.stage), folder)

    metrics, scores = evaluate(chosen, task.network, settings, archives, fold)
    record: Record = new_record(
        paper=PAPER,
        method=method,
        fold=fold,
        seed=seed,
        tier=tier,
        data={
            "source": learnt.name,
            "fingerprint": combined_fingerprint({name: archive.fingerprint for name, archive in archives.items()}),
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


def evaluate(
    method: Method, network: nn.Module, settings: RecognitionSettings, archives: dict[DataSet, FaceArchive], fold: int
) -> tuple[dict[str, dict[str, Any]], dict[str, np.ndarray]]:
    """Metrics and scores of a trained network on every data set that it is evaluated on.

    A pretraining is evaluated on web identities that it did not see; all else on the fold's evaluation identities of
    FaceScape, and networks of images on ARL-VTF too, whose metrics and scores bear the prefix "arl_vtf.".
    """
    recogniser = recogniser_of(network)
    name: DataSet = "web_faces" if method.kind == "pretraining" else "facescape"
    archive = archives[name]
    rows = rows_of(archive, split_of(name, archive, fold).evaluation)
    embeddings = embed(recogniser, inputs_of(method, archive, settings.clouds), rows)
    scores = evaluate_facescape(embeddings, archive, rows)
    metrics = pose_metrics(scores, () if method.kind == "pretraining" else POSE_BINS)
    if "arl_vtf" in archives:
        archive = archives["arl_vtf"]
        rows = arl_vtf_rows(archive)
        second = evaluate_arl_vtf(embed(recogniser, inputs_of(method, archive, settings.clouds), rows), archive, rows)
        scores |= {ARL_VTF_PREFIX + key: array for key, array in second.items()}
        metrics |= {ARL_VTF_PREFIX + key: value for key, value in pose_metrics(second, CONDITIONS).items()}
    return metrics, scores


def prepare(tier: str) -> None:
    """Generate the data sets of a tier ahead of its runs."""
    for name in ("web_faces", "facescape", "arl_vtf"):
        open_data(settings_of(tier), name)  # type: ignore[arg-type]
