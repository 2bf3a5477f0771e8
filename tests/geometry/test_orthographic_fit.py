"""A pose is found again from where it puts points; nothing else is laid nearer to noisy places."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from facelib.errors import BadInput, DegenerateInput
from facelib.geometry.orthographic_fit import orthographic_fit

GENERATOR = np.random.default_rng(3)
POINTS = torch.from_numpy(GENERATOR.normal(size=(2, 20, 3)) * (60, 80, 40))
ROTATIONS = torch.from_numpy(Rotation.random(2, random_state=1).as_matrix())
SCALES, SHIFTS = torch.tensor([0.3, 2.0]), torch.tensor([[30.0, 50.0], [-4.0, 8.0]])
PLACES = SCALES[:, None, None] * (POINTS @ ROTATIONS.mT)[..., :2] + SHIFTS[:, None]


def test_the_pose_that_made_the_places_is_found() -> None:
    found = orthographic_fit(POINTS, PLACES)

    torch.testing.assert_close(found.scale, SCALES.double())
    torch.testing.assert_close(found.rotation, ROTATIONS)
    laid = found.apply(POINTS)
    torch.testing.assert_close(laid[..., :2], PLACES)
    torch.testing.assert_close(laid[..., 2].mean(dim=1), torch.zeros(2).double(), atol=1e-9, rtol=0)


def test_noisy_places_are_fitted_as_well_as_by_a_slow_search() -> None:
    points, places = POINTS[0].numpy(), PLACES[0].numpy() + GENERATOR.normal(size=(20, 2))

    def off(values: np.ndarray) -> np.ndarray:
        turned = points @ Rotation.from_rotvec(values[:3]).as_matrix().T
        return (values[3] * turned[:, :2] + values[4:] - places).ravel()

    start = np.concatenate((Rotation.from_matrix(ROTATIONS[0].numpy()).as_rotvec(), [0.3], SHIFTS[0].numpy()))
    best = np.square(least_squares(off, start).fun).sum()
    laid = orthographic_fit(POINTS[:1], torch.from_numpy(places)[None]).apply(POINTS[:1])[0, :, :2]

    assert np.square(laid.numpy() - places).sum() == pytest.approx(best, rel=1e-3)


def test_a_face_is_never_mirrored() -> None:
    mirrored = orthographic_fit(POINTS, PLACES * torch.tensor([-1.0, 1.0]))

    torch.testing.assert_close(torch.linalg.det(mirrored.rotation), torch.ones(2).double())


def test_bad_points_are_told() -> None:
    with pytest.raises(BadInput, match="3 points: expected at least 4"):
        orthographic_fit(POINTS[:, :3], PLACES[:, :3])
    with pytest.raises(BadInput, match="image"):
        orthographic_fit(POINTS, PLACES[:1])
    with pytest.raises(BadInput, match="image"):
        orthographic_fit(POINTS, PLACES.where(PLACES[0, 0, 0] != PLACES, torch.nan))
    with pytest.raises(DegenerateInput, match="plane"):
        orthographic_fit(POINTS * torch.tensor([1.0, 1.0, 0.0]), PLACES)
    with pytest.raises(DegenerateInput, match="line"):
        orthographic_fit(POINTS, PLACES * torch.tensor([1.0, 0.0]))
