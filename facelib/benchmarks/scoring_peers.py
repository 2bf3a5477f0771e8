"""What scoring is measured against, scikit-learn and faiss, and whether ours and theirs say the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facelib.benchmarks.made_scores import EmbeddingSets, LabelledScores
from facelib.metrics.verification import RocCurve, VerificationSummary
from facelib.metrics.verification_bounds import Bounds, VerificationBounds

FARS = (0.1, 0.01, 0.001, 0.0001)
ROUNDING = 1e-9  # of sums over all points of a curve
PRODUCTS = 1e-4  # of rates, where both sides multiply the embeddings on their own
SCIKIT_LEARN = "scikit-learn roc_curve + auc"

PeerCurve = tuple[np.ndarray, np.ndarray, np.ndarray, float]  # FAR, TAR, thresholds, AUC


def load_scikit_learn() -> Callable[[LabelledScores], PeerCurve]:
    """The peer: roc_curve and auc."""
    from sklearn.metrics import auc, roc_curve

    def curve(given: LabelledScores) -> PeerCurve:
        far, tar, thresholds = roc_curve(given.labels, given.scores)
        return far, tar, thresholds, float(auc(far, tar))

    return curve


def load_full_matrix() -> Callable[[EmbeddingSets], PeerCurve]:
    """The peer: the score matrix by NumPy, then scikit-learn."""
    curve = load_scikit_learn()

    def score(given: EmbeddingSets) -> PeerCurve:
        probes, gallery = (
            embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
            for embeddings in (given.probes, given.gallery)
        )
        scores = (probes @ gallery.T).ravel()
        same = (given.probe_ids[:, None] == given.gallery_ids).ravel()
        return curve(LabelledScores(scores[:0], scores[:0], scores, same))

    return score


def load_faiss() -> Callable[[EmbeddingSets], np.ndarray]:
    """The peer: the nearest of a flat index."""
    import faiss

    def search(given: EmbeddingSets) -> np.ndarray:
        probes, gallery = given.probes.copy(), given.gallery.copy()
        faiss.normalize_L2(probes)
        faiss.normalize_L2(gallery)
        index = faiss.IndexFlatIP(gallery.shape[1])
        index.add(gallery)
        return given.gallery_ids[index.search(probes, 1)[1][:, 0]] == given.probe_ids

    return search


def same_curve(ours: tuple[VerificationSummary, RocCurve], theirs: PeerCurve) -> bool:
    """The same points where both have one, and the same TARs, EER and AUC but for rounding.

    The peer leaves out points on straight lines, so it may know a TAR a little too low, and no better one.
    """
    summary, steps = ours
    far, tar, thresholds, _ = theirs
    place = np.searchsorted(-steps.thresholds, -thresholds, side="right") - 1  # the last step at or above
    both = steps.thresholds[place] == thresholds
    return bool(
        np.array_equal(steps.tar[place], tar)
        and np.count_nonzero(both) > 2
        and np.array_equal(steps.far[place][both], far[both])
        and _within(summary, theirs, ROUNDING)
    )


def same_rates(ours: VerificationSummary, theirs: PeerCurve) -> bool:
    """The same TARs, EER and AUC but for what the order of additions in the products moves."""
    return _within(ours, theirs, PRODUCTS)


def holds_rates(ours: VerificationBounds, theirs: PeerCurve) -> bool:
    """The peer's values lie within narrow bounds; its TARs may be too low by a point that it leaves out."""
    pairs = [(ours.eer, _equal_error_rate(theirs)), (ours.auc, theirs[3])]
    below, above = _tars(theirs)
    tars = zip(ours.tars, below, above, strict=True)
    return all(
        bounds.upper - bounds.lower < 1e-3 and bounds.lower - ROUNDING <= value <= bounds.upper + ROUNDING
        for bounds, value in pairs
    ) and all(_overlap(bounds, Bounds(*between)) for bounds, *between in tars)


def same_hits(ours: np.ndarray, theirs: np.ndarray) -> bool:
    """The same probes are found, but for ties that rounding breaks."""
    return ours.shape == theirs.shape and float(np.mean(ours != theirs)) < 1e-3


def _within(summary: VerificationSummary, theirs: PeerCurve, tolerance: float) -> bool:
    below, above = _tars(theirs)
    return (
        all(
            low - tolerance <= value <= high + tolerance
            for value, low, high in zip(summary.tars, below, above, strict=True)
        )
        and abs(summary.eer - _equal_error_rate(theirs)) < tolerance
        and abs(summary.auc - theirs[3]) < tolerance
    )


def _tars(curve: PeerCurve) -> tuple[np.ndarray, np.ndarray]:
    """The TAR at each target of the last point that keeps it, and of the next point."""
    place = np.searchsorted(curve[0], FARS, side="right") - 1
    return curve[1][place], curve[1][np.minimum(place + 1, len(curve[1]) - 1)]


def _equal_error_rate(curve: PeerCurve) -> float:
    far, tar = curve[:2]
    difference = far + tar - 1
    after = int(np.argmax(difference >= 0))
    share = -difference[after - 1] / (difference[after] - difference[after - 1])
    return float(far[after - 1] + share * (far[after] - far[after - 1]))


def _overlap(first: Bounds, second: Bounds) -> bool:
    return max(first.lower, second.lower) <= min(first.upper, second.upper)
