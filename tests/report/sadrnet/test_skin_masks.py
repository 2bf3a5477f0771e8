"""Figure 5: attention is averaged pixel by pixel over skin, what covers it, and background."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from made_predictions import RAMP, knowing, pictures_in, texts_of, tiny_archive, tiny_evaluator

from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.metrics.bootstrap import mean_interval
from facelib.report.overlay import face_pixels
from facelib.report.sadrnet.predictions import WORN, Evaluator
from facelib.report.sadrnet.skin_masks import (
    RANDOM,
    REGIONS,
    attention_of,
    draw_masks,
    draw_region_means,
    mask_data,
    region_means,
    shown_masks,
    with_shapes,
)


@pytest.fixture(autouse=True)
def closed_figures() -> object:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    return tiny_archive().arrays


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return tiny_evaluator(own=knowing())


@pytest.fixture(scope="module")
def data(evaluator: Evaluator) -> pd.DataFrame:
    return mask_data(evaluator)


def test_one_network_with_attention_is_asked_for(evaluator: Evaluator) -> None:
    rows = np.array([0, 1])

    torch.testing.assert_close(attention_of(evaluator.predict(rows)), RAMP.expand(2, 8, 8))
    for networks in ({"blind": knowing(attention=None)}, {"a": knowing(), "b": knowing()}):
        with pytest.raises(BadInput, match="expected one network that has an attention branch"):
            attention_of(tiny_evaluator(**networks).predict(rows))


def test_means_of_regions_by_counting_pixels(
    evaluator: Evaluator, data: pd.DataFrame, arrays: dict[str, np.ndarray]
) -> None:
    for row in np.flatnonzero(arrays["occluder"]):
        predictions = evaluator.predict(np.array([row]))
        skin = predictions.faces.skin[0].numpy()
        face = face_pixels(predictions.points(), predictions.mapper.triangles, 64)[0].numpy()
        pixels: dict[str, list[tuple[float, float]]] = {name: [] for name in REGIONS}
        for v in range(64):
            for u in range(64):
                name = "visible skin" if skin[v, u] else "covered face" if face[v, u] else "background"
                cell = slice(v // 8 * 8, v // 8 * 8 + 8), slice(u // 8 * 8, u // 8 * 8 + 8)
                pixels[name].append((float(RAMP[v // 8, u // 8]), skin[cell].mean()))
        lines = data[data["row"] == row].set_index("region")
        assert set(lines["before"]) == {list(WORN.values())[arrays["occluder"][row] - 1]}
        for name, values in pixels.items():
            assert lines.loc[name, "pixels"] == len(values)
            assert lines.loc[name, ["attention", "target"]].tolist() == pytest.approx(np.mean(values, axis=0).tolist())


def test_every_photograph_has_something_before_the_face(data: pd.DataFrame, arrays: dict[str, np.ndarray]) -> None:
    assert data["row"].unique().tolist() == list(range(12))
    assert (data.groupby("row")["pixels"].sum() == 64 * 64).all()
    bare = data[data["before"] == RANDOM]
    assert sorted(bare["row"].unique()) == np.flatnonzero(arrays["occluder"] == 0).tolist()
    assert (bare["region"] == "covered face").sum() >= 8  # a shape may miss the face
    assert data["identity"].tolist() == arrays["identity"][data["row"]].tolist()


def test_shapes_lie_over_some_photographs_only() -> None:
    faces = posed_faces(tiny_archive(), np.arange(4))
    changed = with_shapes(faces, [1, 3], seed=3)

    assert (changed.images != faces.images).flatten(1).any(dim=1).tolist() == [False, True, False, True]
    assert (changed.skin <= faces.skin).all()
    assert (changed.skin < faces.skin).flatten(1).any(dim=1).tolist() == [False, True, False, True]
    torch.testing.assert_close(with_shapes(faces, [], seed=3).images, faces.images)
    torch.testing.assert_close(with_shapes(faces, [1, 3], seed=3).images, changed.images)


def test_means_over_photographs_with_intervals_over_people() -> None:
    columns = ["before", "region", "identity", "attention", "target"]
    lines = [
        ("mask", "covered face", 0, 0.1, 0.0),
        ("mask", "covered face", 0, 0.3, 0.2),
        ("mask", "covered face", 1, 0.5, 0.1),
        ("glasses", "background", 0, 0.4, 0.3),
    ]
    glasses, mask = region_means(pd.DataFrame(lines, columns=columns)).to_dict("records")
    known = mean_interval(np.array([0.1, 0.3, 0.5]), np.array([0, 0, 1]), seed=0)

    assert (glasses["before"], glasses["attention"], glasses["photographs"]) == ("glasses", 0.4, 1)
    assert np.isnan(glasses["low"])  # of one person there is no interval
    assert mask["attention"] == pytest.approx(0.3)
    assert mask["target"] == pytest.approx(0.1)
    assert (mask["low"], mask["high"]) == (known.low, known.high)


def test_shown_faces_have_the_median_error_among_frontal_and_among_turned_ones(
    evaluator: Evaluator, arrays: dict[str, np.ndarray]
) -> None:
    errors = np.linspace(0, 1, 12)[::-1] ** 2
    masks = shown_masks(evaluator, errors)
    turned = np.abs(np.rad2deg(arrays["pose"][:, 0])) >= 30

    expected = []
    for kind in (1, 2, 3, 0):
        for side in (False, True):
            group = sorted(np.flatnonzero((arrays["occluder"] == kind) & (turned == side)), key=lambda row: errors[row])
            expected += [group[(len(group) - 1) // 2]] if group else []
    assert masks.predictions.rows.tolist() == expected
    original = posed_faces(tiny_archive(), masks.predictions.rows).images
    changed = (masks.predictions.faces.images != original).flatten(1).any(dim=1).tolist()
    assert changed == [name == RANDOM for name in masks.kinds]


def test_masks_are_drawn_below_their_photographs(evaluator: Evaluator) -> None:
    masks = shown_masks(evaluator, np.zeros(12))
    figure = draw_masks(masks)

    assert pictures_in(figure) == 3 * len(masks.kinds)
    assert {*masks.kinds, "photograph", "visible skin", "predicted mask"} <= set(texts_of(figure))
    predicted = figure.axes[2 * len(masks.kinds)].images[0].get_array()
    assert predicted[-10:, -10:, 0].mean() > predicted[:10, :10, 0].mean()  # the ramp, from dark blue to yellow


def test_drawn_means_are_those_of_the_data(data: pd.DataFrame) -> None:
    means = region_means(data)
    figure = draw_region_means(means)
    points = {line.get_label(): line for line in figure.axes[0].lines}
    skin = means[means["region"] == "visible skin"]

    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == list(dict.fromkeys(means["before"]))
    np.testing.assert_allclose(points["on visible skin"].get_ydata(), skin["attention"])
    assert {f"on {region}" for region in REGIONS} | {"true share of skin"} <= set(texts_of(figure))
