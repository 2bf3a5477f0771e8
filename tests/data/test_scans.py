"""What scanners see of heads (a scan's noise, reach and size are tested with the Florence counterpart)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.conventions import NOSE_TIP
from facelib.data.embedded import FaceWarehouseSettings
from facelib.data.embedded.scans import IN_MOUTH, own_scans, scan_of, scans_of
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import expression_coefficients

SETTINGS = FaceWarehouseSettings(points=4000)


@pytest.fixture(scope="module")
def fine(face_model: MorphableModel) -> MorphableModel:
    return load_face_model("fine")


@pytest.fixture(scope="module")
def wide_open(fine: MorphableModel) -> torch.Tensor:
    return fine.vertices(torch.zeros(1, 1), expression_coefficients(fine, ["mouth_stretch"]))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def in_mouth(model: MorphableModel, head: torch.Tensor, scan: torch.Tensor) -> int:
    """Points between the lips and well behind them."""
    lips = head[0, model.landmarks[60:68]]
    low, high = lips.amin(dim=0), lips.amax(dim=0)
    between = ((scan > low) & (scan < high))[:, :2].all(dim=1)
    return int((between & (scan[:, 2] < lips[[2, 6], 2].amin() - 6)).sum())


def test_the_inside_of_an_open_mouth_can_be_left_out(fine: MorphableModel, wide_open: torch.Tensor) -> None:
    whole = scan_of(fine, wide_open, SETTINGS, generator())
    without = scan_of(fine, wide_open, SETTINGS, generator(), without=IN_MOUTH)
    assert in_mouth(fine, wide_open, whole) > 20
    assert in_mouth(fine, wide_open, without) == 0
    assert without.shape == whole.shape == (4000, 3)


def test_a_scan_without_noise_is_cut_at_its_reach(fine: MorphableModel, wide_open: torch.Tensor) -> None:
    scan = scan_of(fine, wide_open, SETTINGS, generator(), without=IN_MOUTH)
    from_tip = (scan - wide_open[0, fine.landmarks[NOSE_TIP]]).norm(dim=1)
    assert float(from_tip.max()) < SETTINGS.reach
    assert float(from_tip.max()) > 0.95 * SETTINGS.reach


def test_photographs_have_scans_of_their_own_heads(fine: MorphableModel) -> None:
    names = ["neutral", "mouth_stretch"]
    shape, action = torch.zeros(2, 4), expression_coefficients(fine, names)
    shape[:, 0] = 1.5
    photographs = {"shape": shape.numpy(), "action": action.numpy()}
    found = own_scans(fine, photographs, 40, SETTINGS, generator())
    expected = scans_of(fine, fine.vertices(shape, action), SETTINGS, generator(), without=IN_MOUTH)
    assert found["scan"].tolist() == [40, 41]
    assert found["scan"].dtype == np.int32
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    opened = found["scan_landmarks"][:, 62, 1] - found["scan_landmarks"][:, 66, 1]
    assert opened[1] > opened[0] + 15  # mm
