"""Printed numbers, checked by hand against the paper, and the names that lead to them."""

from __future__ import annotations

import pytest

from facelib.errors import BadInput, UnknownName
from facelib.papers import PAPERS, load_paper
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.metrics import AVERAGE
from facelib.papers.joint_attention.settings import TIERS
from facelib.papers.msma import PAPER as MSMA
from facelib.papers.paper import Paper
from facelib.papers.published import PublishedRow, all_tables, printed_values, published_rows, published_tables


def printed(table: str, row: str, paper: str = "joint_attention") -> PublishedRow:
    (found,) = [entry for entry in published_rows(paper) if (entry.table, entry.row) == (table, row)]
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


ROWS = [(method.name, *row) for method in METHODS.values() for row in method.printed_rows]


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

    assert {table.unit for table in tables.values()} == {"percent"}
    assert list(tables) == ["1", "2", "3"]
    assert [len(table.rows) for table in tables.values()] == [11, 9, 9]
    assert all(table.title.startswith(f"Table {'I' * int(number)}: ") for number, table in tables.items())
    assert tables["1"].columns == tables["2"].columns
    assert {column.partition(".")[0] for column in tables["3"].columns} == {"arl_vtf"}


def test_values_by_method_and_metric() -> None:
    values = printed_values("joint_attention")

    assert values["crosspoint", "tar_at_far_1pct"] == 78.203
    assert values["crosspoint", "arl_vtf.tar_at_far_1pct/average"] == 63.854
    assert values["ir18_frontal", "arl_vtf.tar_at_far_1pct/frontal"] == 99.790
    assert ("ir18_scratch", "tar_at_far_1pct") not in values


def test_the_printed_average_of_table_iii_weighs_both_conditions() -> None:
    for row in published_tables("joint_attention")["3"].rows:
        rates = [row.values[f"arl_vtf.tar_at_far_1pct/{name}"] for name in ("frontal", "pose", "average")]
        gap = AVERAGE["frontal"] * rates[0] + AVERAGE["pose"] * rates[1] - rates[2]
        assert (abs(gap) < 0.0101) == (row.row != "Poster et al."), row.row


# ---- paper 3 ----


def test_all_rows_of_paper_3_are_here() -> None:
    tables = published_tables("sadrnet")

    assert {number: len(table.rows) for number, table in tables.items()} == {"1": 11, "2": 7, "3": 7, "4": 6, "5": 5}
    assert [table.unit for table in tables.values()] == ["percent", "percent", "degrees", "percent", "MB"]


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("1", "SADRNet (ours)", "sparse_2d/30-60", 3.30),
        ("1", "SADRNet (ours)", "sparse_2d/balanced", 3.46),
        ("1", "PRN", "dense_3d", 4.40),
        ("1", "3DDFA", "sparse_3d", 7.50),
        ("1", "3DDFAv2", "dense_3d", 4.18),
        ("2", "SADRNet (ours)", "reconstruction", 3.25),
        ("2", "SADRNet (ours)", "florence", 3.12),
        ("2", "PRN", "reconstruction/60-90", 4.45),
        ("2", "VRN - Guided", "florence", 5.26),
        ("3", "SADRNet (ours)", "pitch_error", 5.00),
        ("3", "MNN", "pose_error", 3.83),
        ("4", "b: DF", "dense_3d", 4.50),
        ("4", "c: SA + DF", "reconstruction", 3.39),
        ("4", "e: AT + SA", "sparse_3d", 4.59),
        ("5", "VRN", "size_mb", 1500),
        ("5", "SADRNet (ours)", "size_mb", 60),
    ],
)
def test_numbers_of_paper_3_as_printed(table: str, row: str, column: str, value: float) -> None:
    assert printed(table, row, "sadrnet").values[column] == value


def test_the_last_row_of_the_ablation_is_the_row_of_the_first_two_tables() -> None:
    full = printed("4", "f: AT + SA + DF", "sadrnet").values
    elsewhere = printed("1", "SADRNet (ours)", "sadrnet").values | printed("2", "SADRNet (ours)", "sadrnet").values

    assert all(value == elsewhere[metric] for metric, value in full.items())


def test_balanced_is_the_mean_of_the_bins() -> None:
    """A check of the digits: every row of table I that prints all four. SPDT's is 0.03 off in the paper too."""
    rows = [row for row in published_tables("sadrnet")["1"].rows if "sparse_2d/0-30" in row.values]

    assert len(rows) == 8
    for row in rows:
        bins = [row.values[f"sparse_2d/{name}"] for name in ("0-30", "30-60", "60-90")]
        slack = 0.031 if row.row == "SPDT" else 0.011
        assert row.values["sparse_2d/balanced"] == pytest.approx(sum(bins) / 3, abs=slack)


def test_the_mean_pose_error_is_that_of_the_three_angles() -> None:
    for row in published_tables("sadrnet")["3"].rows:
        angles = [row.values[f"{row.prefix}{name}_error"] for name in ("yaw", "pitch", "roll")]
        assert row.values[f"{row.prefix}pose_error"] == pytest.approx(sum(angles) / 3, abs=0.011)


def test_what_is_not_printed_or_not_readable_is_left_out() -> None:
    assert set(printed("1", "CMD", "sadrnet").values) == {"sparse_2d/balanced"}
    assert set(printed("2", "SADRNet (ours)", "sadrnet").values) == {
        "reconstruction/0-30",
        "reconstruction",
        "florence",
    }
    assert "3.42" in published_tables("sadrnet")["2"].note
    assert all(row.values for row in published_rows("sadrnet"))


def test_a_second_row_of_one_method_has_metrics_of_its_own() -> None:
    values = printed_values("sadrnet")

    assert (values["sadrnet", "yaw_error"], values["sadrnet", "fix.yaw_error"]) == (2.93, 2.93)
    assert (values["sadrnet", "pitch_error"], values["sadrnet", "fix.pitch_error"]) == (5.00, 4.43)
    fixed = printed("3", "SADRNet-fix (ours)", "sadrnet")
    assert (fixed.method, fixed.prefix) == ("sadrnet", "fix.")
    assert set(fixed.values) == {"fix." + column for column in published_tables("sadrnet")["3"].columns}


def test_counterparts_of_paper_3_stand_for_3ddfa_and_prn() -> None:
    played = {(row.row, row.counterpart) for row in published_rows("sadrnet") if row.counterpart}

    assert played == {("3DDFA", "coefficients"), ("PRN", "direct")}


def test_methods_of_paper_3_and_its_printed_rows_name_each_other() -> None:
    methods = load_paper("sadrnet").methods
    named = {(name, *row) for name, method in methods.items() for row in method.printed_rows if row[1] is not None}

    assert {(row.method, row.table, row.row) for row in published_rows("sadrnet") if row.method} == named


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
    loaded = load_paper(paper)

    assert isinstance(loaded, Paper)
    assert loaded.name == paper
    assert loaded.folder.startswith(f"{loaded.number}_")
    assert list(loaded.tiers) == ["smoke", "laptop", "gpu", "paper"]
    assert loaded.headline in loaded.metrics
    assert list(loaded.tables) == list(all_tables(loaded))
    ours = loaded.tables.keys() - published_tables(paper).keys()
    assert ours == {name for name, table in loaded.tables.items() if table.title}
    assert loaded.claims


def test_tiers_override_the_papers_settings() -> None:
    assert PAPER.settings("smoke").network.width < PAPER.settings("paper").network.width
    assert PAPER.settings("gpu").network.image_size == 112
    paper = PAPER.settings("paper")
    assert (paper.network.image_size, paper.network.width, paper.data) == (224, 1.0, "licensed")
    assert paper.training.batch_size == 64
    assert paper.training.milestones == (8, 12, 14)


@pytest.mark.parametrize("tier", TIERS)
def test_changes_override_the_tier(tier: str) -> None:
    changed = PAPER.settings(tier, {"training.epochs": 4, "loss.pairs": "aligned"})

    assert (changed.training.epochs, changed.loss.pairs) == (4, "aligned")
    assert changed.network == PAPER.settings(tier).network


def test_unknown_tier() -> None:
    with pytest.raises(UnknownName, match=r"unknown tier 'smok'.*did you mean 'smoke'"):
        PAPER.settings("smok")


def test_unknown_parameter() -> None:
    with pytest.raises(UnknownName, match=r"unknown parameter 'training\.epoch'.*did you mean 'training\.epochs'"):
        PAPER.settings("smoke", {"training.epoch": 3})


def test_parameter_of_another_type() -> None:
    with pytest.raises(BadInput, match=r"network\.width is 'half'"):
        PAPER.settings("smoke", {"network.width": "half"})


def test_tables_of_ours_have_the_units_of_their_metrics() -> None:
    units = {name: table.unit for name, table in all_tables(MSMA).items()}

    assert units == {"1": "mm", "2": "mm", "cases": "mm", "alignment": "percent", "losses": "mm and percent"}
