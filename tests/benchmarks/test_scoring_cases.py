from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facelib.benchmarks.made_scores import LabelledScores, made_embeddings, made_scores
from facelib.benchmarks.scoring import CASES, by_histogram, exact, hits, streamed, streamed_in_one_pass
from facelib.benchmarks.scoring_peers import (
    FARS,
    holds_rates,
    load_faiss,
    load_full_matrix,
    load_scikit_learn,
    same_curve,
    same_hits,
    same_rates,
)
from facelib.metrics.verification_bounds import Bounds


@pytest.fixture(params=[0.01, 0.5])
def scores(request) -> LabelledScores:
    return made_scores(100_000, request.param)


def test_made_scores_are_labelled_and_of_the_share_asked(scores):
    assert np.array_equal(scores.scores[scores.labels], scores.genuine)
    assert np.array_equal(scores.scores[~scores.labels], scores.impostor)
    assert len(scores.scores) == 100_000
    assert scores.labels.mean() in (0.01, 0.5)
    assert scores.scores.dtype == np.float32


def test_errors_are_those_of_a_useful_recogniser(scores):
    assert 0.005 < exact(scores)[0].eer < 0.1
    sets = made_embeddings(400, 300, 40, 512)
    assert 0.002 < streamed(sets).eer < 0.1
    enrolled = made_embeddings(400, 671, 671, 512, enrol_once=True)
    assert 0.8 < hits(enrolled).mean() < 1
    assert np.array_equal(enrolled.gallery_ids, np.arange(671))


def test_scikit_learn_finds_the_same_curve_and_a_wrong_one_is_refused(scores):
    summary, steps = exact(scores)
    theirs = load_scikit_learn()(scores)
    assert same_curve((summary, steps), theirs)
    better = (*summary.tars[:-1], summary.tars[-1] + 0.01)
    wrong = (
        (replace(summary, eer=summary.eer + 1e-6), steps),
        (replace(summary, auc=summary.auc + 1e-6), steps),
        (replace(summary, tars=better), steps),
        (summary, replace(steps, tar=steps.tar * (1 - 1e-9))),
        (summary, replace(steps, far=steps.far + 1e-9)),
        (summary, replace(steps, thresholds=steps.thresholds + np.float32(1e-3))),
    )
    for result in wrong:
        assert not same_curve(result, theirs)


def test_bounds_hold_what_scikit_learn_finds_and_others_are_refused(scores):
    found, theirs = by_histogram(scores), load_scikit_learn()(scores)
    assert holds_rates(found, theirs)
    wrong = (
        replace(found, eer=Bounds(found.eer.upper + 1e-6, found.eer.upper + 2e-6)),
        replace(found, auc=Bounds(found.auc.lower - 2e-6, found.auc.lower - 1e-6)),
        replace(found, auc=Bounds(0.0, 1.0)),
        replace(found, tars=(Bounds(0.1, 0.2), *found.tars[1:])),
    )
    for result in wrong:
        assert not holds_rates(result, theirs)


def test_the_full_matrix_gives_the_streamed_rates_and_wrong_ones_are_refused():
    sets = made_embeddings(200, 150, 20, 64)
    found, theirs = streamed(sets), load_full_matrix()(sets)
    assert same_rates(found, theirs)
    assert holds_rates(streamed_in_one_pass(sets), theirs)
    assert not same_rates(replace(found, eer=found.eer + 1e-3), theirs)
    assert not same_rates(replace(found, auc=found.auc - 1e-3), theirs)
    assert not same_rates(replace(found, tars=(found.tars[0] - 0.05, *found.tars[1:])), theirs)


def test_faiss_finds_the_same_people_and_others_are_refused():
    try:
        search = load_faiss()
    except (ImportError, OSError) as error:
        pytest.skip(f"faiss cannot be imported: {error}")
    sets = made_embeddings(300, 50, 50, 64, enrol_once=True)
    found, theirs = hits(sets), search(sets)
    assert same_hits(found, theirs)
    assert found.any()
    assert not same_hits(~found, theirs)
    assert not same_hits(found[:-1], theirs)


def test_every_case_runs_on_a_small_input():
    small = {"scores": 5_000, "probes": 60, "probes (as many enrolled)": 60}
    for case in CASES:
        given = case.prepare(small[case.counted])
        result = case.ours(given)
        assert result is not None
        if case.load_peer is not None and case.peer is not None and "faiss" not in case.peer:
            assert case.agree(result, case.load_peer()(given)), case.name
    assert len(FARS) == 4
