"""Paper 2 as data: printed numbers checked by hand, claims that hold in them, methods and settings that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facelib.data.embedded import GeneratedSettings
from facelib.papers.datasets import DATA_SETS
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.claims import CLAIMS, gain, merged_as_parts
from facelib.papers.normal_components.data_sets import data_sets, others_settings, web_settings
from facelib.papers.normal_components.methods import AXES, METHODS
from facelib.papers.normal_components.metrics import METRICS, PEOPLE, TABLES, TITLES
from facelib.papers.normal_components.settings import TIERS, relevant
from facelib.papers.paper import Claim
from facelib.papers.published import published_rows, published_tables
from facelib.report.verdicts import printed_difference

pytestmark = pytest.mark.usefixtures("with_normal_components", "face_model")
ROWS = [(method.name, *row) for method in METHODS.values() for row in method.printed_rows]


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("1", "Baseline", "bu3dfe/x", 66.1),
        ("2", "Ours", "frgc/z", 87.1),
        ("3", "Ours", "bosphorus", 98.0),
        ("4", "Yu et al. [9]", "bu3dfe", 100.0),
        ("5", "Ours (TEx-Face)", "frgc", 98.4),
        ("6", "Wang et al. [25]", "bosphorus", 92.0),
        ("7", "Ours (ExpNet)", "bu4dfe", 96.1),
        ("8", "Ours", "merged", 98.2),
    ],
)
def test_numbers_as_printed(table: str, row: str, column: str, value: float) -> None:
    (found,) = [entry for entry in published_rows(PAPER.name) if (entry.table, entry.row) == (table, row)]
    assert found.values[column] == value


def test_all_rows_are_here_and_name_each_other() -> None:
    rows, tables = published_rows(PAPER.name), published_tables(PAPER.name)
    assert [len(table.rows) for table in tables.values()] == [2, 2, 2, 9, 7, 14, 5, 1]
    assert {(row.method, row.table, row.row) for row in rows if row.method} == {row for row in ROWS if row[2]}
    assert all(metric in METRICS for row in rows for metric in row.values)
    assert list(PAPER.tables) == [*tables, "fidelity", "additions", "ict"]


def test_every_method_stands_in_a_table_that_exists() -> None:
    assert {table for _, table, _ in ROWS} == TABLES.keys()
    assert {name for name, *_ in ROWS} == METHODS.keys() - {"recogniser", "expnet", "diffusion"}
    assert all(set(method.needs) <= METHODS.keys() for method in METHODS.values())
    assert len([name for name in METHODS if name.startswith("disturbed")]) >= 4


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_claim_holds_in_the_printed_numbers(claim: Claim) -> None:
    printed = [printed_difference(PAPER.name, one) for one in claim.comparisons]
    assert all(value > 0 for value in printed if value is not None), printed


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_comparisons_name_methods_and_metrics_that_exist_and_mix_no_units(claim: Claim) -> None:
    for one in claim.comparisons:
        assert {method for _, method, _ in one.parts} <= METHODS.keys()
        assert len({METRICS[metric].unit for _, _, metric in one.parts}) == 1
    assert len({one.label for one in claim.comparisons}) == len(claim.comparisons)


def test_enough_is_claimed_and_much_of_it_is_printed() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS) >= 10
    decided = [claim for claim in CLAIMS if all(printed_difference(PAPER.name, one) for one in claim.comparisons)]
    assert len(decided) >= 7


def test_margins_by_hand() -> None:
    """The printed gain of 22.0 percent is 98.0 over 80.3; what merging costs is not printed."""
    assert printed_difference(PAPER.name, gain("bu3dfe")) == pytest.approx(98.0 - 1.22 * 80.3 + 0.5)
    assert printed_difference(PAPER.name, merged_as_parts("expnet_lmcl")) is None


def test_galleries_and_probes_have_the_published_counts() -> None:
    settings = PAPER.settings("gpu")
    sizes = data_sets(METHODS["baseline"], settings)
    assert list(sizes) == list(TITLES)
    people = {name: each.identities for name, each in sizes.items()}  # type: ignore[attr-defined]
    probes = {name: each.image_count - people[name] for name, each in sizes.items()}
    assert people == {name: PEOPLE[name] for name in TITLES}
    assert probes == {"bu3dfe": 2400, "frgc": 3541, "bosphorus": 2797, "bu4dfe": 2929}
    merged = ("bu3dfe", "frgc", "bosphorus")
    assert sum(people[name] for name in merged) == PEOPLE["merged"] == 671
    assert sum(probes[name] for name in merged) == 8738
    # BU-4DFE's expressions culminate between the first and the last frame.
    assert PAPER.settings("laptop").evaluation.frames >= 3
    laptop: dict[str, GeneratedSettings] = data_sets(METHODS["baseline"], PAPER.settings("laptop"))
    assert {name: each.identities for name, each in laptop.items()} == people  # type: ignore[attr-defined]


@pytest.mark.parametrize("tier", ["smoke", "laptop", "gpu"])
@pytest.mark.parametrize("name", METHODS)
def test_runs_read_registered_data_and_the_held_out_people_are_others(name: str, tier: str) -> None:
    settings = PAPER.run_settings(name, tier)
    for data, sizes in data_sets(METHODS[name], settings).items():
        assert type(sizes) is DATA_SETS[data].settings
    assert web_settings(settings).seed != others_settings(settings).seed
    assert web_settings(settings).scene.image_size == settings.preparation.size


def test_the_paper_tier_is_the_papers_and_asks_for_licensed_data() -> None:
    paper = PAPER.settings("paper")
    assert (paper.preparation.size, paper.preparation.cell, paper.network.width) == (112, 1.45, 1.0)
    assert (paper.expnet.depth, paper.expnet.width, paper.taught.identities) == (101, 1.0, 99)
    assert (paper.variation.pose, paper.variation.noise, paper.data) == (0, 0, "licensed")
    assert set(TIERS) == {"smoke", "laptop", "gpu", "paper"}


@pytest.mark.parametrize("tier", TIERS)
def test_all_rows_are_fine_tuned_alike_and_begin_slowly(tier: str) -> None:
    """Also those with cross-entropy, which need no warm-up, and the one that is not pretrained."""
    rows = [name for name, method in METHODS.items() if method.reconstructor]
    (training,) = {PAPER.run_settings(name, tier).training for name in rows}
    assert training.warmup_epochs == 1
    assert training.epochs > 1


def test_runs_do_not_depend_on_what_they_do_not_see() -> None:
    usual = PAPER.settings("laptop")
    other = replace(
        usual,
        evaluation=replace(usual.evaluation, frames=3),
        loss=replace(usual.loss, margin=0.1),
        diffusion=replace(usual.diffusion, depth=1),
        preparation=replace(usual.preparation, cell=2.0),
    )
    recogniser, expnet, diffusion = (METHODS[name] for name in ("recogniser", "expnet", "diffusion"))
    for method in (recogniser, expnet):
        assert relevant(method, usual) == relevant(method, other)
    assert relevant(diffusion, usual) != relevant(diffusion, other)
    wider = replace(usual, network=replace(usual.network, width=0.5))
    assert relevant(expnet, usual) == relevant(expnet, wider)
    assert relevant(recogniser, usual) != relevant(recogniser, wider)
    row, baseline = METHODS["expnet_lmcl"], METHODS["baseline"]
    assert relevant(row, usual) == relevant(row, replace(usual, diffusion=other.diffusion)) != relevant(row, other)
    assert relevant(baseline, usual) == relevant(baseline, replace(usual, loss=other.loss, web=usual.others))
    smaller = replace(usual, preparation=replace(usual.preparation, size=48))
    assert relevant(recogniser, usual) != relevant(recogniser, smaller)


def test_a_row_is_told_apart_by_what_it_is() -> None:
    definitions = {method.definition for method in METHODS.values()}
    assert len(definitions) == len(METHODS)
    assert METHODS["expnet_lmcl"].views == AXES
    assert METHODS["disturbed_50"].describe()["faces from"] == "truth, off by 0.5"
    assert METHODS["from_scratch"].describe()["starts"] == "fresh"
    assert METHODS["baseline"].describe()["loss"] == ""


def test_the_shipped_model_is_a_part_of_what_a_row_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = METHODS["sadrnet"].definition, METHODS["truth"].definition
    monkeypatch.setattr(
        "facelib.papers.normal_components.methods.checksums", lambda names: dict.fromkeys(names, "another")
    )
    assert METHODS["sadrnet"].definition != before[0]
    assert METHODS["truth"].definition == before[1]
