"""The pose of a known shape from the places of its points in an image: a scaled orthographic fit."""

from __future__ import annotations

import torch

from facelib.errors import BadInput, DegenerateInput, check_finite, check_shape
from facelib.geometry.alignment import Similarity, similarity_transform

LEAST_POINTS = 4
TURNS = 50
FLAT = 1e-4  # least over largest extent of points that lie in a plane


def orthographic_fit(points: torch.Tensor, image: torch.Tensor) -> Similarity:
    """The scaled rotation and shift that lay points best on their places in an image, seen without perspective.

    First comes the nearest scaled rotation to the best affine map (POS of DeMenthon and Davis, IJCV 1995). Then depths
    are taken as the pose has them, and the pose as the depths have it, by turns, which lessens the squared distances
    until they are least.

    Args:
        points: (B, N, 3) mm, at least four, not all in one plane.
        image: (B, N, 2) column and row of each, pixels.

    Returns:
        From mm to column, row and depth in pixels, depth growing away from the viewer and 0 in the points' middle.

    Raises:
        BadInput: on wrong shapes, too few points, or values that are not finite.
        DegenerateInput: when points lie in a plane, or their places on a line.
    """
    check_shape("points", points, (None, None, 3))
    check_shape("image", image, (*points.shape[:2], 2))
    check_finite("points", points)
    check_finite("image", image)
    if points.shape[1] < LEAST_POINTS:
        raise BadInput(f"{points.shape[1]} points: expected at least {LEAST_POINTS}")
    shape, places = points.double(), image.double()
    middle, centre = shape.mean(dim=1, keepdim=True), places.mean(dim=1, keepdim=True)
    extent = torch.linalg.svdvals(shape - middle)
    if (extent[:, 2] <= FLAT * extent[:, 0]).any():
        raise DegenerateInput("the points of a shape lie in a plane: expected a solid one, such as a face's landmarks")
    affine = torch.linalg.lstsq(shape - middle, places - centre).solution.mT  # (B, 2, 3)
    left, sizes, right = torch.linalg.svd(affine, full_matrices=False)
    if (sizes[:, 1] <= FLAT * sizes[:, 0]).any():
        raise DegenerateInput("the places in an image lie on a line or in one point: no pose makes them")
    rows = left @ right
    rotation = torch.cat((rows, torch.linalg.cross(rows[:, :1], rows[:, 1:])), dim=1)
    scale = sizes.mean(dim=1)
    centre = torch.cat((centre[:, 0], torch.zeros_like(centre[:, 0, :1])), dim=1)
    shift = centre - scale[:, None] * (middle @ rotation.mT)[:, 0]
    found = Similarity(scale, rotation, shift)
    for _ in range(TURNS):
        found = similarity_transform(shape, torch.cat((places, found.apply(shape)[..., 2:]), dim=2))
    return Similarity(found.scale.to(points), found.rotation.to(points), found.translation.to(points))
