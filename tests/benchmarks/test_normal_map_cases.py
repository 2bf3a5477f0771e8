from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.benchmarks import normal_maps
from facelib.benchmarks.normal_maps import CASES, FROM_SVD, angles, ours, range_image, same_normals
from facelib.geometry.normal_components import normal_components


def tilted(normals: np.ndarray, degrees: float) -> np.ndarray:
    """Each normal turned about the y axis."""
    x, y, z = normals.astype(np.float64)
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return np.stack((cosine * x + sine * z, y, cosine * z - sine * x))


def test_the_surface_has_square_cells_and_moderate_slopes():
    image = range_image(40, 60)[0]
    assert image.isfinite().all()
    assert float(image[0, 0, 1] - image[0, 0, 0]) == pytest.approx(160 / 60, abs=1e-4)
    assert float(image[1, 0, 0] - image[1, 1, 0]) == pytest.approx(160 / 60, abs=1e-4)
    assert ours(range_image(160, 160)).normals[2].min() > 0.4


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_peers_give_our_answers(case):
    """On a smaller image than the row's."""
    try:
        peer = case.load_peer()
    except (ImportError, OSError) as error:
        pytest.skip(f"the peer cannot be imported: {error}")
    image = range_image(96, 120)
    assert case.agree(case.ours(image), peer(image))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_agreement_refuses_wrong_answers_of_either_side(case):
    image = range_image(96, 120)
    found = ours(image)
    right = normal_maps.usual_eigh(image)
    assert case.agree(found, right)
    assert case.agree(found, -right)  # the peers leave the sign open
    wrong_window = normal_components(image, window=7)[0][0].numpy()
    for theirs in (tilted(right, 2.0), np.roll(right, 1, axis=2), right[[1, 0, 2]], np.zeros_like(right)):
        assert not case.agree(found, theirs)
    for mine in (tilted(found.normals, 2 * FROM_SVD), wrong_window, found.normals * 0):
        assert not case.agree(found._replace(normals=mine), right)


def test_one_wrong_window_is_found():
    found = ours(range_image(60, 60))
    right = normal_maps.usual_eigh(range_image(60, 60))
    normals = found.normals.copy()
    normals[:, 30, 30] = tilted(normals[:, 30:31, 30], 0.1)[:, 0]
    assert not same_normals(found._replace(normals=normals), right, mean_degrees=0.05)


def test_angles_by_hand():
    x, y, z = np.eye(3)
    first = np.stack((x, x, x, x), axis=1)
    second = np.stack((x, -x, y, (x + z) / np.sqrt(2)), axis=1)
    assert angles(first, second).tolist() == pytest.approx([0, 0, 90, 45])
    assert np.isnan(angles(first, 0 * second)).all()


def test_every_case_makes_the_size_that_it_names():
    shapes = {case.name: case.prepare(case.n).shape for case in CASES}
    assert shapes == {
        "normal-components-160": torch.Size([1, 3, 160, 160]),
        "normal-components-640": torch.Size([1, 3, 480, 640]),
        "normal-components-eigh": torch.Size([1, 3, 160, 160]),
    }
    (growing,) = (case for case in CASES if case.growth)
    assert [growing.prepare(n)[0, 0].numel() for n in growing.growth] == list(growing.growth)
    assert [n // growing.growth[0] for n in growing.growth] == [1, 4, 16]
