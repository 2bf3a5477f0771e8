"""Records of paper 1 with made-up scores, as if runs had left them; no training."""

from __future__ import annotations

import numpy as np

from facelib.conventions import POSE_BINS
from facelib.papers.joint_attention.protocol import pose_metrics
from facelib.runs.folders import record_path, run_folder
from facelib.runs.records import Record, new_record, write_record, write_scores

PEOPLE = 6
ANGLES = {"0-10": 5.0, "10-30": 20.0, "30-60": 45.0, "60-90": 75.0, "90+": 100.0}
PROBES = 5  # of a person in a pose bin


def make_record(method: str, fold: int = 0, tier: str = "smoke", seed: int = 0, **metrics: float) -> Record:
    """Write a record with scores that fall with pose; named metrics (fractions) replace the computed ones."""
    generator = np.random.default_rng([fold, seed, len(method)])
    degrees = np.repeat(list(ANGLES.values()), PEOPLE * PROBES)
    probe_identity = np.tile(np.arange(PEOPLE).repeat(PROBES), len(ANGLES)) + 10
    place = generator.normal(size=(PEOPLE, 8))
    probes = place[probe_identity - 10] + (0.3 + degrees / 100)[:, None] * generator.normal(size=(len(degrees), 8))
    embeddings = probes / np.linalg.norm(probes, axis=1, keepdims=True)
    scored = {
        "scores": (embeddings @ (place / np.linalg.norm(place, axis=1, keepdims=True)).T).astype(np.float32),
        "probe_rows": np.arange(len(degrees)),
        "probe_identity": probe_identity,
        "probe_angle": np.deg2rad(degrees),
        "identities": np.arange(PEOPLE) + 10,
    }
    arrays = {**scored, "rows": scored["probe_rows"], "embeddings": embeddings}
    computed = pose_metrics(scored, POSE_BINS)
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
