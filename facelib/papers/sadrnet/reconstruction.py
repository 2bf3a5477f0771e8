"""One photograph in, one face out: what a trained network of this paper reads off a face's crop.

A network that draws only a position map has no shape of its own and no pose: its face is turned back by aligning its
landmarks with those of the mean face, which also gives the size in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.photographs import FaceBox, FaceCrop, Photograph, square_crop
from facelib.errors import BadInput, check_finite
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import Similarity, similarity_transform
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import matrix_to_euler
from facelib.geometry.visibility import visible_in_depth
from facelib.models.sadrnet import FaceMaps
from facelib.papers.run import network_from
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS, Reconstructor
from facelib.papers.sadrnet.networks import face_model
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE, Run
from facelib.runs.records import Record, read_record
from facelib.runs.settings import override

BEHIND = 0.02  # sides of the crop that a point may lie behind the nearest surface and still be seen


@dataclass(frozen=True)
class TrainedNetwork:
    """A run's network.

    Args:
        network: in eval mode.
        method: which one it is.
        settings: of the run.
        record: of the run.
    """

    network: nn.Module
    method: Reconstructor
    settings: ReconstructionSettings
    record: Record


@dataclass(frozen=True)
class Reconstruction:
    """A face read off a photograph; its N points are the texels of the face's layout.

    Args:
        points: G, (N, 3) column, row and depth in pixels of the photograph, depth growing away from the viewer.
        shape: (N, 3) mm in the face frame.
        own_shape: whether the network gave the shape; else it is the points, turned back.
        triangles: (T, 3) between the points, counter-clockwise seen from outside.
        landmarks: (68, 3) as the points.
        pose: from the face frame (mm) to the photograph (pixels), one similarity without batch.
        attention: A, (h, w) in [0, 1] over the crop; None without the branch.
        colours: (N, 3) RGB in [0, 1] of the photograph, NaN at points that it does not show.
        box: of the face, as it was asked for.
        crop: what the network saw.
    """

    points: torch.Tensor
    shape: torch.Tensor
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


def reconstruct(
    network: nn.Module, model: MorphableModel, size: int, photograph: Photograph, box: FaceBox
) -> Reconstruction:
    """The face in a box of a photograph.

    Args:
        network: images (B, 3, size, size) -> FaceMaps, in eval mode.
        model: of the faces that it was trained on.
        size: of its images and maps.
        photograph: whole or part of the face.
        box: around the face's landmarks, as its training took it.

    Raises:
        BadInput: for a box outside the photograph, or when the network's answer is not finite or a single place.
    """
    crop = square_crop(photograph, box, size)
    layout = face_layout(model, size)
    with torch.no_grad():
        maps: FaceMaps = network(crop.image[None])
    points = layout.texel_points(maps.geometry.float())[0]
    check_finite("the geometry that the network draws", points)
    rows, columns = layout.nearest_texels(model.landmarks).unbind(1)
    landmarks = maps.geometry[0, :, rows, columns].float().T
    if maps.shape is None or maps.pose is None:
        mean = layout.position_map(model.mean[None])[0, :, rows, columns].T
        pose = similarity_transform(mean[None], landmarks[None])
        shape = pose.inverse().apply(points[None])[0]
    else:
        pose, shape = maps.pose, layout.texel_points(maps.shape.float())[0]
    placed = crop.to_photograph(points)
    seen = seen_points(points, layout.grid_triangles, size)
    return Reconstruction(
        points=placed,
        shape=shape,
        own_shape=maps.shape is not None,
        triangles=layout.grid_triangles,
        landmarks=crop.to_photograph(landmarks),
        pose=_in_photograph(pose, crop),
        attention=None if maps.attention is None else maps.attention[0].float(),
        colours=photograph.colours_at(placed[:, :2]).where(seen[:, None], torch.nan),
        box=box,
        crop=crop,
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


def _in_photograph(pose: Similarity, crop: FaceCrop) -> Similarity:
    """The only pose of a batch, in pixels of the photograph."""
    translation = crop.to_photograph(pose.translation)[0]
    return Similarity(pose.scale[0] * crop.scale, pose.rotation[0], translation)


def load_trained(model: str, tier: str = "smoke") -> TrainedNetwork:
    """The network of a run.

    Args:
        model: a run's folder, its record.json or its weights; or a method's name.
        tier: of the method's run, of fold 0 and seed 0; a folder says its tier itself.

    Raises:
        UnknownName: for neither a file nor a method.
        MissingPart: when the run does not exist; the message says which command makes it.
        CorruptFile: when its record or weights are damaged.
        BadInput: for a run of another paper, of the baseline, or of other settings than it says.
    """
    path = _record_of(model, tier)
    usual = Run(PAPER.name, model if model in METHODS else "sadrnet", tier=tier).command
    record = read_record(path, usual)
    if record.paper != PAPER.name:
        raise BadInput(
            f"{path} is a run of {record.method} of {record.paper}: faces are reconstructed by runs of {PAPER.name}, "
            f"such as `{usual}` makes"
        )
    method = PAPER.method(record.method)
    if method.kind != "network":
        raise BadInput(f"{method.name} predicts no map of a photograph: choose a network's run, such as sadrnet's")
    settings = override(PAPER.settings(record.tier), record.parameters)
    network = network_from(PAPER, method.name, settings, path.parent / WEIGHTS_FILE)
    return TrainedNetwork(network, method, settings, record)


def reconstruct_with(trained: TrainedNetwork, photograph: Photograph, box: FaceBox) -> Reconstruction:
    """As `reconstruct`, by a run's network."""
    return reconstruct(trained.network, face_model(), trained.settings.network.image_size, photograph, box)


def _record_of(model: str, tier: str) -> Path:
    path = Path(model)
    if path.is_dir():
        return path / RECORD_FILE
    if path.is_file():
        return path if path.suffix == ".json" else path.parent / RECORD_FILE
    if model not in METHODS and (path.suffix or len(path.parts) > 1):
        raise BadInput(f"there is no run at {model}: expected its folder, its record.json, or a method's name")
    PAPER.method(model)
    return Run(PAPER.name, model, tier=tier).record
