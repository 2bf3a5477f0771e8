"""Rows that lack some of a table's metrics stand in it: who learnt from nothing, and networks without components."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_identification import make_identification_record
from made_records import use_made_runs

from facelib.papers.normal_components.methods import METHODS
from facelib.report.intervals import open_estimates
from facelib.report.records import open_runs
from facelib.report.tables import comparison, table_as_markdown
from facelib.runs.records import write_record

pytestmark = pytest.mark.usefixtures("with_normal_components")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_made_runs(monkeypatch, tmp_path)


def test_the_baseline_has_no_fidelity() -> None:
    for method in ("baseline", "expnet_joined", "truth"):
        make_identification_record(method)
    estimates = open_estimates(open_runs("normal_components", "smoke"))
    lines = comparison(estimates, "fidelity").set_index("method")
    baseline, truth = (METHODS[name].label for name in ("baseline", "truth"))
    assert np.isnan(lines.loc[baseline, "fidelity_mm"])
    assert np.isnan(lines.loc[baseline, "difference fidelity_mm"])
    assert np.isfinite(lines.loc[truth, ["difference fidelity_mm", "difference merged"]].astype(float)).all()
    assert np.isfinite(lines.loc[baseline, "difference merged"])
    assert table_as_markdown(estimates, "fidelity").count("| ours |") == 3


def test_one_network_stands_in_the_table_of_ict_without_components() -> None:
    rates = {"expnet_lmcl": ("ict", "ict/x", "ict/y", "ict/z"), "expnet_joined": ("ict",), "truth": ()}
    for method, names in rates.items():
        record = make_identification_record(method)
        metrics = record.metrics | {name: {"value": 0.5, "unit": "fraction"} for name in names}
        write_record(record.run.record, replace(record, metrics=metrics))
    found = open_runs("normal_components", "smoke")
    assert found.measured("ict") == ["expnet_lmcl", "expnet_joined"]
    assert found.unevaluated("ict")[0].startswith("True shapes, one network: not evaluated on")
