"""One photograph in, one face out: what a trained network of this paper reads off a face's crop.

A network that draws only a position map has no shape of its own and no pose: its face is turned back by aligning its
landmarks with those of the mean face, which also gives the size in mm.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.photographs import SMALLEST, FaceBox, FaceCrop, Photograph, crops_around
from facelib.errors import check_finite
from facelib.faces.coloured_mesh import coloured_mesh
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import Similarity, similarity_transform
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import matrix_to_euler
from facelib.geometry.visibility import visible_in_depth
from facelib.models.sadrnet import FaceMaps

if TYPE_CHECKING:
    import trimesh

BEHIND = 0.02  # sides of the crop that a point may lie behind the nearest surface and still be seen
LOOKS = 12  # crops of which the mean is taken
NEAR, LARGER = 0.16, 1.17  # as FAR and MUCH_LARGER, two deviations of the crops of training: such a box was good enough
FAR, MUCH_LARGER = 0.5, 2.0  # shift in sides of the box, and factor on its side: such landmarks are not of its face
SHARP = 0.6  # pixels of the photograph for one that the network sees, below which it sees hardly more than a blur

_log = logging.getLogger(__name__)


class FaceDrawer(Protocol):
    """What reads faces off crops.

    Attributes:
        draws: images (B, 3, S, S) -> FaceMaps, in eval mode.
        image_size: S.
        model: the face model whose maps these are.
    """

    @property
    def draws(self) -> nn.Module: ...

    @property
    def image_size(self) -> int: ...

    @property
    def model(self) -> MorphableModel: ...


@dataclass(frozen=True)
class Reconstruction:
    """A face read off a photograph; its N points are the texels of the face's layout.

    Args:
        points: G, (N, 3) column, row and depth in pixels of the photograph, depth growing away from the viewer.
        vertices: (N, 3) mm in the face frame: x to the subject's left, y up, z out of the face.
        own_shape: whether the network gave the vertices; else they are the points, turned back.
        triangles: (T, 3) between the points, counter-clockwise seen from outside.
        landmarks: (68, 3) as the points, in the order of iBUG.
        pose: from the face frame (mm) to the photograph (pixels), one similarity without batch.
        attention: A, (h, w) in [0, 1] over the crop; None without the branch.
        colours: (N, 3) RGB in [0, 1] of the photograph, NaN at points that it does not show.
        box: of the face, as it was asked for.
        crop: what the network saw.
    """

    points: torch.Tensor
    vertices: torch.Tensor
    own_shape: bool
    triangles: torch.Tensor
    landmarks: torch.Tensor
    pose: Similarity
    attention: torch.Tensor | None
    colours: torch.Tensor
    box: FaceBox
    crop: FaceCrop

    @property
    def angles(self) -> dict[str, float]:
        """Yaw, pitch and roll of the head in degrees."""
        angles = matrix_to_euler(torch.tensor(FACE_TO_CAMERA).T @ self.pose.rotation)
        return dict(zip(("yaw", "pitch", "roll"), torch.stack(angles).rad2deg().tolist(), strict=True))

    def to_trimesh(self) -> trimesh.Trimesh:
        """The face in mm with the photograph's colours, grey where it does not show the face."""
        return coloured_mesh(self.vertices, self.triangles, self.colours)


def reconstruct_with(trained: FaceDrawer, photograph: Photograph, box: FaceBox) -> Reconstruction:
    """The face in a box, by a trained network, from several looks at nearly the same place.

    Photographs of real people are unlike all that it has learnt from, and what it reads off them changes from crop to
    crop; the mean of several is steadier. Where the landmarks that it finds span another place than the box, it looks
    again around them. Where these lie far from the box, the first answer stands, with a warning; there is another one
    for faces of too few pixels.

    Raises:
        BadInput: as `reconstruct`.
    """
    size = trained.image_size
    first = reconstruct(trained.draws, trained.model, size, photograph, box)
    seen = first.crop.scale / photograph.reduction
    if seen < SHARP:
        _log.warning(
            "the face is small: the network looks at %d x %d pixels, for which the photograph gives %.0f x %.0f; what "
            "they do not show is guessed", size, size, seen * size, seen * size,
        )  # fmt: skip
    shift, larger = difference(box, first.landmarks)
    if shift > FAR or not 1 / MUCH_LARGER < larger < MUCH_LARGER:
        _log.warning(
            "the landmarks that were found lie %.2f sides of the box away from its middle and span %.2f of its side: "
            "expected up to %g, and %g to %g; perhaps the box holds no face",
            shift, larger, FAR, 1 / MUCH_LARGER, MUCH_LARGER,
        )  # fmt: skip
        return first
    low, high = bounds(first.landmarks)
    if min(high - low) < SMALLEST or (shift < NEAR and 1 / LARGER < larger < LARGER):
        return first
    again = reconstruct(trained.draws, trained.model, size, photograph, FaceBox(*low.tolist(), *high.tolist()))
    return replace(again, box=box)


def difference(box: FaceBox, landmarks: torch.Tensor) -> tuple[float, float]:
    """How far the middle of landmarks (68, 2 or 3) is from a box's, and what they span, in the box's larger side."""
    low, high = bounds(landmarks)
    corners = torch.tensor(box.corners)
    side = (corners[2:] - corners[:2]).max()
    shift = (low + high - corners[:2] - corners[2:]).norm() / 2
    return float(shift / side), float((high - low).max() / side)


def bounds(landmarks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Least and largest column and row, (2,) each, of landmarks (68, 2 or 3)."""
    return landmarks[:, :2].amin(dim=0), landmarks[:, :2].amax(dim=0)


def reconstruct(
    network: nn.Module, model: MorphableModel, size: int, photograph: Photograph, box: FaceBox, looks: int = LOOKS
) -> Reconstruction:
    """The face in a box of a photograph.

    Args:
        network: images (B, 3, size, size) -> FaceMaps, in eval mode.
        model: of the faces that it was trained on.
        size: of its images and maps.
        photograph: whole or part of the face.
        box: around the face's landmarks, as its training took it.
        looks: crops of nearly the same place, of which the mean is taken; the attention is that of the box itself.

    Raises:
        BadInput: for a box outside the photograph, or when the network's answer is not finite or a single place.
    """
    crops = crops_around(photograph, box, size, looks)
    layout = face_layout(model, size)
    with torch.no_grad():
        maps: FaceMaps = network(torch.stack([crop.image for crop in crops]))
    rows, columns = layout.nearest_texels(model.landmarks).unbind(1)

    def placed(points: torch.Tensor) -> torch.Tensor:
        """Points (looks, N, 3) of the crops in the photograph, and their mean over the looks."""
        return torch.stack([crop.to_photograph(each) for crop, each in zip(crops, points, strict=True)]).mean(dim=0)

    points = placed(layout.texel_points(maps.geometry.float()))
    check_finite("the geometry that the network draws", points)
    landmarks = placed(maps.geometry[:, :, rows, columns].float().mT)
    if maps.shape is None:
        mean = layout.position_map(model.mean[None])[0, :, rows, columns].T
        pose = similarity_transform(mean[None], landmarks[None])
        shape = pose.inverse().apply(points[None])[0]
    else:
        assert maps.pose is not None
        shape = layout.texel_points(maps.shape.float()).mean(dim=0)
        pose = _mean_pose(maps.pose, crops)
    seen = seen_points(crops[0].from_photograph(points), layout.grid_triangles, size)
    return Reconstruction(
        points=points,
        vertices=shape,
        own_shape=maps.shape is not None,
        triangles=layout.grid_triangles,
        landmarks=landmarks,
        pose=Similarity(pose.scale[0], pose.rotation[0], pose.translation[0]),
        attention=None if maps.attention is None else maps.attention[0].float(),
        colours=photograph.colours_at(points[:, :2]).where(seen[:, None], torch.nan),
        box=box,
        crop=crops[0],
    )


def seen_points(points: torch.Tensor, triangles: torch.Tensor, size: int) -> torch.Tensor:
    """Which points of a face are seen: those that face the viewer, with nothing before them.

    Args:
        points: (N, 3) pixels of the crop, depth growing away from the viewer.
        triangles: (T, 3) between them.
        size: of the crop; a face may reach half of it beyond its borders.

    Returns:
        (N,) bool.
    """
    around = points + torch.tensor([size / 2, size / 2, 0.0])
    depth = rasterize(around[None], triangles, 2 * size, 2 * size, perspective=False).depth
    facing = vertex_normals(points[None], triangles)[0, :, 2] < 0
    return facing & visible_in_depth(around[None], depth, BEHIND * size)[0]


def _mean_pose(poses: Similarity, crops: Sequence[FaceCrop]) -> Similarity:
    """Poses (looks,) into crops as one into the photograph, a batch of one; the mean rotation is the nearest one to the
    mean of their matrices."""
    larger = torch.tensor([crop.scale for crop in crops])
    moved = torch.stack([crop.to_photograph(each) for crop, each in zip(crops, poses.translation, strict=True)])
    left, _, right = torch.linalg.svd(poses.rotation.mean(dim=0))
    straight = torch.tensor([1.0, 1.0, float(torch.det(left @ right))])  # no mirror image
    rotation = left @ torch.diag(straight) @ right
    return Similarity((poses.scale * larger).mean()[None], rotation[None], moved.mean(dim=0)[None])
