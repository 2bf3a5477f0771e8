from __future__ import annotations

import pytest
import torch

from facelib.data.landmarked_faces import LandmarkedFaces, aligned, five_points, standard_place
from facelib.errors import BadInput, DegenerateInput

SIZE = 32


def standard() -> torch.Tensor:
    """Landmarks in any places but those that five points are made of."""
    points = 8 + 16 * torch.rand(68, 2, generator=torch.Generator().manual_seed(0))
    points[36:42], points[42:48] = torch.tensor([10.0, 12.0]), torch.tensor([22.0, 12.0])
    points[30], points[48], points[54] = torch.tensor([[16.0, 18.0], [12.0, 23.0], [20.0, 23.0]])
    return points


def test_five_points_by_hand() -> None:
    expected = torch.tensor([[10.0, 12], [22, 12], [16, 18], [12, 23], [20, 23]])
    torch.testing.assert_close(five_points(standard()[None])[0], expected)


def test_a_scaled_and_shifted_face_comes_back() -> None:
    """A picture of places, seen 1.25 times as large and to the side."""
    place = torch.tensor([3.0, -2.0])
    landmarks = 1.25 * standard() + place
    pixels = torch.arange(SIZE) + 0.5
    rows, columns = torch.meshgrid(pixels, pixels, indexing="ij")
    images = torch.stack((columns, rows, torch.zeros(SIZE, SIZE)))[None] / 64
    skin = torch.ones(1, SIZE, SIZE)
    scale, shift = standard_place(landmarks[None], standard())
    torch.testing.assert_close(scale, torch.tensor([1.25]))
    torch.testing.assert_close(shift, place[None])
    found = aligned(LandmarkedFaces(images, landmarks[None], skin), standard())

    torch.testing.assert_close(found.landmarks[0], standard())
    shown = (1.25 * torch.stack((columns, rows)) + place[:, None, None]) / 64
    inside = ((shown * 64 > 0.5) & (shown * 64 < SIZE - 0.5)).all(dim=0)
    torch.testing.assert_close(found.images[0, :2, inside], shown[:, inside], atol=1e-5, rtol=0)
    beyond = ((shown * 64 < -0.5) | (shown * 64 > SIZE + 0.5)).any(dim=0)
    assert inside.any()
    assert beyond.any()
    assert (found.skin[0, inside] == 1).all()
    assert (found.skin[0, beyond] == 0).all()


def test_a_turned_face_stays_turned() -> None:
    cos, sin = 0.8, 0.6
    turned = (standard() - 16) @ torch.tensor([[cos, sin], [-sin, cos]]) + 16
    scale, _ = standard_place(turned[None], standard())
    assert scale.item() == pytest.approx(cos, abs=1e-5)  # least squares without a turn


def test_bad_input() -> None:
    with pytest.raises(DegenerateInput, match="landmarks of face 1"):
        standard_place(torch.stack((standard(), torch.zeros(68, 2))), standard())
    with pytest.raises(BadInput, match="landmarks has shape"):
        standard_place(torch.zeros(1, 51, 2), standard())
