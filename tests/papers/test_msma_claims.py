"""Paper 5 as data: printed numbers checked by hand, claims that hold in them, methods and settings that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facelib.models.msma import MSMA
from facelib.papers.msma import PAPER
from facelib.papers.msma.claims import CLAIMS, lower, smaller_rise
from facelib.papers.msma.methods import METHODS, MILLIONS
from facelib.papers.msma.metrics import METRICS, TABLES
from facelib.papers.msma.settings import TIERS, MSMARunSettings, WeakLossSettings, relevant
from facelib.papers.paper import Claim
from facelib.papers.published import published_rows, published_tables
from facelib.report.verdicts import printed_difference

ROWS = [(method.name, *row) for method in METHODS.values() for row in method.printed_rows]


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("1", "RingNet", "florence/cooperative", 2.09),
        ("1", "3DDFA-v2", "florence/outdoor_sd", 0.66),
        ("1", "Booth et al.", "florence/outdoor", 1.63),
        ("1", "Ours (MSMA)", "florence/indoor", 1.64),
        ("2", "Yu et al. (PyTorch)", "facewarehouse", 1.79),
        ("2", "PRNet", "facewarehouse_sd", 0.45),
    ],
)
def test_numbers_as_printed(table: str, row: str, column: str, value: float) -> None:
    (found,) = [entry for entry in published_rows("msma") if (entry.table, entry.row) == (table, row)]
    assert found.values[column] == value


def test_all_rows_are_here_and_name_each_other() -> None:
    rows = published_rows("msma")
    assert [len(table.rows) for table in published_tables("msma").values()] == [9, 8]
    assert {(row.method, row.table, row.row) for row in rows if row.method} == {row for row in ROWS if row[2]}
    assert {row.counterpart for row in rows} <= {None, *METHODS}
    assert all(metric in METRICS for row in rows for metric in row.values)


def test_every_method_stands_in_a_table_that_exists() -> None:
    assert {table for _, table, _ in ROWS} == TABLES.keys()
    assert {name for name, *_ in ROWS} == METHODS.keys() - {"landmark_reader"}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_holds_in_the_printed_numbers(claim: Claim) -> None:
    printed = [printed_difference("msma", one) for one in claim.comparisons]
    assert all(value > 0 for value in printed if value is not None), printed


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_comparisons_name_methods_and_metrics_that_exist_and_mix_no_units(claim: Claim) -> None:
    for one in claim.comparisons:
        assert {method for _, method, _ in one.parts} <= METHODS.keys()
        assert len({METRICS[metric].unit for _, _, metric in one.parts}) == 1
        assert sum(coefficient for coefficient, *_ in one.parts) == 0
    assert len({one.label for one in claim.comparisons}) == len(claim.comparisons)


def test_enough_is_claimed_and_some_of_it_is_printed() -> None:
    assert len(CLAIMS) >= 10
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    decided = [claim for claim in CLAIMS if all(printed_difference("msma", one) for one in claim.comparisons)]
    assert {"better_than_base_on_florence", "stable_over_conditions", "more_stable_than_base"} <= {
        claim.name for claim in decided
    }


def test_margins_by_hand() -> None:
    assert printed_difference("msma", lower("msma", "base", "florence/outdoor")) == pytest.approx(0.06)
    rise = smaller_rise("msma", "base", "florence/cooperative", "florence/outdoor", "outdoors")
    assert printed_difference("msma", rise) == pytest.approx((1.71 - 1.67) - (1.65 - 1.64))


def test_runs_do_not_depend_on_what_they_do_not_see() -> None:
    usual = PAPER.settings("laptop")
    other = replace(usual, fitting=replace(usual.fitting, steps=3), loss=replace(usual.loss, landmarks=1.0))
    reader, mean, weak, fit = (METHODS[name] for name in ("landmark_reader", "mean_face", "msma", "direct_fit"))
    for method in (reader, mean):
        assert relevant(method, usual) == relevant(method, other)
    assert relevant(weak, usual) == relevant(weak, replace(other, loss=usual.loss)) != relevant(weak, other)
    assert relevant(fit, usual) != relevant(fit, other)
    assert relevant(METHODS["supervised"], usual) == relevant(METHODS["supervised"], other)


def test_without_a_loss_a_third_of_the_schedule_is_trained() -> None:
    for tier in ("laptop", "paper"):
        settings = PAPER.run_settings("no_landmarks", tier)
        assert METHODS["no_landmarks"].stage == "short_training"
        assert settings.loss.landmarks == 0
        assert 3 * settings.short_training.epochs == PAPER.settings(tier).training.epochs
        assert settings.training == MSMARunSettings().training
    assert set(TIERS) == {"smoke", "laptop", "gpu", "paper"}


def test_one_row_has_all_weights_as_printed() -> None:
    for tier in TIERS:
        assert PAPER.run_settings("printed_weights", tier).loss == WeakLossSettings()


def test_shares_of_parts_are_switched_off() -> None:
    base = PAPER.run_settings("base", "laptop").network
    assert [base.fusion, base.attention, base.multi_attribute] == [False] * 3
    assert METHODS["no_fusion"].describe()["parts"] == "ResNet, MLKA, attribute heads"
    assert METHODS["no_perceptual"].describe()["losses"] == "eq. 14, without perceptual"
    assert METHODS["white_light"].describe()["losses"] == "eq. 14, light 10"
    assert METHODS["published_landmarks"].describe()["losses"] == "eq. 14, landmarks weighted as published"


@pytest.mark.parametrize("name", ["msma", "base", "no_fusion", "no_attention", "one_feature"])
def test_parameters_are_those_of_the_parts_at_full_size(name: str) -> None:
    with torch.device("meta"):
        network = MSMA(PAPER.run_settings(name, "paper").network, 80, 52, 80)
    parts = {"ResNet": network.body, "MSF": network.fusion, "MLKA": network.attention, "heads": network.heads}
    counts = {part: sum(p.numel() for p in each.parameters()) / 1e6 for part, each in parts.items() if each}
    assert METHODS[name].describe()[MILLIONS] == ", ".join(f"{part} {count:.1f}" for part, count in counts.items())


def test_the_recogniser_is_a_part_of_what_a_method_is(monkeypatch: pytest.MonkeyPatch) -> None:
    weak, taught = METHODS["msma"], METHODS["supervised"]
    before = weak.definition, taught.definition
    monkeypatch.setattr("facelib.papers.msma.methods.checksums", lambda names: dict.fromkeys(names, "another"))
    assert weak.definition != before[0]
    assert taught.definition == before[1]
