"""Runs with made-up scores, as if training had left them, in a runs folder and a checkout of their own."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_runs import use_private_runs

from facelib.conventions import POSE_BINS
from facelib.papers import load_paper, status
from facelib.papers.joint_attention import METHODS
from facelib.papers.joint_attention.protocol import ARL_VTF_PREFIX, arl_vtf_metrics, pose_metrics
from facelib.report import manifest
from facelib.runs.folders import Run
from facelib.runs.identity import Identity
from facelib.runs.records import Record, new_record, write_record, write_scores
from facelib.runs.settings import as_dict
from facelib.storage import write_checked

PEOPLE = 6
ANGLES = {"0-10": 5.0, "10-30": 20.0, "30-60": 45.0, "60-90": 75.0, "90+": 100.0}
PROBES = 5  # of a person in a pose bin
ARL_VTF_ANGLES = {"frontal": 0.0, "pose": 60.0}


def use_made_runs(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep runs in <folder>/runs and figures in <folder>/checkout, and take made records for today's."""
    use_private_runs(patch, folder / "runs")
    for module in (status, manifest):
        patch.setattr(module, "project_folder", lambda: folder / "checkout")
    patch.setattr(status, "identity_of", made_identity)


def made_identity(run: Run) -> Identity:
    """What a made record says that its run was made from."""
    settings = load_paper(run.paper).run_settings(run.method, run.tier, run.seed, run.changes)
    return Identity(as_dict(settings), data="made", code="made", needs={})


def write_run(
    run: Run,
    metrics: dict[str, dict[str, Any]],
    scores: Mapping[str, np.ndarray],
    *,
    source: str = "embedded_facescape",
    history: list[dict[str, Any]] | None = None,
) -> Record:
    """Leave what a run with these metrics and scores leaves: a record, scores and (empty) weights."""
    run.folder.mkdir(parents=True, exist_ok=True)
    write_checked(run.weights, b"")
    identity = made_identity(run)
    record = new_record(
        run,
        data={"source": source, "fingerprint": identity.data},
        parameters=identity.settings,
        metrics=metrics,
        wall_time_s=1.0,
        history=history,
        scores=write_scores(run.folder / "scores.npz", scores),
        code_digest=identity.code,
    )
    write_record(run.record, record)
    return record


def commit(record: Record) -> None:
    """Let a run be one that only the repository has: its record lies among the figures, and its folder is gone."""
    path = status.committed_record(load_paper(record.paper), record.run)
    assert path is not None
    write_record(path, record)
    for left in record.run.folder.iterdir():
        left.unlink()
    record.run.folder.rmdir()


def make_record(
    method: str,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    *,
    skill: float = 1.0,
    people: int = PEOPLE,
    changes: Mapping[str, Any] | None = None,
    **metrics: float,
) -> Record:
    """Write a record of paper 1 with scores that fall with pose.

    Args:
        method, fold, tier, seed: of the run. Each fold has people of its own on FaceScape, and the same on ARL-VTF.
        skill: divides the noise; the methods of a fold share most of it.
        people: how many are evaluated, on each data set.
        changes: of the tier's settings.
        metrics: fractions that replace the computed ones.
    """
    own = np.random.default_rng([fold, seed, zlib.crc32(method.encode())])
    first = 10 + people * fold
    facescape = _scored(np.arange(first, first + people), list(ANGLES.values()), skill, own)
    computed = pose_metrics(facescape, POSE_BINS)
    arrays = facescape
    if METHODS[method].kind != "cloud":
        second = _scored(np.arange(people), list(ARL_VTF_ANGLES.values()), skill, own)
        second["probe_condition"] = (second["probe_angle"] > 0).astype(np.int64)
        computed |= {ARL_VTF_PREFIX + name: value for name, value in arl_vtf_metrics(second).items()}
        arrays = facescape | {ARL_VTF_PREFIX + name: array for name, array in second.items()}
    computed.update({name: {"value": value, "unit": "fraction"} for name, value in metrics.items()})
    return write_run(Run("joint_attention", method, fold, tier, seed, changes or {}), computed, arrays)


def make_face_record(
    method: str, tier: str = "smoke", *, skill: float = 1.0, people: int = 12, size_mb: float = 59.0
) -> Record:
    """Write a record of paper 3 with `made_faces.made_scores`.

    Args:
        method, tier: of the run.
        skill, people: as of `made_scores`.
        size_mb: of the network.
    """
    from made_faces import made_scores

    from facelib.papers.sadrnet.protocol import metrics_of

    scores = made_scores(method, skill=skill, people=people)
    metrics = metrics_of(scores) | {"size_mb": {"value": size_mb, "unit": "MB"}}
    return write_run(Run("sadrnet", method, tier=tier), metrics, scores, source="embedded_people_stream")


def _scored(
    identities: np.ndarray, angles: list[float], skill: float, own: np.random.Generator
) -> dict[str, np.ndarray]:
    """Probes around their person's place, with noise that grows with the angle."""
    shared = np.random.default_rng(identities)
    degrees = np.repeat(angles, len(identities) * PROBES)
    probe_identity = np.tile(identities.repeat(PROBES), len(angles))
    places = shared.normal(size=(len(identities), 8))
    noise = 0.8 * shared.normal(size=(len(degrees), 8)) + 0.6 * own.normal(size=(len(degrees), 8))
    probes = places[probe_identity - identities[0]] + (0.3 + degrees[:, None] / 100) / skill * noise
    embeddings = probes / np.linalg.norm(probes, axis=1, keepdims=True)
    return {
        "scores": (embeddings @ (places / np.linalg.norm(places, axis=1, keepdims=True)).T).astype(np.float32),
        "probe_rows": np.arange(len(degrees)),
        "probe_identity": probe_identity,
        "probe_angle": np.deg2rad(degrees),
        "identities": identities,
        "rows": np.arange(len(degrees)),
        "embeddings": embeddings,
    }
