"""Verdicts of claims from made-up runs, and the files that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from made_records import make_record
from tiny_runs import use_private_runs

from facelib.errors import MissingPart
from facelib.papers.claims import Claim
from facelib.papers.joint_attention import CLAIMS, METHODS, METRIC_WORDS
from facelib.papers.joint_attention.claims import more
from facelib.report import intervals, verdicts
from facelib.report.claims import (
    as_entries,
    claims_as_markdown,
    discussion,
    draw_claims,
    keep_largest,
    term_data,
    write_claims,
)
from facelib.report.intervals import Estimate
from facelib.report.verdicts import (
    CONTRADICTED,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    ClaimResult,
    ComparisonResult,
    evaluate_claims,
)

PAPER = "joint_attention"
NEEDED = sorted({method for claim in CLAIMS for term in claim.terms for _, method, _ in term.parts})


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(intervals, "DRAWS", 50)
    yield
    plt.close("all")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClaimResult]:
    """Evaluate one claim of several terms whose estimates (value, low, high, in points) are given."""

    def evaluate(*estimates: tuple[float, float, float], least: float = 0.0) -> ClaimResult:
        make_record("jam"), make_record("ir18")
        terms = tuple(more("jam", "ir18", "auc", least) for _ in estimates)
        package = SimpleNamespace(CLAIMS=(Claim("made", "A statement", "table 0", terms),), METRIC_WORDS=METRIC_WORDS)
        given = iter(estimates)
        monkeypatch.setattr(verdicts, "load_paper", lambda _: package)
        monkeypatch.setattr(verdicts, "combine", lambda *_: Estimate(*(v / 100 for v in next(given)), (0, 2)))
        return evaluate_claims(PAPER, "smoke")[0]

    return evaluate


@pytest.mark.parametrize(
    ("estimates", "verdict", "decisive"),
    [
        ([(2, 1, 3)], REPRODUCED, 0),
        ([(2, 1, 3), (5, 0.5, 9)], REPRODUCED, 1),
        ([(2, 1, 3), (1, -0.5, 9)], UNDECIDED, 1),
        ([(2, 0, 3)], UNDECIDED, 0),
        ([(-2, -3, 0)], UNDECIDED, 0),
        # One interval wholly below decides, though another reaches further down.
        ([(9, 8, 10), (-1, -2, -0.5), (3, -20, 30)], CONTRADICTED, 1),
    ],
)
def test_verdicts(measured, estimates, verdict, decisive) -> None:  # type: ignore[no-untyped-def]
    evaluated = measured(*estimates)

    assert evaluated.verdict == verdict
    assert evaluated.decisive is evaluated.terms[decisive]
    assert evaluated.reason.lower().startswith(verdict)
    low, high = evaluated.decisive.low, evaluated.decisive.high
    assert f"[{low:.2f}, {high:.2f}]" in evaluated.reason


def test_a_least_difference_is_taken_off(measured) -> None:  # type: ignore[no-untyped-def]
    (term,) = measured((2, 1, 3), least=1.5).terms

    assert (term.difference, term.low, term.high) == pytest.approx((0.5, -0.5, 1.5))
    assert "by more than 1.5 points" in term.comparison


def test_a_missing_run_is_named_and_the_rest_measured() -> None:
    for method in NEEDED:
        if method != "pointcnn":
            make_record(method)
    evaluated = {one.claim.name: one for one in evaluate_claims(PAPER, "smoke")}
    clouds = evaluated["order_of_clouds"]
    command = "facelib run joint_attention pointcnn --fold 0 --tier smoke"

    assert clouds.verdict == NOT_RUN
    assert clouds.missing == (command,)
    assert [term.comparison for term in clouds.terms] == ["PointNet++ above DGCNN, all poses"]
    assert command in clouds.reason
    assert [name for name, one in evaluated.items() if one.verdict == NOT_RUN] == ["order_of_clouds"]


def test_a_comparison_below_zero_contradicts_whatever_is_missing(measured) -> None:  # type: ignore[no-untyped-def]
    made = measured((-2, -3, -1)).terms
    assert verdicts._verdict(list(made), ["facelib run something"]) == CONTRADICTED
    assert verdicts._verdict(list(measured((2, 1, 3)).terms), ["facelib run something"]) == NOT_RUN


def test_a_tier_without_runs_says_how_to_make_them() -> None:
    with pytest.raises(MissingPart, match=r"no run of joint_attention at the gpu tier.*facelib reproduce"):
        evaluate_claims(PAPER, "gpu")


def test_clearly_better_methods_are_found() -> None:
    for method in NEEDED:
        skill = {"pointnet2": 4.0, "dgcnn": 2.0, "pointcnn": 0.7}.get(method, 0.8)
        make_record(method, people=12, skill=skill)
    found = {one.claim.name: one.verdict for one in evaluate_claims(PAPER, "smoke")}

    assert found["clouds_win_in_profile"] == REPRODUCED
    assert found["order_of_clouds"] == REPRODUCED
    assert found["entropy_helps_profile"] != REPRODUCED


@pytest.fixture
def evaluated() -> list[ClaimResult]:
    for method in ("jam", "jam_je", "crosspoint"):
        for fold in range(2):
            make_record(method, fold, "laptop")
    return evaluate_claims(PAPER, "laptop")


def test_files(evaluated: list[ClaimResult], tmp_path: Path) -> None:
    folder = tmp_path / "figures" / "laptop"
    assert write_claims(PAPER, "laptop", folder) == evaluated
    entries = json.loads((folder / "claims.json").read_text())

    names = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert len(entries) == len(CLAIMS)
    fields = {"statement", "table", "comparison", "difference", "interval", "tier", "verdict", "printed_difference"}
    for entry, one in zip(entries, evaluated, strict=True):
        assert fields | {"folds", "data", "rule"} <= entry.keys()
        assert entry["tier"] == "laptop"
        assert "laptop tier" in entry["data"]
        assert (entry["difference"] is None) == (not one.terms)
        assert entry["terms"] == [] or entry["comparison"] in [term["comparison"] for term in entry["terms"]]
    (helps,) = [entry for entry in entries if entry["name"] == "entropy_helps_profile"]
    assert helps["printed_difference"] == 0.409
    assert helps["folds"] == [0, 1]
    assert helps["interval"][0] <= helps["interval"][1]
    lines = pd.read_csv(folder / "claims.csv")
    assert len(lines) == sum(len(one.terms) for one in evaluated) == len(term_data(evaluated))


def test_the_picture_shows_each_claim(evaluated: list[ClaimResult]) -> None:
    (axes,) = draw_claims(evaluated).axes

    shown = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert shown == [one.claim.statement for one in evaluated]
    assert [text.get_text() for text in axes.texts if text.get_text() == NOT_RUN].count(NOT_RUN) == sum(
        one.verdict == NOT_RUN for one in evaluated
    )
    intervals_shown = [line for line in axes.lines if len(line.get_xdata()) == 2 and set(line.get_ydata()) != {0, 1}]
    first = next(one for one in evaluated if one.decisive)
    assert [first.decisive.low, first.decisive.high] in [list(line.get_xdata()) for line in intervals_shown]


def test_the_headline_file_is_never_replaced_by_a_smaller_tier(evaluated: list[ClaimResult], tmp_path: Path) -> None:
    path = tmp_path / "claims.json"

    assert not keep_largest(PAPER, "smoke", evaluated, path)
    assert not path.exists()
    for tier, taken in (("laptop", True), ("gpu", True), ("laptop", False), ("smoke", False), ("gpu", True)):
        assert keep_largest(PAPER, tier, evaluated, path) == taken
        assert json.loads(path.read_text())[0]["tier"] == ("laptop" if tier == "laptop" and taken else "gpu")


def made(verdict: str, slip: str = "") -> ClaimResult:
    term = ComparisonResult("JAM above IR-18, AUC", -2.0, -3.0, -1.0, 0.7, (0, 1, 2))
    claim = Claim("made", f"A claim that is {verdict}", "table I", (more("jam", "ir18", "auc"),), slip=slip)
    return ClaimResult(claim, verdict, () if verdict == NOT_RUN else (term,), ("facelib run x",) * (verdict == NOT_RUN))


def test_discussion_follows_the_verdicts() -> None:
    text = discussion([made(REPRODUCED), made(CONTRADICTED), made(NOT_RUN, slip="It says 2, and prints 3.")])

    assert "**Reproduced: 1 of 3.**\n\n- A claim that is reproduced\n" in text
    assert "**Undecided: 0 of 3.**\n\n\n**Not run" in text
    assert "'JAM above IR-18, AUC': -2.0 points [-3.0, -1.0], folds 0, 1, 2. In print it is +0.7." in text
    assert text.count("points [") == 1
    assert "*A claim that is not run*: It says 2, and prints 3." in text


def test_markdown_and_entries_without_a_measured_term() -> None:
    lines = claims_as_markdown([made(UNDECIDED), made(NOT_RUN)]).splitlines()
    (entry,) = as_entries([made(NOT_RUN)], "smoke")

    assert len({line.count("|") for line in lines}) == 1
    assert "| -2.0 | [-3.0, -1.0] | +0.7 | 3 |" in lines[2]
    assert (entry["difference"], entry["interval"], entry["missing"]) == (None, None, ["facelib run x"])
    assert METHODS["jam"].label in lines[2]
