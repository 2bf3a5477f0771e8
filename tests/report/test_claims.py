"""Verdicts of claims from given and from made-up runs, and the files that hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_records import make_face_record, make_record, use_made_runs

from facelib.errors import MissingPart
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.claims import CLAIMS, more
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.paper import Claim, Comparison
from facelib.papers.sadrnet import PAPER as FACES
from facelib.report import intervals, verdicts
from facelib.report.claims import (
    as_entries,
    claims_as_markdown,
    comparison_data,
    discussion,
    draw_claims,
    keep_largest,
    write_claims,
)
from facelib.report.intervals import Estimate, Estimates, Part, key_of, open_estimates
from facelib.report.records import TierRuns, open_runs
from facelib.report.verdicts import (
    CONTRADICTED,
    NO_SKILL,
    NO_VERDICT,
    NOT_RUN,
    REPRODUCED,
    UNDECIDED,
    ClaimResult,
    ComparisonResult,
    evaluate_claims,
)
from facelib.storage import read_json

NEEDED = sorted({method for claim in CLAIMS for one in claim.comparisons for _, method, _ in one.parts})
METRICS = ("auc", "tar_at_far_1pct", "tar_at_far_1pct/90+", "tar_at_far_1pct/0-10")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_made_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(intervals, "RESAMPLES", 50)
    yield
    plt.close("all")


def estimates(tier: str, paper: str = "joint_attention") -> Estimates:
    return open_estimates(open_runs(paper, tier))


@dataclass
class GivenEstimates(Estimates):
    """Estimates by their keys instead of runs."""

    given: dict[str, Estimate] = field(default_factory=dict)

    def combine(self, parts: Sequence[Part]) -> Estimate:
        if key_of(parts) not in self.given:
            raise MissingPart("not given")
        return self.given[key_of(parts)]


Numbers = tuple[float, float, float]  # value, low, high in points


def evaluated_with(
    *differences: Numbers, skills: dict[tuple[str, str], Numbers] | None = None, least: float = 0.0, tier: str = "gpu"
) -> ClaimResult:
    """One claim that JAM is above IR-18 in as many metrics as there are differences.

    Args:
        differences: of JAM minus IR-18.
        skills: (method, metric) -> what the method reaches; 90 points where nothing is said.
        least: demanded of each difference.
        tier: of the runs.
    """
    metrics = METRICS[: len(differences)]
    claim = Claim("made", "A statement", "table 0", tuple(more("jam", "ir18", metric, least) for metric in metrics))
    given: dict[str, Numbers] = {}
    for metric, numbers in zip(metrics, differences, strict=True):
        given[key_of(((1.0, "jam", metric), (-1.0, "ir18", metric)))] = numbers
        for method in ("jam", "ir18"):
            given[key_of(((1.0, method, metric),))] = (skills or {}).get((method, metric), (90, 85, 95))
    standing = {"jam": [], "ir18": []}
    made = {key: Estimate(*(value / 100 for value in numbers), (0, 2)) for key, numbers in given.items()}
    (result,) = evaluate_claims(
        GivenEstimates(TierRuns(replace(PAPER, claims=(claim,)), tier, standing), {}, {}, given=made)
    )
    return result


@pytest.mark.parametrize(
    ("differences", "verdict", "decisive"),
    [
        ([(2, 1, 3)], REPRODUCED, 0),
        ([(2, 1, 3), (5, 0.5, 9)], REPRODUCED, 1),
        ([(2, 1, 3), (1, -0.5, 9)], UNDECIDED, 1),
        ([(2, 0, 3)], UNDECIDED, 0),
        ([(-2, -3, 0)], UNDECIDED, 0),
        # One interval wholly below decides, though another reaches further down.
        ([(9, 8, 10), (-1, -2, -0.5), (3, -20, 30)], CONTRADICTED, 1),
        # Of several, 0 just outside the interval may be chance.
        ([(9, -8, 26), (-1, -2, -0.01), (3, -2, 8)], UNDECIDED, 1),
    ],
)
def test_verdicts(differences: list[Numbers], verdict: str, decisive: int) -> None:
    evaluated = evaluated_with(*differences)

    assert evaluated.verdict == verdict
    assert evaluated.decisive is evaluated.comparisons[decisive]
    assert evaluated.reason.lower().startswith(verdict)
    low, high = evaluated.decisive.low, evaluated.decisive.high
    assert f"[{low:.2f}, {high:.2f}]" in evaluated.reason


@pytest.mark.parametrize("value", [-1.9, -1.0, -0.2])
@pytest.mark.parametrize("shift", [-0.5, -0.01, 0.01, 1.0, 1.99, 2.01, 3.0])
def test_the_verdict_on_a_single_comparison_is_where_its_interval_lies(value: float, shift: float) -> None:
    low, high = -2 + shift, shift  # of a lopsided interval too
    evaluated = evaluated_with((value + shift, low, high))

    assert evaluated.verdict == (CONTRADICTED if high < 0 else REPRODUCED if low > 0 else UNDECIDED)
    assert ("holds 0" in evaluated.reason) == (low <= 0 <= high)


def test_a_least_difference_is_taken_off() -> None:
    (one,) = evaluated_with((2, 1, 3), least=1.5).comparisons

    assert (one.difference, one.low, one.high) == pytest.approx((0.5, -0.5, 1.5))
    assert one.p == pytest.approx(Estimate(0.5, -0.5, 1.5, (0,)).p_value())
    assert "by more than 1.5 points" in one.comparison


def test_the_smallest_tier_has_no_verdicts() -> None:
    evaluated = evaluated_with((-2, -3, -1), tier="smoke")

    assert evaluated.verdict == NO_VERDICT
    assert evaluated.reason.startswith("No verdict: runs of the smallest tier")
    assert evaluated.comparisons == evaluated_with((-2, -3, -1)).comparisons  # what was measured stays


# Skill

CHANCE = {"auc": (50, 48, 53), "tar_at_far_1pct": (1, 0, 3)}


def at_chance(*where: tuple[str, str]) -> dict[tuple[str, str], Numbers]:
    return {(method, metric): CHANCE[metric] for method, metric in where}


def test_two_methods_without_skill_are_not_told_apart() -> None:
    for difference in ((2, 1, 3), (-2, -3, -1), (0, -1, 1)):
        evaluated = evaluated_with(difference, skills=at_chance(("jam", "auc"), ("ir18", "auc")))

        assert evaluated.verdict == NO_SKILL
        assert not evaluated.comparisons[0].skill
        assert "no method in 'JAM above IR-18, AUC' is better than one that knows nothing" in evaluated.reason
        assert evaluated.tally == "0 of 1 above 0"


def test_one_method_with_skill_is_enough() -> None:
    for method in ("jam", "ir18"):
        assert evaluated_with((2, 1, 3), skills=at_chance((method, "auc"))).verdict == REPRODUCED
        assert evaluated_with((-2, -3, -1), skills=at_chance((method, "auc"))).verdict == CONTRADICTED


def test_a_comparison_that_counts_contradicts_and_one_without_skill_forbids_a_reproduction() -> None:
    blind = at_chance(("jam", "auc"), ("ir18", "auc"))
    contradicted = evaluated_with((2, 1, 3), (-2, -3, -1), skills=blind)
    not_reproduced = evaluated_with((-9, -10, -8), (2, 1, 3), skills=blind)

    assert contradicted.verdict == CONTRADICTED
    assert contradicted.decisive is contradicted.comparisons[1]
    assert contradicted.comparisons[1].corrected_p == contradicted.comparisons[1].p  # only one counts
    assert not_reproduced.verdict == NO_SKILL
    assert not_reproduced.decisive is not_reproduced.comparisons[0]


def test_skill_is_asked_in_all_metrics_that_a_comparison_takes_of_a_method() -> None:
    drop = Comparison("JAM drops", ((1.0, "jam", "auc"), (-1.0, "jam", "tar_at_far_1pct")))

    def skill(**numbers: Numbers) -> bool:
        named = {"auc": (90, 85, 95), "tar_at_far_1pct": (90, 85, 95)} | numbers
        given = {key_of(((1.0, "jam", metric),)): Estimate(*(v / 100 for v in values), (0,))
                 for metric, values in named.items()}  # fmt: skip
        return verdicts._any_skill(GivenEstimates(TierRuns(PAPER, "gpu", {}), {}, {}, given=given), drop)

    assert skill()
    assert not skill(auc=CHANCE["auc"])
    assert not skill(tar_at_far_1pct=CHANCE["tar_at_far_1pct"])


def test_lower_errors_have_skill_and_metrics_that_need_none_do() -> None:
    given = {"eer": Estimate(0.4, 0.35, 0.45, (0,)), "rank1": Estimate(0.0, 0.0, 0.0, (0,))}
    made = GivenEstimates(
        TierRuns(PAPER, "gpu", {}), {}, {}, given={key_of(((1.0, "jam", name),)): one for name, one in given.items()}
    )

    assert verdicts.has_skill(made, "jam", "eer")  # chance is an EER of one half
    assert verdicts.has_skill(made, "jam", "rank1")
    made.given[key_of(((1.0, "jam", "eer"),))] = Estimate(0.46, 0.41, 0.51, (0,))
    assert not verdicts.has_skill(made, "jam", "eer")


# Holm's correction


def results(p_values: list[float], skill: list[bool] | None = None) -> list[ComparisonResult]:
    skills = skill or [True] * len(p_values)
    return [ComparisonResult("", -1, -2, -0.1, None, (0,), p=p, skill=s) for p, s in zip(p_values, skills, strict=True)]


def corrected(p_values: list[float], skill: list[bool] | None = None) -> list[float]:
    return [one.corrected_p for one in verdicts._holm(results(p_values, skill))]


def test_holm_by_hand() -> None:
    # 4 x 0.005, 3 x 0.01, 2 x 0.03; 1 x 0.04 is raised to what the one before it has.
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected([0.4, 0.6, 0.9]) == [1, 1, 1]
    assert corrected([0.02]) == [0.02]
    # Those without skill do not count.
    assert corrected([0.01, 1e-9, 0.02], [True, False, True]) == pytest.approx([0.02, 1, 0.02])


def test_holm_equals_rejecting_step_by_step() -> None:
    generator = np.random.default_rng(0)
    for size in (1, 2, 5, 17):
        p_values = list(generator.random(size) ** 4)
        found = corrected(p_values)
        for level in (0.001, 0.01, 0.05, 0.2):
            rejected = set()  # as Holm has it: the smallest against level / m, the next against level / (m - 1) ...
            for rank, i in enumerate(np.argsort(p_values)):
                if p_values[i] > level / (size - rank):
                    break
                rejected.add(i)
            assert {i for i, p in enumerate(found) if p <= level} == rejected


# From runs


def test_a_missing_run_is_named_and_the_rest_measured() -> None:
    for method in NEEDED:
        if method != "pointcnn":
            make_record(method, tier="laptop", skill=4.0)
    evaluated = {one.claim.name: one for one in evaluate_claims(estimates("laptop"))}
    clouds = evaluated["order_of_clouds"]
    command = "facelib run joint_attention pointcnn --fold 0 --tier laptop"

    assert [name for name, one in evaluated.items() if one.missing] == ["order_of_clouds"]
    assert clouds.verdict in (NOT_RUN, CONTRADICTED)
    assert clouds.missing == (command,)
    assert [one.comparison for one in clouds.comparisons] == ["PointNet++ above DGCNN, all poses"]
    assert command in replace(clouds, verdict=NOT_RUN).reason


def test_a_comparison_below_zero_contradicts_whatever_is_missing() -> None:
    below, above = (list(evaluated_with(one).comparisons) for one in ((-2, -3, -1), (2, 1, 3)))

    assert verdicts._verdict(below, ["facelib run something"]) == CONTRADICTED
    assert verdicts._verdict(above, ["facelib run something"]) == NOT_RUN


def test_a_tier_without_runs_says_how_to_make_them() -> None:
    with pytest.raises(MissingPart, match=r"no run of joint_attention at the gpu tier.*facelib reproduce"):
        evaluate_claims(estimates("gpu"))


def test_clearly_better_methods_are_found() -> None:
    for method in NEEDED:
        skill = {"pointnet2": 4.0, "dgcnn": 2.0, "pointcnn": 0.7}.get(method, 0.8)
        make_record(method, tier="laptop", people=12, skill=skill)
    found = {one.claim.name: one.verdict for one in evaluate_claims(estimates("laptop"))}

    assert found["clouds_win_in_profile"] == REPRODUCED
    assert found["order_of_clouds"] == REPRODUCED
    assert found["entropy_helps_profile"] != REPRODUCED


@pytest.fixture
def made_runs() -> Estimates:
    for method in ("jam", "jam_je", "crosspoint"):
        for fold in range(2):
            make_record(method, fold, "laptop")
    return estimates("laptop")


@pytest.fixture
def evaluated(made_runs: Estimates) -> list[ClaimResult]:
    return evaluate_claims(made_runs)


def test_files(made_runs: Estimates, evaluated: list[ClaimResult], tmp_path: Path) -> None:
    folder = tmp_path / "figures" / "laptop"
    assert write_claims(made_runs, folder) == evaluated
    entries = read_json(folder / "claims.json", "")["claims"]

    names = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert len(entries) == len(CLAIMS)
    fields = {"statement", "table", "comparison", "difference", "interval", "tier", "verdict", "printed_difference"}
    for entry, one in zip(entries, evaluated, strict=True):
        assert fields | {"folds", "data", "rule", "p", "skill"} <= entry.keys()
        assert entry["tier"] == "laptop"
        assert "laptop tier" in entry["data"]
        assert (entry["difference"] is None) == (not one.comparisons)
        compared = [each["comparison"] for each in entry["comparisons"]]
        assert compared == [] or entry["comparison"] in compared
    (helps,) = [entry for entry in entries if entry["name"] == "entropy_helps_profile"]
    assert helps["printed_difference"] == 0.409
    assert helps["folds"] == [0, 1]
    assert helps["interval"][0] <= helps["interval"][1]
    lines = pd.read_csv(folder / "claims.csv")
    assert len(lines) == sum(len(one.comparisons) for one in evaluated) == len(comparison_data(evaluated))


def test_the_picture_shows_each_claim(evaluated: list[ClaimResult]) -> None:
    (axes,) = draw_claims(evaluated).axes

    shown = [label.get_text().replace("\n", " ") for label in axes.get_yticklabels()]
    assert shown == [one.claim.statement for one in evaluated]
    said = [text.get_text() for text in axes.texts]
    assert said.count(NOT_RUN) == sum(one.verdict == NOT_RUN for one in evaluated) > 0
    intervals_shown = [line for line in axes.lines if len(line.get_xdata()) == 2 and set(line.get_ydata()) != {0, 1}]
    first = next(one for one in evaluated if one.decisive)
    assert [first.decisive.low, first.decisive.high] in [list(line.get_xdata()) for line in intervals_shown]


def test_every_verdict_has_a_colour() -> None:
    several = [replace(made(REPRODUCED), verdict=verdict) for verdict in verdicts.VERDICTS]
    texts = {text.get_text(): text.get_color() for text in draw_claims(several).axes[0].texts}

    assert set(verdicts.VERDICTS) <= texts.keys()
    assert len({texts[verdict] for verdict in (REPRODUCED, CONTRADICTED, UNDECIDED, NO_SKILL, NOT_RUN)}) == 5


def test_the_headline_file_is_never_replaced_by_a_smaller_tier(evaluated: list[ClaimResult], tmp_path: Path) -> None:
    path = tmp_path / "claims.json"

    def keep(tier: str) -> bool:
        return keep_largest(TierRuns(PAPER, tier, {}), evaluated, path)

    assert not keep("smoke")
    assert not path.exists()
    for tier, taken in (("laptop", True), ("gpu", True), ("laptop", False), ("smoke", False), ("gpu", True)):
        assert keep(tier) == taken
        assert read_json(path, "")["tier"] == ("laptop" if tier == "laptop" and taken else "gpu")


def made(verdict: str, slip: str = "") -> ClaimResult:
    one = ComparisonResult("JAM above IR-18, AUC", -2.0, -3.0, -1.0, 0.7, (0, 1, 2), p=1e-4, corrected_p=1e-4)
    claim = Claim("made", f"A claim that is {verdict}", "table I", (more("jam", "ir18", "auc"),), slip=slip)
    return ClaimResult(claim, verdict, () if verdict == NOT_RUN else (one,), ("facelib run x",) * (verdict == NOT_RUN))


def test_discussion_follows_the_verdicts() -> None:
    text = discussion([made(REPRODUCED), made(CONTRADICTED), made(NOT_RUN, slip="It says 2, and prints 3.")])

    assert "**Reproduced: 1 of 3.**\n\n- A claim that is reproduced\n" in text
    assert "Undecided" not in text
    assert "\n\n**Not run: 1 of 3.**" in text
    assert "of 1 comparisons 0 lie above 0 and 1 below, corrected." in text
    assert "'JAM above IR-18, AUC': -2.0 points [-3.0, -1.0], folds 0, 1, 2. In print it is +0.7." in text
    assert text.count("points [") == 1
    assert "*A claim that is not run*: It says 2, and prints 3." in text


def test_markdown_and_entries_without_a_measured_comparison() -> None:
    lines = claims_as_markdown([made(UNDECIDED), made(NOT_RUN)]).splitlines()
    (entry,) = as_entries([made(NOT_RUN)], "smoke")

    assert len({line.count("|") for line in lines}) == 1
    assert "| -2.0 | [-3.0, -1.0] | +0.7 | 3 |" in lines[2]
    assert (entry["difference"], entry["interval"], entry["missing"]) == (None, None, ["facelib run x"])
    assert METHODS["jam"].label in lines[2]


# Paper 3: errors of three units

SKILLS = {"sadrnet": 1.0, "no_mesh_loss": 1.0, "mean_face": 0.3, "direct_attention": 1.1}


@pytest.fixture
def faces() -> Estimates:
    for name in FACES.methods:
        size = 50.0 if name == "no_attention" else 59.0
        make_face_record(name, "laptop", skill=SKILLS.get(name, 0.9), size_mb=size)
    return estimates("laptop", "sadrnet")


@pytest.fixture
def of_faces(faces: Estimates) -> dict[str, ClaimResult]:
    return {one.claim.name: one for one in evaluate_claims(faces)}


def test_verdicts_follow_the_made_errors(of_faces: dict[str, ClaimResult]) -> None:
    assert of_faces["attention_helps"].verdict == REPRODUCED
    assert of_faces["attention_helps_direct_regression"].verdict == REPRODUCED
    assert of_faces["direct_is_worst"].verdict == CONTRADICTED  # row d was made best
    assert of_faces["large_poses_cost_alignment"].verdict == REPRODUCED
    assert all(one.low > 0 for one in of_faces["gimbal_lock"].comparisons[:2])  # pitch and roll
    assert of_faces["model_size"].verdict == CONTRADICTED  # attention was made 9 MB large


def test_skill_is_a_paired_difference_from_the_mean_face(faces: Estimates) -> None:
    assert verdicts.has_skill(faces, "sadrnet", "reconstruction")
    assert not verdicts.has_skill(faces, "mean_face", "reconstruction")
    assert verdicts.has_skill(faces, "sadrnet", "size_mb")  # for which there is none
    # No better than the mean face in itself, though far better than what all other methods reach.
    make_face_record("mean_face", "laptop", skill=1.0)
    assert not verdicts.has_skill(estimates("laptop", "sadrnet"), "direct", "reconstruction")


def test_without_a_baseline_here_the_intervals_must_not_overlap() -> None:
    def skill(own: tuple[float, float], baseline: tuple[float, float], metric: str = "sparse_2d") -> bool:
        given = {
            key_of(((1.0, method, metric),)): Estimate(sum(ends) / 2, *ends, (0,))
            for method, ends in (("sadrnet", own), ("mean_face", baseline))
        }
        return verdicts.has_skill(GivenEstimates(TierRuns(FACES, "gpu", {}), {}, {}, given=given), "sadrnet", metric)

    assert skill((0.02, 0.03), (0.04, 0.05))
    assert not skill((0.02, 0.045), (0.04, 0.05))
    assert not skill((0.04, 0.05), (0.02, 0.03))


def test_methods_no_better_than_the_mean_face_are_not_compared(faces: Estimates) -> None:
    for name in ("sadrnet", "no_attention", "direct", "direct_attention"):
        make_face_record(name, "laptop", skill=SKILLS.get(name, 0.9) / 4)
    found = {one.claim.name: one.verdict for one in evaluate_claims(estimates("laptop", "sadrnet"))}

    assert found["attention_helps"] == NO_SKILL
    assert found["attention_helps_direct_regression"] == NO_SKILL
    assert found["deformation_beats_scratch"] == CONTRADICTED  # the other method has skill


def test_each_comparison_has_its_unit(of_faces: dict[str, ClaimResult]) -> None:
    units = {one.claim.name: {each.unit for each in one.comparisons} for one in of_faces.values()}
    entry, attention = as_entries([of_faces["gimbal_lock"], of_faces["attention_helps"]], "laptop")

    assert units["attention_helps"] == {"points"}
    assert units["pitch_is_hardest"] == {"degrees"}
    assert units["model_size"] == {"MB"}
    assert entry["unit"] == "degrees"
    assert {each["unit"] for each in attention["comparisons"]} == {"percentage points"}
    (size,) = [one for one in of_faces["model_size"].comparisons if "above 57" in one.comparison]
    assert (size.low, size.difference, size.high, size.printed) == (2, 2, 2, 3)
    assert "(degrees) |" in claims_as_markdown([of_faces["pitch_is_hardest"]])
    assert set(comparison_data(list(of_faces.values()))["unit"]) == {"points", "degrees", "MB"}


def test_the_axis_suits_the_numbers(of_faces: dict[str, ClaimResult]) -> None:
    (axes,) = draw_claims([of_faces[name] for name in ("attention_helps", "mesh_loss_keeps_numbers")]).axes
    panels = draw_claims(list(of_faces.values())).axes
    shown = [of_faces[name].decisive for name in ("attention_helps", "mesh_loss_keeps_numbers")]

    assert max(abs(value) for one in shown for value in (one.low, one.high)) <= axes.get_xlim()[1] <= 5
    assert "points in favour" in axes.get_xlabel()
    assert [panel.get_xlabel().split(" in favour")[0] for panel in panels] == ["points", "degrees", "MB"]
    assert sum(len(panel.get_yticks()) for panel in panels) == len(of_faces)
    ticks = axes.get_xticks()
    assert 0 in ticks
    assert list(ticks) == sorted(ticks) == [-tick for tick in reversed(ticks)]
