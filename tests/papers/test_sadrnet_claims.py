"""The claims as data: each one holds in the paper's printed numbers, and its terms say what their words say."""

from __future__ import annotations

import pytest

from facelib.papers.paper import Claim, Comparison
from facelib.papers.published import printed_values, published_tables
from facelib.papers.sadrnet.claims import CLAIMS, about_equal, between, lower, rises, smaller_rise, unchanged
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.metrics import METRICS
from facelib.papers.sadrnet.metrics import TABLES as SHOWN
from facelib.report.verdicts import printed_difference

PRINTED = printed_values("sadrnet")
PRINTED_METRICS = {metric for _, metric in PRINTED}
TABLES = published_tables("sadrnet")


def of(name: str) -> Claim:
    (claim,) = [claim for claim in CLAIMS if claim.name == name]
    return claim


def printed(claim: Claim) -> list[float]:
    found = [printed_difference("sadrnet", one) for one in claim.comparisons]
    return [value for value in found if value is not None]


def test_there_are_enough_and_names_are_unique() -> None:
    assert len(CLAIMS) >= 10
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.statement and claim.source and claim.comparisons for claim in CLAIMS)
    assert sum(bool(printed(claim)) for claim in CLAIMS) >= 16  # the paper gives the others in words or pictures


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_holds_in_the_printed_numbers(claim: Claim) -> None:
    assert not claim.contradicts_its_table
    assert all(value > 0 for value in printed(claim)), printed(claim)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_comparisons_name_methods_and_metrics_that_exist_and_mix_no_units(claim: Claim) -> None:
    for one in claim.comparisons:
        assert {method for _, method, _ in one.parts} <= METHODS.keys()
        assert len({METRICS[metric].unit for _, _, metric in one.parts}) == 1
        assert all(coefficient in (1.0, -1.0) for coefficient, _, _ in one.parts)
    assert len({one.label for one in claim.comparisons}) == len(claim.comparisons)


@pytest.mark.parametrize(
    ("name", "differences"),
    [
        ("attention_helps", [0.13, 0.18, 0.10, 0.15, 0.14]),
        ("attention_helps_direct_regression", [0.15, 0.21, 0.07, 0.12, 0.05]),
        ("self_alignment_helps", [0.25, 0.43, 0.18, 0.33]),
        ("regressed_pose_reconstructs", [0.02]),
        ("two_stages_help", [0.13, 0.23, 0.07, 0.16, 0.68]),
        ("deformation_beats_scratch", [0.19, 0.26, 0.21, 0.29, 0.24]),
        ("deformation_gains_more", [0.24 - 0.14]),
        ("pitch_is_hardest", [0.61, 1.46]),
        ("gimbal_lock", [0.57, 0.59, 0.1, 0.1]),
        ("model_size", [3.0, 3.0]),
    ],
)
def test_printed_differences_as_computed_by_hand(name: str, differences: list[float]) -> None:
    assert printed(of(name)) == pytest.approx(differences, abs=1e-6)


ERRORS = {
    ("sadrnet", "sparse_2d"): 3.0,
    ("direct", "sparse_2d"): 3.4,
    ("sadrnet", "sparse_3d"): 4.0,
    ("direct", "sparse_3d"): 4.9,
    ("sadrnet", "yaw_error"): 2.0,
    ("sadrnet", "fix.yaw_error"): 2.04,
    ("sadrnet", "size_mb"): 59.0,
    ("no_mesh_loss", "sparse_2d"): 3.07,
}


def value(one: Comparison) -> float:
    return sum(coefficient * ERRORS[method, metric] for coefficient, method, metric in one.parts) - one.least


@pytest.mark.parametrize(
    ("comparisons", "values"),
    [
        ([lower("sadrnet", "direct", "sparse_2d")], [0.4]),
        ([lower("direct", "sadrnet", "sparse_2d")], [-0.4]),
        ([rises("sadrnet", "sparse_2d", "sparse_3d")], [1.0]),
        ([smaller_rise("sadrnet", "direct", "sparse_2d", "sparse_3d")], [0.5]),
        # 0.07 points above, of 0.1 allowed
        (about_equal("no_mesh_loss", "sadrnet", "sparse_2d"), [0.03, 0.17]),
        (about_equal("sadrnet", "no_mesh_loss", "sparse_2d"), [0.17, 0.03]),
        (about_equal("sadrnet", "direct", "sparse_2d"), [0.5, -0.3]),
        (unchanged("sadrnet", "yaw_error", "fix.yaw_error", 0.1), [0.06, 0.14]),
        (between("Size", ((1.0, "sadrnet", "size_mb"),), 57, 60), [2.0, 1.0]),
        (between("Size", ((1.0, "sadrnet", "size_mb"),), 60, 63), [-1.0, 4.0]),
    ],
)
def test_a_comparison_is_positive_where_its_words_hold(comparisons: list[Comparison], values: list[float]) -> None:
    assert [value(one) for one in comparisons] == pytest.approx(values)


def test_words_of_two_sided_comparisons() -> None:
    above, below = about_equal("sadrnet", "no_mesh_loss", "sparse_2d")

    assert above.label == "SADRNet less than 0.1 points above without mesh loss, sparse 2D"
    assert below.label == "SADRNet less than 0.1 points below without mesh loss, sparse 2D"
    assert between("Size", ((1.0, "sadrnet", "size_mb"),), 57, 63)[1].label == "Size below 63 MB"


def test_every_table_has_main_metrics_and_a_reference_that_stands_in_it() -> None:
    assert {name for name, table in SHOWN.items() if not table.title} == TABLES.keys()
    for number, table in TABLES.items():
        assert {*table.columns, *SHOWN[number].more} <= METRICS.keys()
        assert set(SHOWN[number].main) <= set(table.columns)
        assert all(METRICS[metric].direction == "lower" for metric in table.columns)
        for reference in SHOWN[number].references:
            assert number in [of_table for of_table, _ in METHODS[reference].printed_rows]
    assert [number for number, table in SHOWN.items() if not table.references] == ["5"]


def test_every_printed_metric_is_described() -> None:
    assert METRICS.keys() >= PRINTED_METRICS


def test_every_method_is_described_in_the_same_columns() -> None:
    described = {name: method.describe() for name, method in METHODS.items()}

    assert len({tuple(columns) for columns in described.values()}) == 1
    assert described["sadrnet"]["attention"] == "yes"
    assert described["no_attention"]["attention"] == ""
    assert described["no_mesh_loss"]["besides"] == "no losses on the mesh"
    assert len({tuple(columns.values()) for columns in described.values()}) == len(METHODS)
