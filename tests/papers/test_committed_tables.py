"""The committed records of the laptop tier give the committed tables and verdicts, on any machine and by any code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from facelib.papers import PAPERS, load_paper
from facelib.papers.published import published_tables
from facelib.papers.status import committed_folder
from facelib.report.claims import as_entries
from facelib.report.intervals import Estimates, open_estimates
from facelib.report.manifest import figures_folder
from facelib.report.records import TierRuns, open_runs
from facelib.report.tables import comparison
from facelib.report.verdicts import evaluate_claims
from facelib.runs.folders import RUNS_VARIABLE
from facelib.storage import read_json

ROUNDED = 1.5e-3  # CSV files and estimates are kept to three decimals
TABLES = [(paper, number) for paper in PAPERS for number in published_tables(paper)]
NOT_NUMBERS = ["method", "origin", "reference"]


@pytest.fixture(autouse=True, scope="module")
def nothing_was_run_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUNS_VARIABLE, str(tmp_path_factory.mktemp("no_runs")))
        yield


@pytest.fixture(scope="module")
def estimates(nothing_was_run_here: None) -> dict[str, Estimates]:
    return {paper: open_estimates(open_runs(paper, "laptop")) for paper in PAPERS}


def committed(paper: str) -> Path:
    return figures_folder(load_paper(paper).folder, "laptop")


def records_of(paper: str, method: str) -> list[dict[str, Any]]:
    folder = committed_folder(load_paper(paper), "laptop")
    assert folder is not None
    return [read_json(path, "") for path in sorted(folder.glob(f"{method}-fold*.json"))]


@pytest.mark.parametrize("paper", PAPERS)
def test_all_runs_are_the_committed_ones(estimates: dict[str, Estimates], paper: str) -> None:
    runs: TierRuns = estimates[paper].runs
    states = {status.state for standing in runs.standing.values() for status in standing}

    assert states == {"committed"}
    assert runs.shared_mark == "as committed"
    folder = committed_folder(runs.paper, "laptop")
    assert folder is not None
    count = sum(len(standing) for standing in runs.standing.values())
    assert count == len(list(folder.glob("*-fold*.json"))) >= 5


@pytest.mark.parametrize(("paper", "number"), TABLES)
def test_tables_are_the_committed_ones(estimates: dict[str, Estimates], paper: str, number: str) -> None:
    made = comparison(estimates[paper], number)
    kept = pd.read_csv(committed(paper) / f"table_{number}.csv", comment="#")

    columns = [name for name in made.columns if name != "run"]
    assert columns == [name for name in kept.columns if name != "run"]
    words = [name for name in NOT_NUMBERS if name in columns]
    pd.testing.assert_frame_equal(made[words].fillna(""), kept[words].fillna(""), check_dtype=False)
    numbers = [name for name in columns if name not in words]
    found, expected = made[numbers].to_numpy(float, na_value=np.nan), kept[numbers].to_numpy(float)
    np.testing.assert_allclose(found, expected, atol=ROUNDED, rtol=0, equal_nan=True)


@pytest.mark.parametrize(("paper", "number"), TABLES)
def test_our_rows_are_the_means_of_the_records(estimates: dict[str, Estimates], paper: str, number: str) -> None:
    """Computed anew from the files."""
    loaded = load_paper(paper)
    made = comparison(estimates[paper], number)
    (main, *_) = loaded.tables[number].main
    factor = {"fraction": 100, "degrees": 1, "mm": 1, "MB": 1}[loaded.metrics[main].unit]
    ours = made[made["origin"] == "ours"].set_index("method")
    found = 0
    for name in loaded.tabulated(number):
        records = records_of(paper, name)
        label = loaded.methods[name].label
        rows = [row for row in ours.index if row == label or row.startswith(f"{label} (ours")]
        assert len(rows) == bool(records)
        if records:
            values = [record["metrics"][main]["value"] for record in records]
            assert ours.loc[rows[0], main] == pytest.approx(factor * np.mean(values))
            assert ours.loc[rows[0], "folds"] == len({record["fold"] for record in records})
            starts = len({record["seed"] for record in records if record["history"]})
            assert ours.fillna({"starts": 0}).loc[rows[0], "starts"] == starts
            found += 1
    assert found


@pytest.mark.parametrize("paper", PAPERS)
def test_verdicts_are_the_committed_ones(estimates: dict[str, Estimates], paper: str) -> None:
    made = as_entries(evaluate_claims(estimates[paper]), "laptop")
    kept = read_json(committed(paper) / "claims.json", "")["claims"]

    assert [(entry["name"], entry["verdict"]) for entry in made] == [
        (entry["name"], entry["verdict"]) for entry in kept
    ]
    for ours, theirs in zip(made, kept, strict=True):
        assert len(ours["comparisons"]) == len(theirs["comparisons"])
        for one, other in zip(ours["comparisons"], theirs["comparisons"], strict=True):
            assert one["comparison"] == other["comparison"]
            found, expected = ([each["difference"], *each["interval"]] for each in (one, other))
            np.testing.assert_allclose(found, expected, atol=ROUNDED, rtol=0)


def test_what_augmentation_buys_is_told_as_measured() -> None:
    """The page's table, of runs with fewer augmentations and of photographs that cannot be shipped."""
    rows = read_json(committed("sadrnet") / "augmentation.json", "")["rows"]
    page = (committed("sadrnet") / "README.md").read_text().splitlines()
    first = next(number for number, line in enumerate(page) if line.startswith("| left out |")) + 2
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in page[first : first + len(rows)]]

    assert page[first + len(rows)] == ""
    for row, (_, *cells) in zip(rows, told, strict=True):
        found, held_out = row["photographs"], row["held_out"]
        assert cells[:2] == [f"{100 * found[name]:.1f}" for name in ("mean", "median")]
        gap = found["difference"]
        values = [100 * gap[name] for name in ("estimate", "low", "high")] if gap else []
        assert cells[2] == ("{:+.1f} [{:+.1f}, {:+.1f}]".format(*values) if gap else "")
        left_out = row["without"]
        kept = "nothing" if not left_out else left_out[0] if len(left_out) == 1 else "all"
        record = read_json(committed("sadrnet") / "augmentation" / f"without_{kept}.json", "")
        assert record["changes"].get("stream.without", []) == left_out
        assert {name: record["metrics"][name]["value"] for name in held_out} == pytest.approx(held_out, abs=1e-5)
        assert cells[3:] == [f"{100 * held_out['sparse_2d']:.2f}", f"{100 * held_out['shape_ratio']:.1f}"]
    assert [len(row["without"]) for row in rows[:2]] == [0, 9]
