"""Printed numbers, checked by hand against the paper, and the names that lead to them."""

from __future__ import annotations

import pytest

from facelib.errors import BadInput, UnknownName
from facelib.papers import PAPERS, load_paper
from facelib.papers.joint_attention import METHODS, TIERS, settings_of
from facelib.papers.published import PublishedRow, printed_values, published_rows, published_tables


def printed(table: str, row: str) -> PublishedRow:
    (found,) = [entry for entry in published_rows("joint_attention") if (entry.table, entry.row) == (table, row)]
    return found


def test_all_rows_of_paper_1_are_here() -> None:
    assert len(published_rows("joint_attention")) == 29


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("1", "Ours + JAM + JE", "tar_at_far_1pct/90+", 78.910),
        ("2", "IRNet-18", "tar_at_far_1pct", 78.377),
        ("1", "CrossPoint", "tar_at_far_1pct/0-10", 94.876),
    ],
)
def test_numbers_as_printed(table: str, row: str, column: str, value: float) -> None:
    assert printed(table, row).values[column] == value


def test_rates_are_percent() -> None:
    for row in published_rows("joint_attention"):
        assert all(0 < value <= 100 for value in row.values.values()), row


ROWS = [(method.name, *row) for method in METHODS.values() for row in method.rows]


@pytest.mark.parametrize(("name", "table", "label"), [row for row in ROWS if row[2] is not None])
def test_each_method_names_its_printed_rows(name: str, table: str, label: str) -> None:
    assert printed(table, label).method == name


def test_each_printed_row_names_a_method_that_names_it() -> None:
    rows = published_rows("joint_attention")

    assert {(row.method, row.table, row.row) for row in rows if row.method} == {row for row in ROWS if row[2]}
    (alone,) = [row for row in rows if row.method is None]
    assert (alone.row, alone.counterpart) == ("Poster et al.", "ir18_frontal")
    assert ("ir18_frontal", "3", None) in ROWS


def test_tables_have_titles_and_their_data_sets_metrics() -> None:
    tables = published_tables("joint_attention")

    assert list(tables) == ["1", "2", "3"]
    assert [len(table.rows) for table in tables.values()] == [11, 9, 9]
    assert all(table.title.startswith(f"Table {'I' * int(number)}: ") for number, table in tables.items())
    assert tables["1"].columns == tables["2"].columns
    assert {column.partition(".")[0] for column in tables["3"].columns} == {"arl_vtf"}


def test_values_by_method_and_metric() -> None:
    values = printed_values("joint_attention")

    assert values["crosspoint", "tar_at_far_1pct"] == 78.203
    assert values["crosspoint", "arl_vtf.tar_at_far_1pct"] == 63.854
    assert values["ir18_frontal", "arl_vtf.tar_at_far_1pct/frontal"] == 99.790
    assert ("ir18_scratch", "tar_at_far_1pct") not in values


def test_methods_name_the_runs_they_need() -> None:
    for method in METHODS.values():
        assert set(method.needs) <= METHODS.keys()


def test_unknown_paper() -> None:
    with pytest.raises(UnknownName, match=r"unknown paper 'joint_atention'.*did you mean 'joint_attention'"):
        load_paper("joint_atention")
    with pytest.raises(UnknownName, match="paper with printed numbers 'joint_atention'"):
        published_rows("joint_atention")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_offers_what_the_command_line_asks_for(paper: str) -> None:
    package = load_paper(paper)

    assert {"NUMBER", "TITLE", "FOLDER", "HEADLINE", "METHODS", "TIERS", "CLAIMS", "REFERENCES"} <= set(dir(package))
    assert {"settings_of", "train", "prepare", "data_fingerprint"} <= set(dir(package))
    assert set(package.TIERS) == {"smoke", "laptop", "gpu", "paper"}


def test_tiers_override_the_papers_settings() -> None:
    assert settings_of("smoke").network.width < settings_of("paper").network.width
    assert settings_of("gpu").network.image_size == 112
    paper = settings_of("paper")
    assert (paper.network.image_size, paper.network.width, paper.data) == (224, 1.0, "licensed")
    assert paper.training.batch_size == 64
    assert paper.training.milestones == (8, 12, 14)


@pytest.mark.parametrize("tier", TIERS)
def test_changes_override_the_tier(tier: str) -> None:
    changed = settings_of(tier, {"training.epochs": 4, "loss.pairs": "aligned"})

    assert (changed.training.epochs, changed.loss.pairs) == (4, "aligned")
    assert changed.network == settings_of(tier).network


def test_unknown_tier() -> None:
    with pytest.raises(UnknownName, match=r"unknown tier 'smok'.*did you mean 'smoke'"):
        settings_of("smok")


def test_unknown_parameter() -> None:
    with pytest.raises(UnknownName, match=r"unknown parameter 'training\.epoch'.*did you mean 'training\.epochs'"):
        settings_of("smoke", {"training.epoch": 3})


def test_parameter_of_another_type() -> None:
    with pytest.raises(BadInput, match=r"network\.width is 'half'"):
        settings_of("smoke", {"network.width": "half"})
