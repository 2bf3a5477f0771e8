"""CMC and ROC of paper 2 agree with counting by hand."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_identification import made_ranks, made_scans

from facelib.errors import BadInput
from facelib.report.normal_components.curves import RANKS, cmc_data, comparisons, draw_curves, roc_data


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_cmc_counts_ranks() -> None:
    ranks = {"merged": np.array([1, 2, 2, 5]), "merged/x": np.array([1, 1, 3, 5]), "merged_identity": np.arange(4)}
    data = cmc_data({"one": ranks}, "merged")
    fused = data[data["view"] == "fused"]
    assert fused["rank"].tolist() == [1, 2, 3, 4]  # as many as people
    assert fused["rate"].tolist() == [0.25, 0.75, 0.75, 0.75]  # a missed one is found at no rank
    assert data[data["view"] == "x"]["rate"].tolist() == [0.5, 0.5, 0.75, 0.75]
    many = cmc_data({"one": {"merged": np.ones(50, int), "merged_identity": np.arange(50)}}, "merged")
    assert len(many) == RANKS


def test_comparisons_by_hand() -> None:
    """Two enrolled, three probes; the last one could not be prepared."""
    square = [[1, 0], [0, 1], [3, 0], [0, 2], [1, 1]]
    scans = made_scans({"x": square, "y": np.flip(square, axis=0)}, [0, 1, 0, 1, 1], enrolled=2, failed=(4,))
    found = {view: (genuine, impostor) for view, genuine, impostor in comparisons(scans)}
    apart = np.sqrt(2)
    assert found["x"][0].tolist() == [0, 0, -np.inf]
    assert found["x"][1].tolist() == pytest.approx([-apart, -apart, -np.inf])
    by_y = {"enrolled": [[1, 1], [0, 2]], "probes": [[3, 0], [0, 1]]}
    unit = {name: np.array(each) / np.linalg.norm(each, axis=1, keepdims=True) for name, each in by_y.items()}
    distance = np.linalg.norm(unit["probes"][:, None] - unit["enrolled"], axis=2)
    assert found["y"][0].tolist() == pytest.approx([-distance[0, 0], -distance[1, 1], -np.inf])
    assert found["fused"][0].tolist() == pytest.approx([-distance[0, 0] / 2, -distance[1, 1] / 2, -np.inf])


def people_around(noise: float) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(1)
    places = np.tile(np.eye(12), (4, 1))
    return {view: places + noise * generator.normal(size=places.shape) for view in ("x", "y", "z")}


def test_roc_of_one_network_is_fused_alone_and_better_features_have_less_error() -> None:
    identity = list(range(12)) * 4
    sharp, blurred = (made_scans(people_around(noise), identity, 12) for noise in (0.1, 0.8))
    data = roc_data({"sharp": sharp, "blurred": blurred})
    errors = data.drop_duplicates(["method", "view"]).set_index(["method", "view"])["eer"]
    assert errors["sharp", "fused"] == 0
    assert errors["blurred", "fused"] < errors["blurred"][["x", "y", "z"]].min()
    alone = made_scans({"xyz": people_around(0.8)["x"]}, identity, 12)
    assert roc_data({"one": alone})["view"].unique().tolist() == ["fused"]
    with pytest.raises(BadInput, match="100"):
        roc_data({"few": made_scans({"x": np.eye(4)}, [0, 1, 0, 1], 2)})


def test_both_rows_are_drawn() -> None:
    identity = list(range(12)) * 4
    seen = {name: made_scans(people_around(0.5), identity, 12) for name in ("one", "two")}
    cmc = cmc_data({name: made_ranks(0.8) for name in seen}, "merged")
    panels = draw_curves(cmc, roc_data(seen), ["one"]).axes
    assert [len(panel.lines) for panel in panels] == [4, 4, 2, 2]
    assert [text.get_text() for text in panels[1].get_legend().get_texts()] == ["fused", "$N_x$", "$N_y$", "$N_z$"]
    assert panels[0].lines[0].get_ydata().max() <= 100
