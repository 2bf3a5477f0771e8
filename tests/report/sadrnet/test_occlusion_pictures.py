"""Figure 10: errors where a face is covered are those of the texels there; differences are paired."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from made_predictions import knowing, pictures_in, shaken, texts_of, tiny_archive, tiny_evaluator

from facelib.errors import BadInput
from facelib.metrics.landmark_error import nme
from facelib.papers.sadrnet.reconstruction import seen_points
from facelib.report.sadrnet.occlusion_pictures import (
    covered_differences,
    covered_errors,
    covered_squares,
    draw_under_occlusion,
    texels_towards_camera,
    typical_differences,
)
from facelib.report.sadrnet.predictions import Predictions


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def worn() -> np.ndarray:
    """Rows of the four photographs on which something is worn."""
    return np.flatnonzero(tiny_archive().arrays["occluder"])


def read_rows(rows: np.ndarray) -> Predictions:
    return tiny_evaluator(one=knowing(shaken(0.5)), two=knowing(shaken(1.0, seed=1))).predict(rows)


def test_typical_differences_are_medians_over_what_is_worn() -> None:
    first = {
        "rows": np.array([3, 4, 5, 6, 7]),
        "yaw": np.zeros(5),
        "occluder": np.array([0, 3, 3, 3, 2]),
        "sparse_2d": np.array([0.1, 0.5, 0.1, 0.3, 0.4]),
    }
    second = first | {"sparse_2d": np.array([0.2, 0.4, 0.5, 0.4, 0.1])}  # of masks -0.1, 0.4, 0.1

    assert typical_differences([first, second]) == {"sunglasses": 7, "mask": 6}
    with pytest.raises(BadInput, match="evaluated on different photographs"):
        typical_differences([first, second | {"rows": np.arange(5)}])


def test_texels_are_told_apart_by_the_pixel_they_lie_in(worn: np.ndarray) -> None:
    predictions = read_rows(worn)
    seen, hidden = texels_towards_camera(predictions)

    assert hidden.any(dim=1).all()
    for number, face in enumerate(predictions.points()):
        towards = seen_points(face, predictions.mapper.triangles, 64)
        for texel in range(0, len(face), 7):
            u, v = (int(np.floor(face[texel, axis])) for axis in (0, 1))
            evaluated = bool(towards[texel] and predictions.evaluated[texel] and 0 <= u < 64 and 0 <= v < 64)
            skin = evaluated and bool(predictions.faces.skin[number, v, u])
            assert bool(seen[number, texel]) == skin
            assert bool(hidden[number, texel]) == (evaluated and not skin)


def test_covered_errors_are_means_over_the_covered_texels(worn: np.ndarray) -> None:
    evaluator = tiny_evaluator(one=knowing(shaken(0.5)), two=knowing(shaken(1.0, seed=1)))
    data, predictions = covered_errors(evaluator), evaluator.predict(worn)
    hidden = texels_towards_camera(predictions)[1]

    assert len(data) == 2 * len(worn)
    assert set(data["worn"]) == {"glasses", "sunglasses", "mask"}
    for label in ("one", "two"):
        own = data[data["method"] == label]
        assert own["row"].tolist() == worn.tolist()
        assert own["identity"].tolist() == tiny_archive().arrays["identity"][worn].tolist()
        errors = predictions.dense_errors(label)
        for number, line in enumerate(own.itertuples()):
            # Of one texel: the distance after both faces lost their mean depth, over the size of the true face.
            texel = int(hidden[number].nonzero()[0])
            found, true = (
                points[number] - torch.tensor([0, 0, 1]) * points[number, predictions.evaluated, 2].mean()
                for points in (predictions.points(label), predictions.points())
            )
            assert float(errors[number, texel]) == pytest.approx(
                float((found - true)[texel].norm() / predictions.face_sizes()[number]), rel=1e-4
            )
            assert line.covered == pytest.approx(float(errors[number][hidden[number]].mean()))
    both = data.groupby("method")[["covered", "seen"]].mean()
    assert (both.loc["two"] > 1.5 * both.loc["one"]).all()
    assert covered_errors(evaluator, most=2)["row"].unique().tolist() == [worn[0], worn[-1]]


def test_covered_errors_weigh_up_to_the_dense_error(worn: np.ndarray) -> None:
    """Over covered, seen and averted texels together the error is the NME that tables have."""
    predictions = read_rows(worn)
    evaluated = predictions.evaluated
    found, true = (points[:, evaluated].numpy() for points in (predictions.points("one"), predictions.points()))
    expected = nme(found, true, normaliser="box", points="all", subtract_mean_depth=True)

    np.testing.assert_allclose(predictions.dense_errors("one")[:, evaluated].mean(dim=1), expected, rtol=1e-5)


def test_differences_are_paired_by_photograph() -> None:
    known = {"identity": [1, 1, 2], "worn": "mask"}
    own = {"row": [5, 6, 9], "method": "own", "covered": [0.1, 0.2, 0.3], "seen": [0.1, 0.1, 0.1]}
    other = {"row": [9, 5, 6], "method": "other", "covered": [0.4, 0.3, 0.5], "seen": [0.2, 0.2, 0.2]}
    data = pd.concat([pd.DataFrame(known | own), pd.DataFrame(known | other)])
    covered, seen = covered_differences(data).itertuples()

    assert (covered.method, covered.part, covered.photographs) == ("other", "covered", 3)
    assert (covered.first, covered.other) == pytest.approx((0.2, 0.4))
    assert covered.difference == pytest.approx(0.2)
    # A draw holds only person 1 (mean of 0.2 and 0.3), only person 2 (0.1), or both.
    assert (covered.low, covered.high) == pytest.approx((0.1, 0.25))
    assert (seen.difference, seen.low, seen.high) == pytest.approx((0.1, 0.1, 0.1))


def test_squares_lie_around_what_is_covered() -> None:
    frontal = np.abs(tiny_archive().arrays["pose"]).max(axis=1).argmin()
    predictions = read_rows(np.array([frontal, frontal]))
    skin = torch.ones_like(predictions.faces.skin)
    skin[1, 30:38, 25:45] = 0  # on the face
    whole, zoomed = covered_squares(replace(predictions, faces=replace(predictions.faces, skin=skin)))

    assert whole == (0, 0, 64)
    # 0.35 of the image, as nine tenths of 20 columns, a quarter more, are less; its middle is that of the patch.
    assert zoomed == pytest.approx((35 - 11.2, 34 - 11.2, 22.4))


def test_squares_stay_inside_the_image(worn: np.ndarray) -> None:
    for left, top, side in covered_squares(read_rows(worn)):
        assert 0 <= left <= 64 - side
        assert 0 <= top <= 64 - side
        assert 22.4 <= side <= 64


def test_every_network_shows_landmarks_a_detail_and_errors(worn: np.ndarray) -> None:
    predictions = read_rows(worn[:2])
    figure = draw_under_occlusion(["x", "y"], predictions)
    texts = texts_of(figure)

    assert pictures_in(figure) == 2 * (1 + 3 * 2)
    assert {"one", "two", "enlarged", "error", "distance to the truth in 3D (% of the face)"} <= set(texts)
    noted = predictions.scores["two"]
    assert {f"{100 * error:.2f}" for error in (*noted["sparse_2d"], *noted["dense_3d"])} <= set(texts)
    left, top, side = covered_squares(predictions)[1]
    detail = figure.axes[7 + 2]
    scale = round(192 * 64 / side) / 64
    np.testing.assert_allclose(detail.get_xlim(), np.array([left, left + side]) * scale - 0.5)
    np.testing.assert_allclose(detail.get_ylim(), np.array([top + side, top]) * scale - 0.5)
    with pytest.raises(BadInput, match="3 titles for 2 photographs"):
        draw_under_occlusion(["x", "y", "z"], predictions)
