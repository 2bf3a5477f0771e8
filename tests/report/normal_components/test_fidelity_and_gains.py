"""Fidelity against recognition, and gains in points and relative: numbers as in records and in print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from made_identification import make_identification_record
from made_records import use_made_runs

from facelib.papers.normal_components.methods import METHODS
from facelib.report.intervals import open_estimates
from facelib.report.normal_components.fidelity_curve import compared, draw_fidelity, fidelity_data
from facelib.report.normal_components.gains import draw_gains, gain_data
from facelib.report.records import open_runs

pytestmark = pytest.mark.usefixtures("with_normal_components")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    use_made_runs(monkeypatch, tmp_path)
    yield
    plt.close("all")


def test_rows_that_differ_in_their_reconstructor_alone_are_compared() -> None:
    names = compared()
    assert {"expnet_joined", "diffusion_joined", "sadrnet", "truth", "disturbed_200"} < set(names)
    assert not {"expnet_lmcl", "from_scratch", "depth", "baseline"} & set(names)
    assert len(names) >= 6


def test_fidelity_is_that_of_the_records() -> None:
    made = {"expnet_joined": 2.5, "truth": 0.0, "disturbed_100": 1.5, "disturbed_25": 0.4}
    records = {name: make_identification_record(name, mm=mm) for name, mm in made.items()}
    data = fidelity_data(open_estimates(open_runs("normal_components", "smoke")), ["merged"])
    assert data["method"].tolist() == [METHODS[name].label for name in METHODS if name in made]
    line = data.set_index("method").loc[METHODS["expnet_joined"].label]
    assert line["fidelity_mm"] == pytest.approx(records["expnet_joined"].metrics["fidelity_mm"]["value"])
    assert line["merged"] == pytest.approx(100 * records["expnet_joined"].metrics["merged"]["value"])
    assert line["merged_low"] < line["merged"] < line["merged_high"]
    figure = draw_fidelity(data, "merged")
    joined = figure.axes[0].lines[0]
    assert joined.get_xdata().tolist() == pytest.approx(sorted(joined.get_xdata()))  # by disturbance
    assert len(joined.get_xdata()) == 3
    assert figure.axes[0].xaxis_inverted()


def test_gains_as_printed_and_as_measured() -> None:
    before, after = (make_identification_record(*each) for each in (("baseline", 0.5), ("expnet_cross_entropy", 0.9)))
    data = gain_data(open_estimates(open_runs("normal_components", "smoke")))
    printed = data[data["origin"] == "printed"]
    assert printed["points"].round(1).tolist() == [17.7, 8.9, 13.4]
    assert printed["relative"].round(1).tolist() == [22.0, 10.9, 15.8]
    ours = data[(data["origin"] == "ours") & (data["set"] == "BU-3DFE")].iloc[0]
    low, high = (100 * record.metrics["bu3dfe"]["value"] for record in (before, after))
    assert (ours["baseline"], ours["fine-tuned"]) == (pytest.approx(low), pytest.approx(high))
    assert ours["relative"] == pytest.approx(100 * (high / low - 1))
    assert ours["low"] < ours["points"] < ours["high"]
    texts = [text.get_text() for text in draw_gains(data).axes[0].texts]
    assert "+17.7 points, +22.0 %" in texts


def test_without_both_runs_there_is_no_gain() -> None:
    make_identification_record("baseline")
    assert gain_data(open_estimates(open_runs("normal_components", "smoke"))).empty
