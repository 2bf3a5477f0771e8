"""Who is missed, group by group, and how far the preparation is off: as counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_identification import PEOPLE, PROBES, made_ranks

from facelib.data.archive import FaceArchive
from facelib.faces.population import EXPRESSIONS
from facelib.report.normal_components.error_sources import draw_sources, groups_of, probe_data, source_data
from facelib.report.normal_components.preparation_errors import draw_preparation, preparation_data, preparation_table

SCANS = PEOPLE * (PROBES + 1)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def material() -> Any:
    """Scans of which everybody's first is enrolled; pose errors grow from 0 to 6 degrees, the last scan failed."""
    rows = np.arange(SCANS)
    errors = np.where(rows < SCANS - 1, np.deg2rad(6 * rows / SCANS), np.nan)
    arrays = {"is_gallery": rows % (PROBES + 1) == 0, "pose_error": errors, "nose_error": 0.1 * rows + 0 * errors}
    arrays["failed"] = np.isnan(errors)
    prepared = FaceArchive("prepared_scans", "", arrays)
    scores = made_ranks(0.8)
    return SimpleNamespace(prepared=lambda name: prepared, scores=lambda label: scores)


def test_probes_are_told_by_what_is_known_of_them(material: Any) -> None:
    scores = material.scores("")
    data = probe_data(material, "one", ["bu3dfe", "frgc", "ict"])  # not evaluated on the last
    assert len(data) == 2 * PEOPLE * PROBES
    first = data[data["data_set"] == "bu3dfe"]
    assert first["missed"].tolist() == (scores["bu3dfe"] != 1).tolist()
    assert first["expression"].tolist()[:6] == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    assert data[data["data_set"] == "frgc"]["expression"].iloc[0] == list(EXPRESSIONS)[1]
    assert first["pose_error"].iloc[0] == pytest.approx(6 / SCANS)  # of the second scan
    assert np.isnan(first["pose_error"].iloc[-1])
    assert data["person"].nunique() == 2 * PEOPLE


def test_shares_by_hand(material: Any) -> None:
    data = probe_data(material, "one", ["bu3dfe", "bosphorus"])
    sources = source_data({"one": data, "two": data}).set_index(["method", "by", "group"])
    assert sources.loc[("one", "data set", "BU-3DFE (stereo)"), "missed"] == pytest.approx(
        (material.scores("")["bu3dfe"] != 1).mean()
    )
    level = data[(data["data_set"] == "bu3dfe") & (data["level"] == 2)]
    line = sources.loc[("one", "level", "2")]
    assert (line["missed"], line["probes"]) == (pytest.approx(level["missed"].mean()), len(level))
    assert line["low"] <= line["missed"] <= line["high"]
    failed = sources.loc[("two", "pose error", "not prepared")]
    assert (failed["missed"], failed["probes"]) == (1, 2)
    poses = [name for by, name in groups_of(data) if by == "pose error"]
    assert poses == ["0 to 1°", "1 to 2°", "2 to 3°", "3 to 5°", "5° and more", "not prepared"]
    by_pose = sources.sort_index().loc[("one", "pose error"), "probes"]
    assert by_pose.sum() == len(data)  # every probe is in one group
    panels = draw_sources(sources.reset_index(), ["one"]).axes
    assert {len(panel.lines) for panel in panels} == {2}


def test_errors_of_the_preparation(material: Any) -> None:
    data = preparation_data(material, ["bu3dfe", "frgc"])
    table = preparation_table(data)
    assert list(table.index) == ["BU-3DFE", "FRGC v2"]
    assert table["failed"].tolist() == [1, 1]
    kept = 6 * np.arange(SCANS - 1) / SCANS
    assert table.loc["FRGC v2", "pose, 95 %"] == pytest.approx(np.quantile(kept, 0.95))
    line = draw_preparation(data).axes[1].lines[0]
    assert line.get_ydata()[-1] == pytest.approx(100 * (SCANS - 1) / SCANS)  # who failed never arrives
    assert line.get_xdata()[-1] == pytest.approx(kept[-1])


def test_what_nobody_knows_of_real_scans_is_no_failure_and_no_neutral_face(material: Any) -> None:
    """No true poses; of FRGC v2's scans no expression is known, of Bosphorus' all but neutral are its own."""
    arrays = material.prepared("frgc").arrays
    arrays["pose_error"], arrays["nose_error"] = np.full(SCANS, np.nan), np.full(SCANS, np.nan)
    scores = material.scores("")
    scores["frgc_expression"] = scores["frgc_level"] = np.full(PEOPLE * PROBES, -1)
    scores["bosphorus_expression"] = np.where(np.arange(PEOPLE * PROBES) % 2, 103, 0)
    scores["bosphorus_level"] = np.arange(PEOPLE * PROBES) % 2

    data = probe_data(material, "one", ["frgc", "bosphorus"])

    assert set(data.loc[data["data_set"] == "frgc", "expression"]) == {"not known"}
    assert data.loc[data["data_set"] == "bosphorus", "expression"].tolist()[:2] == ["neutral", "not known"]
    sizes = {name: chosen.sum() for (by, name), chosen in groups_of(data).items() if by == "pose error"}
    assert sizes == {"not prepared": 2, "not known": len(data) - 2}
    table = preparation_table(preparation_data(material, ["frgc"]))
    assert table["failed"].tolist() == [1]
    assert np.isnan(table.loc["FRGC v2", "pose, median"])
    assert len(draw_preparation(preparation_data(material, ["frgc"])).axes[0].lines[0].get_xdata()) == 1
