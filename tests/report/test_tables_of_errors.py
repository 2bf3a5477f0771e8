"""Tables and claims of paper 3: errors of three units, one fold, printed cells left empty, a row printed twice."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from made_faces import make_face_record
from tiny_runs import use_private_runs

from facelib.errors import BadInput
from facelib.papers.published import published_tables
from facelib.papers.sadrnet import METHODS
from facelib.report import intervals
from facelib.report.claims import as_entries, claims_as_markdown, draw_claims, term_data, write_claims
from facelib.report.intervals import combine, draws_of_methods
from facelib.report.tables import caption, comparison, readable, systems, table_as_markdown, write_tables
from facelib.report.verdicts import CONTRADICTED, REPRODUCED, ClaimResult, evaluate_claims

PAPER = "sadrnet"
SKILLS = {"sadrnet": 1.0, "no_mesh_loss": 1.0, "mean_face": 0.3, "direct_attention": 1.1}


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(intervals, "DRAWS", 60)
    yield
    plt.close("all")


@pytest.fixture
def all_methods() -> None:
    for name in METHODS:
        make_face_record(name, skill=SKILLS.get(name, 0.9), size_mb=50.0 if name == "no_attention" else 59.0)


def line(table: pd.DataFrame, method: str, origin: str) -> pd.Series:
    found = table[(table["method"] == method) & (table["origin"] == origin)]
    assert len(found) == 1
    return found.iloc[0]


def test_errors_are_shown_in_percent_with_intervals_and_marks(all_methods: None) -> None:
    table = comparison(PAPER, "smoke", "4")
    draws = draws_of_methods(PAPER, "smoke", ["sadrnet", "direct"])
    own = combine(draws, ((1.0, "direct", "dense_3d"),))
    gap = combine(draws, ((1.0, "direct", "dense_3d"), (-1.0, "sadrnet", "dense_3d")))
    row = line(table, METHODS["direct"].label, "ours")
    shown = line(readable(PAPER, "4", table), METHODS["direct"].label, "ours")

    columns = ["dense_3d", "low dense_3d", "high dense_3d", "difference dense_3d"]
    assert row[columns].tolist() == pytest.approx([100 * v for v in (own.value, own.low, own.high, gap.value)])
    # 10 % worse than SADRNet on nearly the same errors
    assert shown["Dense 3D"] == f"{100 * own.value:.2f} [{100 * own.low:.2f}, {100 * own.high:.2f}] ↑"
    assert line(readable(PAPER, "4", table), METHODS["direct_attention"].label, "ours")["Sparse 2D"].endswith("↓")
    assert line(readable(PAPER, "4", table), "SADRNet", "printed")["Dense 3D"] == "4.02"
    assert line(table, "SADRNet", "ours").filter(like="difference").isna().all()


def test_one_fold_is_not_counted(all_methods: None) -> None:
    table = comparison(PAPER, "smoke", "1")
    text = table_as_markdown(PAPER, "smoke", "1")

    assert set(table["folds"]) == {1}
    assert "folds" not in readable(PAPER, "1", table)
    assert "±" not in text
    assert "lower is better" in caption(PAPER, "smoke", "1")
    assert "mark errors above and below that of SADRNet, where" in caption(PAPER, "smoke", "1")


def test_what_the_paper_does_not_print_is_an_empty_cell(all_methods: None) -> None:
    table = comparison(PAPER, "smoke", "1")
    shown = readable(PAPER, "1", table)
    (row,) = shown[shown["method"] == "3DFAN"].to_dict("records")

    assert row["origin"] == "printed"
    assert row["Sparse 2D balanced"] == "3.62"
    assert [row[column] for column in ("Sparse 2D", "Sparse 3D", "Dense 2D", "Dense 3D")] == [""] * 4
    assert "nan" not in table_as_markdown(PAPER, "smoke", "1")
    # Ours that the paper does not print stand in the data, not in the text.
    assert "sparse_3d_unshifted" in table
    assert f"\n- {published_tables(PAPER)['2'].note}\n" in table_as_markdown(PAPER, "smoke", "2")
    assert list(shown.columns[-4:]) == ["Sparse 2D", "Sparse 3D", "Dense 2D", "Dense 3D"]


def test_a_second_row_of_a_method_has_its_own_metrics(all_methods: None) -> None:
    record = make_face_record("sadrnet")
    table = comparison(PAPER, "smoke", "3")
    plain, fixed = (line(table, name, "ours") for name in ("SADRNet", "SADRNet-fix"))

    assert plain["pitch_error"] == pytest.approx(record.metrics["pitch_error"]["value"])
    assert fixed["pitch_error"] == pytest.approx(record.metrics["fix.pitch_error"]["value"])
    assert fixed["low pose_error"] < fixed["pose_error"] < plain["pose_error"]
    assert line(table, "SADRNet-fix", "printed")["pitch_error"] == 4.43
    assert "degrees, lower is better" in caption(PAPER, "smoke", "3")
    assert pd.isna(fixed["geodesic_error"])


def test_sizes_have_no_interval(all_methods: None) -> None:
    make_face_record("sadrnet", size_mb=59.082)
    table = comparison(PAPER, "smoke", "5")
    shown = readable(PAPER, "5", table).set_index(["method", "origin"])["Size"]

    assert (shown["SADRNet", "ours"], shown["VRN", "printed"]) == ("59.1", "1500")
    assert not [column for column in table if column.startswith(("low", "high", "difference"))]
    assert "interval" not in caption(PAPER, "smoke", "5")
    assert ", MB. Rows 'ours': our networks at full size" in caption(PAPER, "smoke", "5")


def test_a_counterpart_stands_below_as_ours(all_methods: None) -> None:
    table = comparison(PAPER, "smoke", "2")

    assert line(table, "PRN", "printed")["reconstruction"] == 3.96
    assert f"{METHODS['direct'].label} (ours, not in this table)" in table["method"].tolist()
    assert f"{METHODS['mean_face'].label} (ours, not in the paper)" in table["method"].tolist()


def test_columns_keep_their_order_whichever_method_has_run() -> None:
    make_face_record("sadrnet")
    some = comparison(PAPER, "smoke", "4").columns.tolist()
    for name in METHODS:
        make_face_record(name)
    every = comparison(PAPER, "smoke", "4").columns.tolist()

    assert some == [column for column in every if column in some]
    assert every[:5] == ["method", "origin", "folds", "sparse_2d", "low sparse_2d"]


def test_files_and_systems(all_methods: None, tmp_path: Path) -> None:
    tables = write_tables(PAPER, "smoke", tmp_path)

    assert list(tables) == ["1", "2", "3", "4", "5"]
    assert len(list(tmp_path.glob("table_*"))) == 15
    assert pd.read_csv(tmp_path / "table_3.csv", comment="#")["folds"].eq(1).all()
    assert (tmp_path / "table_1.tex").read_text().isascii()
    assert systems(PAPER).loc["SADRNet", "tables"] == "1, 2, 3, 4, 5"


@pytest.fixture
def evaluated(all_methods: None) -> dict[str, ClaimResult]:
    return {one.claim.name: one for one in evaluate_claims(PAPER, "smoke")}


def test_verdicts_follow_the_made_errors(evaluated: dict[str, ClaimResult]) -> None:
    assert evaluated["attention_helps"].verdict == REPRODUCED
    assert evaluated["attention_helps_direct_regression"].verdict == REPRODUCED
    assert evaluated["direct_is_worst"].verdict == CONTRADICTED  # row d was made best
    assert evaluated["large_poses_cost_alignment"].verdict == REPRODUCED
    assert all(term.low > 0 for term in evaluated["gimbal_lock"].terms[:2])  # pitch and roll
    assert evaluated["model_size"].verdict == CONTRADICTED  # attention was made 9 MB large


def test_each_comparison_has_its_unit(evaluated: dict[str, ClaimResult]) -> None:
    units = {one.claim.name: {term.unit for term in one.terms} for one in evaluated.values()}
    entry = as_entries([evaluated["gimbal_lock"]], "smoke")[0]

    assert units["attention_helps"] == {"points"}
    assert units["pitch_is_hardest"] == {"degrees"}
    assert units["model_size"] == {"MB"}
    assert entry["unit"] == "degrees"
    assert {term["unit"] for term in as_entries([evaluated["attention_helps"]], "smoke")[0]["terms"]} == {
        "percentage points"
    }
    (size,) = [term for term in evaluated["model_size"].terms if "above 57" in term.comparison]
    assert (size.low, size.difference, size.high, size.printed) == (2, 2, 2, 3)
    assert "(degrees) |" in claims_as_markdown([evaluated["pitch_is_hardest"]])
    assert set(term_data(list(evaluated.values()))["unit"]) == {"points", "degrees", "MB"}


def test_the_axis_suits_the_numbers(evaluated: dict[str, ClaimResult]) -> None:
    (axes,) = draw_claims([evaluated[name] for name in ("attention_helps", "mesh_loss_keeps_numbers")]).axes
    (wide,) = draw_claims(list(evaluated.values())).axes
    shown = [evaluated[name].decisive for name in ("attention_helps", "mesh_loss_keeps_numbers")]

    assert max(abs(value) for term in shown for value in (term.low, term.high)) <= axes.get_xlim()[1] <= 5
    assert "points in favour" in axes.get_xlabel()
    assert "points, degrees or MB in favour" in wide.get_xlabel()
    ticks = axes.get_xticks()
    assert 0 in ticks
    assert list(ticks) == sorted(ticks) == [-tick for tick in reversed(ticks)]


def test_files_of_claims(evaluated: dict[str, ClaimResult], tmp_path: Path) -> None:
    write_claims(PAPER, "smoke", tmp_path)

    assert {"claims.json", "claims.csv", "claims.png"} <= {path.name for path in tmp_path.iterdir()}


def test_other_photographs_are_not_compared() -> None:
    make_face_record("sadrnet"), make_face_record("direct", people=11)
    draws = draws_of_methods(PAPER, "smoke", ["sadrnet", "direct"])

    with pytest.raises(BadInput, match="sadrnet and direct evaluate other people"):
        combine(draws, ((1.0, "sadrnet", "sparse_2d"), (-1.0, "direct", "sparse_2d")))
    # The scans of Florence are the same ones.
    combine(draws, ((1.0, "sadrnet", "florence"), (-1.0, "direct", "florence")))


def test_a_new_size_is_not_taken_from_older_draws() -> None:
    for size in (59.0, 62.0):
        make_face_record("sadrnet", size_mb=size)
        draws = draws_of_methods(PAPER, "smoke", ["sadrnet"])
        assert combine(draws, ((1.0, "sadrnet", "size_mb"),)).value == size
