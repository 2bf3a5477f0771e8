"""Scoring: verification metrics against scikit-learn, all pairs of embedding sets, rank-1 against faiss."""

from __future__ import annotations

from functools import partial

import numpy as np

from facelib.benchmarks.made_scores import EmbeddingSets, LabelledScores, made_embeddings, made_scores
from facelib.benchmarks.measure import Case, Goal
from facelib.benchmarks.scoring_peers import (
    FARS,
    SCIKIT_LEARN,
    holds_rates,
    load_faiss,
    load_full_matrix,
    load_scikit_learn,
    same_curve,
    same_hits,
    same_rates,
)
from facelib.metrics.score_histogram import ScoreHistogram
from facelib.metrics.streaming import streamed_bounds, streamed_ranks, streamed_verification
from facelib.metrics.verification import RocCurve, VerificationSummary, roc_steps, sorted_scores, summarise
from facelib.metrics.verification_bounds import VerificationBounds, verification_bounds


def exact(given: LabelledScores) -> tuple[VerificationSummary, RocCurve]:
    """Ours: the summary and the whole curve in its corners, from one sort."""
    scores = sorted_scores(given.genuine, given.impostor)
    return summarise(scores, FARS), roc_steps(scores)


def by_histogram(given: LabelledScores) -> VerificationBounds:
    """Ours, in fixed memory."""
    histogram = ScoreHistogram()
    histogram.add(given.genuine, given.impostor)
    return verification_bounds(histogram, FARS)


def streamed(given: EmbeddingSets) -> VerificationSummary:
    """Ours, exact, without the score matrix."""
    return streamed_verification(*given, FARS)


def streamed_in_one_pass(given: EmbeddingSets) -> VerificationBounds:
    """Ours, in fixed memory, without the score matrix."""
    return streamed_bounds(*given, FARS)


def hits(given: EmbeddingSets) -> np.ndarray:
    """Ours: which probes are found at rank 1."""
    return streamed_ranks(*given) == 1


_of_scores = partial(
    Case,
    counted="scores",
    prepare=partial(made_scores, genuine_share=0.01),
    peer=SCIKIT_LEARN,
    load_peer=load_scikit_learn,
    growth=(625_000, 2_500_000, 10_000_000),
)
_exact = partial(_of_scores, kernel="ROC, EER, AUC", ours=exact, agree=same_curve)
_streamed = partial(
    Case,
    kernel="streamed verification",
    counted="probes (as many enrolled)",
    prepare=lambda n: made_embeddings(n, n, n // 10, 512),
    ours=streamed,
)

CASES: tuple[Case, ...] = (
    _exact(name="roc-exact", size="10,000,000 scores, 1 % genuine", n=10_000_000, goal=Goal(ratio=30, mib=100)),
    _exact(
        name="roc-exact-balanced",
        size="1,000,000 scores, 50 % genuine",
        n=1_000_000,
        prepare=partial(made_scores, genuine_share=0.5),
        growth=(),
    ),
    _of_scores(
        name="roc-histogram",
        kernel="bounds of ROC",
        size="2,500,000 scores, 1 % genuine",
        n=2_500_000,
        ours=by_histogram,
        agree=holds_rates,
    ),
    _streamed(
        name="verification-streamed",
        size="10,000 x 10,000 embeddings, 512-D",
        peer=None,
        n=10_000,
        goal=Goal(ms=4000, mib=150),
        growth=(625, 2_500, 10_000),
    ),
    _streamed(
        name="verification-streamed-small",
        size="1,500 x 1,500 embeddings, 512-D",
        peer=f"NumPy matrix + {SCIKIT_LEARN}",
        n=1_500,
        load_peer=load_full_matrix,
        agree=same_rates,
    ),
    Case(
        name="verification-streamed-tenth",
        kernel="streamed bounds",
        size="100,000 x 10,000 embeddings, 512-D, a tenth of 1,000,000 x 10,000",
        peer=None,
        prepare=lambda n: made_embeddings(n, 10_000, 1_000, 512),
        n=100_000,
        counted="probes",
        ours=streamed_in_one_pass,
        growth=(6_250, 25_000, 100_000),
    ),
    Case(
        name="rank1",
        kernel="rank-1",
        size="8,738 probes, 671 enrolled, 512-D",
        peer="faiss IndexFlatIP",
        prepare=lambda n: made_embeddings(n, 671, 671, 512, enrol_once=True),
        n=8_738,
        counted="probes",
        ours=hits,
        load_peer=load_faiss,
        agree=same_hits,
        growth=(2_000, 8_000, 32_000),
    ),
)
