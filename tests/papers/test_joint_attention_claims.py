"""The claims as data: each one holds in the paper's printed numbers, unless it says that it does not."""

from __future__ import annotations

import pytest

from facelib.conventions import POSE_BINS
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.claims import CLAIMS, less, more, smaller_drop
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.metrics import METRICS, TABLES
from facelib.papers.paper import Claim
from facelib.papers.published import printed_values, published_tables
from facelib.report.verdicts import printed_difference

PRINTED = printed_values("joint_attention")
# Figure 3 gives these by pose, in its legend's picture only, and figure 4 a picture.
WITHOUT_NUMBERS = {f"{metric}/{pose}" for metric in ("auc", "eer") for pose in POSE_BINS} | {"silhouette"}


def of(name: str) -> Claim:
    (claim,) = [claim for claim in CLAIMS if claim.name == name]
    return claim


def printed(claim: Claim) -> list[float]:
    found = [printed_difference("joint_attention", one) for one in claim.comparisons]
    return [value for value in found if value is not None]


def test_there_are_enough_and_names_are_unique() -> None:
    assert len(CLAIMS) == 28
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.statement and claim.source and claim.comparisons for claim in CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_holds_in_the_printed_numbers_or_says_that_it_does_not(claim: Claim) -> None:
    assert all(value > 0 for value in printed(claim)) != claim.contradicts_its_table
    assert claim.slip or not claim.contradicts_its_table


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_comparisons_name_methods_and_metrics_that_exist(claim: Claim) -> None:
    for one in claim.comparisons:
        for coefficient, method, metric in one.parts:
            assert coefficient in (1.0, -1.0)
            assert METHODS[method].kind != "pretraining"
            assert metric in WITHOUT_NUMBERS or (method, metric) in PRINTED, (method, metric)
    assert len({one.label for one in claim.comparisons}) == len(claim.comparisons)


@pytest.mark.parametrize(
    ("name", "differences"),
    [
        ("profile_over_crosspoint", [78.910 - 71.101]),  # "7.8 %" in the text
        ("drop_below_crosspoint", [23.775 - 18.192]),  # "23.78 %" and "18.19 %"
        ("entropy_helps_profile", [0.409]),
        ("resnet50_in_profile", [2 + 0.048, 2 - 0.048]),  # level within two points
        ("joint_attention_over_images_alone", [85.206 - 78.377, 8.583, 6.1, 78.910 - 69.918]),
        ("order_of_clouds", [3.816, 46.010]),
        ("entropy_transfers", [1.487, 2.741, 2.197]),
        ("training_on_target_frontals", [20.605, 26.138]),  # beside Poster et al.
        ("lead_on_arl_vtf", [0.001, -0.501, 4.506, 0.587, 0.687, 0.463]),
    ],
)
def test_printed_differences_as_computed_by_hand(name: str, differences: list[float]) -> None:
    assert printed(of(name)) == pytest.approx(differences, abs=1e-9)


def test_the_abstracts_7_1_points_are_the_lead_over_rst() -> None:
    lead = {one.label: printed_difference("joint_attention", one) for one in of("lead_in_profile").comparisons}

    closest = min(lead, key=lambda label: lead[label] or 0)
    assert "RST-inspired by more than 7.05 points" in closest
    assert lead[closest] == pytest.approx(78.910 - 71.810 - 7.05, abs=1e-9)


def test_what_the_paper_does_not_say_is_called_our_reading() -> None:
    assert sum("our reading" in claim.source for claim in CLAIMS) == 8


def test_signs_of_the_three_kinds_of_comparison() -> None:
    assert more("jam", "ir18", "auc").parts == ((1.0, "jam", "auc"), (-1.0, "ir18", "auc"))
    assert less("jam", "ir18", "eer").parts == ((1.0, "ir18", "eer"), (-1.0, "jam", "eer"))
    # 20 points lost by the one, 50 by the other
    rates = {("jam", "0-10"): 90, ("jam", "90+"): 70, ("ir18", "0-10"): 95, ("ir18", "90+"): 45}
    parts = smaller_drop("jam", "ir18").parts
    assert sum(c * rates[method, metric.partition("/")[2]] for c, method, metric in parts) == 30


def test_each_table_has_a_reference_for_each_kind_of_input() -> None:
    for number in published_tables("joint_attention"):
        names = [name for name, method in METHODS.items() if any(table == number for table, _ in method.printed_rows)]
        references = TABLES[number].references
        assert PAPER.tabulated(number) == names
        assert set(references) <= set(names)
        assert sorted(METHODS[name].input for name in references) == sorted({METHODS[name].input for name in names})


def test_each_column_is_described_and_each_table_has_a_main_metric() -> None:
    assert TABLES.keys() == published_tables("joint_attention").keys()
    for number, table in published_tables("joint_attention").items():
        assert {*table.columns, *TABLES[number].more} <= METRICS.keys()
        assert set(TABLES[number].main) <= {*table.columns, *TABLES[number].more}
        errors = [metric for metric in table.columns if METRICS[metric].direction == "lower"]
        assert [metric.rpartition(".")[2] for metric in errors] == ["eer"]
