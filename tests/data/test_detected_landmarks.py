from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facelib.conventions import MIRRORED_LANDMARKS
from facelib.data.detected_landmarks import (
    DetectorErrors,
    box_root,
    detected,
    read_errors,
    roll_axes,
    write_errors,
)
from facelib.detector_measurement import fitted_errors
from facelib.errors import BadInput, CorruptFile


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def faces(count: int) -> torch.Tensor:
    """Landmarks in a box of 40 by 90 pixels, whose root is 60."""
    landmarks = torch.rand(count, 68, 2, generator=generator(1)) * torch.tensor([40.0, 90.0])
    landmarks[:, 0], landmarks[:, 1] = torch.zeros(2), torch.tensor([40.0, 90.0])
    return landmarks


def made_errors() -> DetectorErrors:
    """A nose tip 5 % too low, chins that follow the yaw, and mouths that shift as one, twice as far at a radian."""
    bias, spread = torch.zeros(4, 68, 2), torch.zeros(1, 68, 2)
    bias[0, 30, 1], bias[1, 8, 0], spread[0, 48:, 0] = 0.05, 0.1, 0.02
    return DetectorErrors(bias, spread, torch.tensor([1.0, 1.0]))


def test_errors_by_hand() -> None:
    landmarks, yaw = faces(2000), torch.full((2000,), 0.5)
    off = detected(landmarks, yaw, torch.zeros(2000), generator(), made_errors()) - landmarks

    torch.testing.assert_close(off[:, 30], torch.tensor([0.0, 0.05 * 60]).expand(2000, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(off[:, 8], torch.tensor([0.1 * 0.5 * 60, 0.0]).expand(2000, 2), atol=1e-4, rtol=0)
    assert not off[:, 20].any()
    assert off[:, 48, 0].std().item() == pytest.approx(0.02 * 1.5 * 60, rel=0.05)
    torch.testing.assert_close(off[:, 48], off[:, 67])


def test_errors_turn_with_the_head() -> None:
    """Tilted by 90 degrees towards its right shoulder, on the left of the image, a face has its chin on the right."""
    right = torch.full((1,), torch.pi / 2)
    axes = roll_axes(right)[0]
    torch.testing.assert_close(axes, torch.tensor([[0.0, -1.0], [1.0, 0.0]]), atol=1e-6, rtol=0)
    off = detected(faces(1), torch.zeros(1), right, generator(), made_errors()) - faces(1)
    torch.testing.assert_close(off[0, 30], torch.tensor([3.0, 0.0]), atol=1e-4, rtol=0)


def test_what_is_fitted_is_what_was_drawn() -> None:
    """From errors of a known kind, and their mirror images, the same kind comes back."""
    count, draw = 4000, generator(3)
    true = faces(count)
    yaw, roll = torch.rand(count, generator=draw) * 1.6 - 0.8, torch.rand(count, generator=draw) * 0.6 - 0.3
    known = made_errors()
    found = fitted_errors(true, detected(true, yaw, roll, draw, known), yaw, roll, components=4)

    torch.testing.assert_close(found.bias, known.bias, atol=4e-3, rtol=0)
    # A shift of the mouth is the same one way and the other; the strongest direction holds all of it.
    assert found.spread[0].norm().item() == pytest.approx(known.spread[0].norm().item() * 1.4, rel=0.1)
    assert found.spread[1:].norm().item() < 0.05 * found.spread[0].norm().item()
    assert (found.growth[1] / found.growth[0]).item() == pytest.approx(1.0, rel=0.15)


def test_a_mirror_image_twice_is_the_face() -> None:
    order = torch.tensor(MIRRORED_LANDMARKS)
    assert order[order].tolist() == list(range(68))
    assert (order[36], order[0], order[48], order[30]) == (45, 16, 54, 30)


def test_the_measured_detector_is_as_good_as_one_on_photographs() -> None:
    """About 3 % of the box's root for frontal faces, more to the sides; the same errors for the same seed."""
    errors, landmarks = read_errors(), faces(400)
    means = []
    for degrees in (0.0, 30.0, 60.0):
        yaw = torch.deg2rad(torch.full((400,), degrees))
        found = detected(landmarks, yaw, torch.zeros(400), generator(), errors)
        torch.testing.assert_close(found, detected(landmarks, yaw, torch.zeros(400), generator(), errors))
        means.append(float((found - landmarks).norm(dim=2).mean() / box_root(landmarks).mean()))
    assert 0.015 < means[0] < 0.045
    assert means[0] < means[1] < means[2] < 0.15


def test_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="yaw has shape"):
        detected(faces(2), torch.zeros(3), torch.zeros(2), generator(), made_errors())
    path = tmp_path / "errors.safetensors"
    write_errors(made_errors(), path)
    torch.testing.assert_close(read_errors.__wrapped__(path).spread, made_errors().spread)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(CorruptFile):
        read_errors.__wrapped__(path)
