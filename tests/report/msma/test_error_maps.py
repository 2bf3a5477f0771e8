"""Maps of distances from scans: numbers are those of the scores, people and expressions are chosen by rule."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_predictions import pictures_in, texts_of
from made_readings import mean_faces, tiny_cases, two_photographs

from facelib.data.archive import FaceArchive
from facelib.faces.population import EXPRESSIONS
from facelib.report.msma.error_maps import (
    SHOWN,
    draw_ablation,
    draw_expressions,
    expressions_of,
    map_data,
    scan_maps,
    typical_person,
)

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


def test_the_typical_person_has_the_median_mean_error() -> None:
    scores = {
        "facewarehouse": np.array([1.0, 3, 5, 5, 9, 1]),
        "facewarehouse_identity": np.array([4, 4, 7, 7, 8, 8]),
    }
    assert typical_person(scores) == 7
    assert typical_person(scores | {"facewarehouse": np.array([1.0, 3, 5, 5, 3, 3])}) == 8


def test_expressions_of_a_person_by_their_names() -> None:
    number = [list(EXPRESSIONS).index(name) for name in SHOWN]
    arrays = {"identity": np.array([1] * 5 + [2] * 5), "expression": np.array(number + number[::-1])}
    found = expressions_of(FaceArchive("made", "0", arrays), 2)
    assert found == {name.replace("_", " "): 9 - place for place, name in enumerate(SHOWN)}


def test_maps_are_of_the_scans_of_the_photographs() -> None:
    shown = two_photographs()
    read = {"mean": list(mean_faces()), "right": shown.true}
    maps = scan_maps(shown, read, tiny_cases())
    right, mean = (np.nanmean(maps[label][0]) for label in ("right", "mean"))
    assert right < 0.4 < mean  # mm; the scan's points lie apart
    errors = {"mean": np.array([1.25, 2.5]), "right": np.array([0.1, 0.2])}
    data = map_data(shown, maps, errors)
    assert data["rms"].tolist() == [1.25, 2.5, 0.1, 0.2]
    assert data["median"][0] == pytest.approx(np.nanmedian(maps["mean"][0]))

    figure = draw_expressions(shown, read, maps, errors)
    assert pictures_in(figure) == 2 * 3
    assert {"1.25 mm", "2.50 mm", "mean", "distance from the scan (mm)"} <= set(texts_of(figure))
    own = {"mean": read["mean"]}
    assert pictures_in(draw_ablation(shown, own, {"mean": maps["mean"]}, errors)) == 2 * 2 * 2
