"""Faces cropped to five points as ArcFace's networks see them: turned, scaled and shifted to a template, bilinearly.

Deng et al., CVPR 2019 (ArcFace): middles of the eyes, tip of the nose and corners of the mouth lie best, by least
squares, on fixed places of 112 x 112 pixels. The base method of paper 5 crops photograph and rendering so before both
are embedded. Where a pixel lies is no matter of the loss: gradients go to the pixels' colours, not to the places.
"""

from __future__ import annotations

import torch

from facelib.data.landmarked_faces import five_points
from facelib.errors import DegenerateInput, check_shape

SIZE = 112  # pixels a side of a crop
# The published template, which counts from the middle of the first pixel: eyes, tip of the nose, corners of the mouth.
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
CENTRE = 0.5  # of the first pixel, in our pixels


def five_point_crops(images: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
    """The faces as ArcFace's networks see them.

    The gradient to the images is the same on every run, on a GPU too, where torch's own of such a sampling is not.

    Args:
        images: (B, 3, S, S) RGB; beyond the border they are 0, as published.
        landmarks: (B, 68, 2) pixels.

    Returns:
        (B, 3, 112, 112).

    Raises:
        BadInput: on another shape.
        DegenerateInput: where all five points of a face lie in one place.
    """
    check_shape("images", images, (None, 3, None, None))
    with torch.no_grad():
        pixels = torch.arange(SIZE, dtype=torch.float32, device=images.device) + 0.5
        rows, columns = torch.meshgrid(pixels, pixels, indexing="ij")
        places = _in_image(torch.complex(columns, rows), five_points(landmarks))
    return _sampled(images, places)


def _in_image(template: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Places of the template (112, 112), column + i row, in images whose five points are (B, 5, 2): (B, 112, 112).

    Column + i row of an image times one complex number, which turns and scales, plus another is its place in the
    template; both are those of least squares.
    """
    target = torch.view_as_complex(template.real.new_tensor(TEMPLATE) + CENTRE)
    found = torch.view_as_complex(points.contiguous())
    middle, target_middle = found.mean(dim=1, keepdim=True), target.mean()
    around = found - middle
    spread = around.abs().square().sum(dim=1, keepdim=True)
    turn = (around.conj() * (target - target_middle)).sum(dim=1, keepdim=True) / spread
    if not (turn.abs().isfinite() & (turn.abs() > 0)).all():
        raise DegenerateInput("landmarks have their eyes, nose and mouth in one place: no crop fits them")
    return (template - target_middle) / turn[..., None] + middle[..., None]


def _sampled(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Colours (B, 3, T, T) between pixels at places (B, T, T), column + i row in pixels; 0 beyond the border.

    By one look-up in a list of all pixels, whose gradient torch adds up in a fixed order.
    """
    count, _, height, width = images.shape
    colours = images.permute(0, 2, 3, 1).reshape(-1, 3)
    first = height * width * torch.arange(count, device=images.device)[:, None, None]
    column, row = places.real - 0.5, places.imag - 0.5
    left, top = column.floor(), row.floor()
    found = torch.zeros(())
    for right in (0, 1):
        for down in (0, 1):
            x, y = left + right, top + down
            share = (1 - (column - x).abs()) * (1 - (row - y).abs())
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            index = first + (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).long()
            found = found + colours[index] * (share * inside)[..., None]
    return found.permute(0, 3, 1, 2)
