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
    return streamed_verification(given.probes, given.probe_ids, given.gallery, given.gallery_ids, FARS)


def streamed_in_one_pass(given: EmbeddingSets) -> VerificationBounds:
    """Ours, in fixed memory, without the score matrix."""
    return streamed_bounds(given.probes, given.probe_ids, given.gallery, given.gallery_ids, FARS)


def hits(given: EmbeddingSets) -> np.ndarray:
    """Ours: which probes are found at rank 1."""
    return streamed_ranks(given.probes, given.probe_ids, given.gallery, given.gallery_ids) == 1


CASES: tuple[Case, ...] = (
    Case(
        name="roc-exact",
        kernel="ROC, EER, AUC",
        size="10,000,000 scores, 1 % genuine",
        peer=SCIKIT_LEARN,
        prepare=partial(made_scores, genuine_share=0.01),
        n=10_000_000,
        counted="scores",
        ours=exact,
        load_peer=load_scikit_learn,
        agree=same_curve,
        goal=Goal(ratio=30, mib=100),
        growth=(625_000, 2_500_000, 10_000_000),
    ),
    Case(
        name="roc-exact-balanced",
        kernel="ROC, EER, AUC",
        size="1,000,000 scores, 50 % genuine",
        peer=SCIKIT_LEARN,
        prepare=partial(made_scores, genuine_share=0.5),
        n=1_000_000,
        counted="scores",
        ours=exact,
        load_peer=load_scikit_learn,
        agree=same_curve,
    ),
    Case(
        name="roc-histogram",
        kernel="bounds of ROC",
        size="2,500,000 scores, 1 % genuine",
        peer=SCIKIT_LEARN,
        prepare=partial(made_scores, genuine_share=0.01),
        n=2_500_000,
        counted="scores",
        ours=by_histogram,
        load_peer=load_scikit_learn,
        agree=holds_rates,
        growth=(625_000, 2_500_000, 10_000_000),
    ),
    Case(
        name="verification-streamed",
        kernel="streamed verification",
        size="10,000 x 10,000 embeddings, 512-D",
        peer=None,
        prepare=lambda n: made_embeddings(n, n, n // 10, 512),
        n=10_000,
        counted="probes (as many enrolled)",
        ours=streamed,
        goal=Goal(ms=4000, mib=150),
        growth=(625, 2_500, 10_000),
    ),
    Case(
        name="verification-streamed-small",
        kernel="streamed verification",
        size="1,500 x 1,500 embeddings, 512-D",
        peer=f"NumPy matrix + {SCIKIT_LEARN}",
        prepare=lambda n: made_embeddings(n, n, n // 10, 512),
        n=1_500,
        counted="probes (as many enrolled)",
        ours=streamed,
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
