"""How many runs decide an effect: against drawing them, by hand, and where no number does."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from facelib.papers.joint_attention.claims import CLAIMS
from facelib.report.power import DEVIATIONS, people_to_decide, runs_to_decide
from facelib.report.verdicts import UNDECIDED, ClaimResult, ComparisonResult


def test_that_many_runs_find_the_effect_in_four_of_five_cases() -> None:
    effect, of_people, one_run = 3.0, 0.6, 2.5
    needed = int(runs_to_decide(effect, of_people, one_run / math.sqrt(4), runs=4))
    generator = np.random.default_rng(0)
    power = {}
    for runs in (needed // 2, needed):
        spread = math.sqrt(of_people**2 + one_run**2 / runs)
        power[runs] = np.mean(effect + spread * generator.normal(size=100_000) > 1.96 * spread)

    assert 0.8 <= power[needed] < 0.88  # the next whole number
    assert power[needed // 2] < 0.7


def test_by_hand() -> None:
    assert pytest.approx(2.8016, abs=1e-4) == DEVIATIONS
    # (2.8016 / 2.8016)^2 - 0.6^2 = 0.64; 0.8^2 * 6 / 0.64 = 6
    assert runs_to_decide(DEVIATIONS, 0.6, 0.8, runs=6) == 6
    assert runs_to_decide(-DEVIATIONS, 0.6, 0.8, runs=6) == 6  # in either direction
    assert runs_to_decide(DEVIATIONS, 0.6, 0.0, runs=6) == 1
    assert runs_to_decide(DEVIATIONS, 1.0, 0.1, runs=6) == math.inf
    assert runs_to_decide(0.0, 0.1, 0.1, runs=6) == math.inf
    assert people_to_decide(DEVIATIONS, 2.0, 30) == pytest.approx(120)
    assert people_to_decide(0.0, 2.0) == math.inf


def result(**changes: Any) -> ComparisonResult:
    known = ComparisonResult(
        "a above b", 1.0, -1.0, 3.0, DEVIATIONS, (0, 1, 2), runs=6, spread_of_people=0.6, spread_of_runs=0.8
    )
    return replace(known, **changes)


def test_in_words() -> None:
    assert result().power == (
        "6 runs of each method would decide an effect of +2.8 points, as printed, in four of five cases; here are 6, "
        "and the difference varies by 2.0 points from run to run."
    )
    assert "One run tells nothing of another training" in result(runs=1, spread_of_runs=None).power
    assert "it takes 4.0 times the people at least" in result(spread_of_people=2.0).power
    assert result(printed=None).power == result(spread_of_people=None).power == ""


def test_an_undecided_claim_says_it() -> None:
    assert result().power in ClaimResult(CLAIMS[0], UNDECIDED, (result(),), ()).reason
