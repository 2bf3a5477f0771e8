"""Records of paper 1 with made-up scores, as if runs had left them; no training."""

from __future__ import annotations

import zlib

import numpy as np

from facelib.conventions import POSE_BINS
from facelib.papers.joint_attention import METHODS
from facelib.papers.joint_attention.protocol import ARL_VTF_PREFIX, CONDITIONS, pose_metrics
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import Record, new_record, write_record, write_scores

PEOPLE = 6
ANGLES = {"0-10": 5.0, "10-30": 20.0, "30-60": 45.0, "60-90": 75.0, "90+": 100.0}
PROBES = 5  # of a person in a pose bin
ARL_VTF_ANGLES = {"frontal": 0.0, "pose": 60.0}


def make_record(
    method: str,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    *,
    skill: float = 1.0,
    people: int = PEOPLE,
    **metrics: float,
) -> Record:
    """Write a record with scores that fall with pose.

    Args:
        method, fold, tier, seed: of the run. Each fold has people of its own on FaceScape, and the same on ARL-VTF.
        skill: divides the noise; the methods of a fold share most of it.
        people: how many are evaluated, on each data set.
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
        computed |= {ARL_VTF_PREFIX + name: value for name, value in pose_metrics(second, CONDITIONS).items()}
        arrays = facescape | {ARL_VTF_PREFIX + name: array for name, array in second.items()}
    computed.update({name: {"value": value, "unit": "fraction"} for name, value in metrics.items()})
    folder = run_folder("joint_attention", tier, method, fold, seed)
    folder.mkdir(parents=True, exist_ok=True)
    record = new_record(
        paper="joint_attention",
        method=method,
        fold=fold,
        seed=seed,
        tier=tier,
        data={"source": "embedded_facescape", "fingerprint": "made"},
        parameters={},
        metrics=computed,
        wall_time_s=1.0,
        scores=write_scores(folder / "scores.npz", arrays),
    )
    write_record(record_path(folder), record)
    return record


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
