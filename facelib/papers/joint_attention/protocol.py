"""Judging a recogniser as paper 1 does: gallery against probes, true accept rates by pose.

A pose bin has a threshold of its own (the paper does not say); the pooled numbers take all probes together, as the
paper's "Average" columns do. A probe's score against an identity is the highest over its gallery samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.protocol import gallery_and_probes
from facelib.errors import BadInput
from facelib.metrics.identification import gallery_scores, genuine_and_impostor, rank1
from facelib.metrics.verification import VerificationSummary, tar_at_far, verification_summary
from facelib.models.blocks import Embedding

FAR = 0.01
TAR_AT_FAR = "tar_at_far_1pct"
IMAGES_AT_ONCE = 256


@torch.no_grad()
def embed(network: nn.Module, archive: FaceArchive, rows: np.ndarray) -> np.ndarray:
    """Unit embeddings (N, D) of these rows' images; the network is put in eval mode for it.

    Raises:
        BadInput: without rows, or on a NaN image.
    """
    if len(rows) == 0:
        raise BadInput(f"no rows to embed of data set {archive.name}: expected at least one")
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    call: Any = getattr(network, "embed_images", network)
    parts = []
    for start in range(0, len(rows), IMAGES_AT_ONCE):
        images = archive.samples(rows[start : start + IMAGES_AT_ONCE]).images
        embedding: Embedding = call(images.to(device))
        parts.append(embedding.unit.float().cpu().numpy())
    network.train(was_training)
    return np.concatenate(parts)


def score_probes(
    embeddings: np.ndarray, archive: FaceArchive, rows: np.ndarray, fusion: str = "max"
) -> dict[str, np.ndarray]:
    """Scores of every probe against every enrolled identity.

    Args:
        embeddings: (N, D) of `rows`.
        archive: the data set.
        rows: ascending rows of the identities to judge.
        fusion: "max" or "mean" over an identity's gallery samples.

    Returns:
        scores (P, I), probe_rows (P,), probe_identity (P,), probe_angle (P,) in radians, identities (I,).
    """
    identity = archive.arrays["identity"]
    gallery, probes = gallery_and_probes(archive, np.unique(identity[rows]))
    place = {"gallery": np.searchsorted(rows, gallery), "probes": np.searchsorted(rows, probes)}
    scores, identities = gallery_scores(
        embeddings[place["probes"]], embeddings[place["gallery"]], identity[gallery], fusion
    )
    return {
        "scores": scores.astype(np.float32),
        "probe_rows": probes,
        "probe_identity": identity[probes],
        "probe_angle": archive.arrays["angle"][probes],
        "identities": identities,
    }


def pose_metrics(scored: dict[str, np.ndarray], bins: Iterable[str] = POSE_BINS) -> dict[str, dict[str, Any]]:
    """Every metric of table I: TAR at 1 % FAR by pose bin, and pooled TAR, AUC, EER and rank-1.

    Args:
        scored: of `score_probes`.
        bins: names of the pose bins to report; web photographs show no profiles.

    Returns:
        name -> {"value", "unit"}; a bin's metric is named "tar_at_far_1pct/30-60".

    Raises:
        BadInput: when a bin, which the message names, holds fewer than 100 impostor scores.
    """
    metrics = {f"{TAR_AT_FAR}/{name}": _tar_of_bin(scored, name) for name in bins}
    pooled = _pooled(scored)
    metrics |= {TAR_AT_FAR: pooled.tars[0], "auc": pooled.auc, "eer": pooled.eer}
    metrics["rank1"] = rank1(scored["scores"], scored["probe_identity"], scored["identities"])
    return {name: {"value": float(value), "unit": "fraction"} for name, value in metrics.items()}


def _tar_of_bin(scored: dict[str, np.ndarray], pose: str) -> float:
    try:
        return tar_at_far(*split_scores(scored, pose), FAR)
    except BadInput as error:
        raise BadInput(f"pose bin {pose}: {error}") from error


def split_scores(scored: dict[str, np.ndarray], pose: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Genuine and impostor scores of the probes in a pose bin, or of all probes."""
    chosen = np.ones(len(scored["probe_angle"]), bool)
    if pose is not None:
        low, high = POSE_BINS[pose]
        degrees = np.rad2deg(scored["probe_angle"])
        chosen = (degrees >= low) & (degrees < high)
    return genuine_and_impostor(scored["scores"][chosen], scored["probe_identity"][chosen], scored["identities"])


def validation_metrics(embeddings: np.ndarray, archive: FaceArchive, rows: np.ndarray) -> dict[str, float]:
    """Pooled TAR at 1 % FAR, and AUC, of validation rows."""
    pooled = _pooled(score_probes(embeddings, archive, rows))
    return {TAR_AT_FAR: pooled.tars[0], "auc": pooled.auc}


def _pooled(scored: dict[str, np.ndarray]) -> VerificationSummary:
    """Of the probes of all poses together."""
    return verification_summary(*split_scores(scored), (FAR,))
