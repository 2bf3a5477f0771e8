"""ArcFace's crops against a similarity of scikit-image, torch's own sampling, and gradients that are counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.transform import SimilarityTransform
from torch.nn import functional

from facelib.conventions import LANDMARK_COUNT
from facelib.data.five_point_crop import CENTRE, SIZE, TEMPLATE, five_point_crops
from facelib.data.landmarked_faces import five_points
from facelib.errors import BadInput, DegenerateInput

SIDE = 90  # pixels of the images


def faces(count: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images, and landmarks of faces that are turned and lie anywhere, some of them half outside."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(count, LANDMARK_COUNT, 2, generator=generator) * 3 + 45
    points[:, 36:42] += torch.tensor([-15.0, -18.0])
    points[:, 42:48] += torch.tensor([20.0, -9.0])
    points[:, 48:60] += torch.tensor([-6.0, 22.0])
    points[:, 54] += torch.tensor([18.0, 6.0])
    return torch.rand(count, 3, SIDE, SIDE, generator=generator), points


def reference(images: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
    """By scikit-image's similarity, of places that count from the middle of the first pixel, and `grid_sample`."""
    crops = []
    for image, five in zip(images, five_points(landmarks), strict=True):
        fit = SimilarityTransform.from_estimate(five.double().numpy() - 0.5, np.array(TEMPLATE))
        columns, rows = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
        places = fit.inverse(np.column_stack((columns.ravel(), rows.ravel())))
        grid = torch.from_numpy(2 * (places + 0.5) / SIDE - 1).float().view(1, SIZE, SIZE, 2)
        crops.append(functional.grid_sample(image[None], grid, align_corners=False)[0])
    return torch.stack(crops)


def test_crops_and_their_gradients_are_those_of_the_reference() -> None:
    images, landmarks = faces()
    mine, other = (images.clone().requires_grad_() for _ in range(2))
    weights = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3))

    found, expected = five_point_crops(mine, landmarks), reference(other, landmarks)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()

    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)
    torch.testing.assert_close(mine.grad, other.grad, atol=2e-3, rtol=0)


def test_a_face_on_the_template_is_taken_as_it_is() -> None:
    points = torch.zeros(1, LANDMARK_COUNT, 2)
    template = torch.tensor(TEMPLATE) + CENTRE
    points[:, 36:42], points[:, 42:48] = template[0], template[1]
    points[:, 30], points[:, 48], points[:, 54] = template[2], template[3], template[4]
    image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(five_point_crops(image, points), image, atol=1e-4, rtol=0)


def test_places_take_no_gradient() -> None:
    images, landmarks = faces()
    landmarks.requires_grad_()
    assert not five_point_crops(images, landmarks).requires_grad


def test_what_is_no_face_is_refused() -> None:
    images, landmarks = faces()
    with pytest.raises(DegenerateInput, match="eyes, nose and mouth in one place"):
        five_point_crops(images, torch.ones_like(landmarks))
    with pytest.raises(BadInput, match="images"):
        five_point_crops(images[:, :2], landmarks)
