"""Identification: scores of probes against the enrolled identities of a gallery (paper 1, section V.A), ranks.

Paper 1 enrols five samples an identity and does not state how their scores are fused; we take the maximum.

The rank of a probe is one more than the number of other identities that score at least as high as its own: ties count
against the probe. An own score of minus infinity, a comparison that failed, is never found at any rank.
"""

from __future__ import annotations

import numpy as np

from facelib.errors import BadInput, unknown_name
from facelib.metrics.inputs import Array, as_array, check_same_names, identity_array, unit_rows

FUSIONS = ("max", "mean")


def gallery_scores(
    probes: Array, gallery: Array, gallery_ids: Array, fusion: str = "max"
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of every probe to every identity.

    Args:
        probes: (P, D), of any length other than zero.
        gallery: (G, D).
        gallery_ids: (G,), the identity of each gallery sample.
        fusion: "max" or "mean" over an identity's gallery samples.

    Returns:
        Scores (P, I) and the identities (I,) of their columns, sorted.

    Raises:
        BadInput: for NaN, zero or empty embeddings, NaN identities, or shapes that do not fit.
        UnknownName: for another fusion.
    """
    if fusion not in FUSIONS:
        raise unknown_name("fusion", fusion, FUSIONS)
    probe_directions, gallery_directions = unit_rows("probes", probes), unit_rows("gallery", gallery)
    ids = identity_array("gallery_ids", gallery_ids, len(gallery_directions))
    if probe_directions.shape[1] != gallery_directions.shape[1]:
        raise BadInput(
            f"probes {probe_directions.shape}, gallery {gallery_directions.shape}: expected (P, D) and (G, D)"
        )
    order = np.argsort(ids, kind="stable")
    identities, starts, counts = np.unique(ids[order], return_index=True, return_counts=True)
    cosine = probe_directions @ gallery_directions[order].T  # (P, G), an identity's samples side by side
    if fusion == "max":
        return np.maximum.reduceat(cosine, starts, axis=1), identities
    return np.add.reduceat(cosine, starts, axis=1) / counts.astype(cosine.dtype), identities


def genuine_and_impostor(scores: Array, probe_ids: Array, ids: Array) -> tuple[np.ndarray, np.ndarray]:
    """Split gallery scores by whether probe and column are the same identity.

    Args:
        scores: (P, I), from gallery_scores.
        probe_ids: (P,). A probe whose identity is not enrolled gives impostor scores only.
        ids: (I,), identities of the columns.

    Returns:
        Genuine and impostor scores, each flat, in order of probes.

    Raises:
        BadInput: if the shapes do not fit.
    """
    values, same = _match(scores, probe_ids, ids)
    return values[same], values[~same]


def rank1(scores: Array, probe_ids: Array, ids: Array) -> float:
    """Fraction of probes whose own identity scores above all others; a tie at the top counts as an error.

    Args:
        scores, probe_ids, ids: as genuine_and_impostor, every probe enrolled.

    Raises:
        BadInput: if a probe is not enrolled, or the shapes do not fit.
    """
    return float(np.mean(probe_ranks(scores, probe_ids, ids) == 1))


def probe_ranks(scores: Array, probe_ids: Array, ids: Array) -> np.ndarray:
    """The place of each probe's own identity among all, the best being 1.

    Args:
        scores, probe_ids, ids: as genuine_and_impostor, every probe enrolled.

    Returns:
        (P,) integers up to the number of identities I; I + 1 where the own score is minus infinity.

    Raises:
        BadInput: if a probe is not enrolled, or the shapes do not fit.
    """
    values, same = _match(scores, probe_ids, ids)
    check_enrolled(as_array(probe_ids), as_array(ids))
    own = values[same]  # one column for each probe, in order
    found = (values >= own[:, None]).sum(axis=1)  # the own column counts itself
    return np.where(own > -np.inf, found, len(as_array(ids)) + 1)


def check_enrolled(probe_ids: np.ndarray, ids: np.ndarray) -> None:
    """Raise BadInput, naming the first, if a probe's identity is not among the gallery's."""
    strangers = probe_ids[~np.isin(probe_ids, ids)]
    if len(strangers):
        raise BadInput(f"identity {strangers[0]} of a probe is not in the gallery: enrol it or leave its probes out")


def _match(scores: Array, probe_ids: Array, ids: Array) -> tuple[np.ndarray, np.ndarray]:
    values = as_array(scores)
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiub":
        raise BadInput(f"scores are {values.dtype} of shape {values.shape}: expected numbers (P, I), not empty")
    probe_names = identity_array("probe_ids", probe_ids, len(values))
    names = identity_array("ids", ids, values.shape[1])
    check_same_names("probe_ids", probe_names, "ids", names)
    if np.isnan(values).any():
        raise BadInput(f"scores hold {int(np.isnan(values).sum())} NaN: remove these probes before the call")
    if len(np.unique(names)) != len(names):
        raise BadInput("ids repeat: expected one column for each identity, as gallery_scores returns them")
    return values, probe_names[:, None] == names[None, :]
