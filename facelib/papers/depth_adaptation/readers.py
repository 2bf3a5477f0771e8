"""What the methods of paper 4 read off depth frames: heads in the face frame, or where heads are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from facelib.data.depth_faces import DepthFrames, LabelledDepth
from facelib.errors import DegenerateInput
from facelib.faces.cloud_fit import CloudFit, head_cloud, lay
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import Similarity
from facelib.geometry.depth_view import DepthView
from facelib.geometry.rotations import matrix_to_quaternion
from facelib.models.depth_networks import HeadPose
from facelib.models.position_images import scaled_positions
from facelib.papers.depth_adaptation.domains import centred
from facelib.papers.depth_adaptation.methods import FRONTAL, ICP_FACE, ICP_TRACKING, MEAN_FACE, DepthReader
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.paper import BASELINE
from facelib.runs.tasks import to_device

AT_ONCE = 64  # frames
CAMERA_AXES = torch.tensor([1.0, -1.0, -1.0])  # in those of the face frame

ShapeReader = Callable[[DepthFrames], torch.Tensor]  # heads (B, V, 3) mm
PoseReader = Callable[[LabelledDepth], HeadPose]  # of frames in their order; only a tracker looks at the first truth


def view_of(settings: DepthRunSettings) -> DepthView:
    """What of a head the networks see."""
    return DepthView(reach_of(settings), settings.network.before_mm)


def reach_of(settings: DepthRunSettings) -> float:
    """The side of a crop, mm: twice what the networks see to each side."""
    return 2 * settings.network.reach_mm


def shape_reader(method: DepthReader, settings: DepthRunSettings, network: nn.Module) -> ShapeReader:
    """What a method reads; its network is in eval mode."""
    surface = face_surface(settings.faces)
    if method.name == MEAN_FACE:
        return mean_heads(surface)
    if method.kind == BASELINE:
        fit = settings.fitting
        each = CloudFit(surface, fit.identities, fit.rounds, fit.residual_mm, fit.reach_mm)
        read = _sized if method.name == ICP_FACE else (lambda cloud, surface: each(cloud))
        return lambda frames: torch.stack([read(head_cloud(one), surface) for one in _about_heads(frames, settings)])
    return lambda frames: surface.heads(torch.cat(_read(network, frames, settings)))


def pose_reader(method: DepthReader, settings: DepthRunSettings, network: nn.Module) -> PoseReader:
    """What a method reads, about the middles of the crops."""
    if method.name == FRONTAL:
        return lambda labelled: frontal(len(labelled))
    if method.name == ICP_TRACKING:
        return lambda labelled: _tracked(labelled, settings)
    return lambda labelled: read_poses(network, labelled.frames, settings)


def read_poses(network: nn.Module, frames: DepthFrames, settings: DepthRunSettings) -> HeadPose:
    """What DAPoseNet, in eval mode, reads, about the middles of the crops."""
    return HeadPose(*map(torch.cat, zip(*_read(network, frames, settings), strict=True)))


def mean_heads(surface: SkinSurface) -> ShapeReader:
    """The mean face in all frames."""
    return lambda frames: surface.mean.expand(len(frames), -1, -1)


def frontal(count: int) -> HeadPose:
    """Heads that look into the camera, in the middles of their crops."""
    return HeadPose(torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(count, 4), torch.zeros(count, 3))


def _seen(frames: DepthFrames, settings: DepthRunSettings) -> torch.Tensor:
    return centred(frames, reach_of(settings))[0]


def _about_heads(frames: DepthFrames, settings: DepthRunSettings) -> torch.Tensor:
    """Position images about where the heads are in these crops, mm."""
    positions = _seen(frames, settings)
    return positions - positions.new_tensor([0.0, 0.0, settings.network.before_mm])[:, None, None]


@torch.no_grad()
def _read(network: nn.Module, frames: DepthFrames, settings: DepthRunSettings) -> list[Any]:
    """What a network says of the frames, in parts."""
    device = next(network.parameters()).device
    parts = []
    for first in range(0, len(frames), AT_ONCE):
        positions = _seen(frames.part(slice(first, first + AT_ONCE)), settings)
        found = network(scaled_positions(positions, settings.network.reach_mm).to(device))
        parts.append(to_device(found, "cpu"))
    return parts


def _sized(cloud: torch.Tensor, surface: SkinSurface) -> torch.Tensor:
    """The mean face in the size that ICP finds."""
    return surface.mean / lay(cloud, surface.mean, surface, scale=True).transform.scale


def laid_alone(labelled: LabelledDepth, settings: DepthRunSettings) -> HeadPose:
    """The mean face laid onto each frame from the front, in the middle of the crop; no truth is looked at."""
    surface = face_surface(settings.faces)
    start = Similarity(torch.ones(()), torch.eye(3), torch.zeros(3))
    heads = [_laid(positions, surface, start).inverse() for positions in _seen(labelled.frames, settings)]
    return _poses(heads)


def _tracked(labelled: LabelledDepth, settings: DepthRunSettings) -> HeadPose:
    """The mean face laid onto one frame after the other, from where it was in the frame before or first of all.

    A sequence's first pose is given, as to trackers that are started by hand, and the others are told by how the mean
    face has moved since: data sets choose the axes and the origin of heads for themselves. It is first laid from that
    turn, in the middle of the crop; of both starts in later frames the nearer end counts.
    """
    surface = face_surface(settings.faces)
    middle = labelled.frames.middles(reach_of(settings))
    given = Similarity(torch.ones(len(labelled)), labelled.rotation, CAMERA_AXES * (labelled.translation - middle))
    heads: list[Similarity] = []
    for number, sequence in enumerate(labelled.sequence.tolist()):
        (positions,) = _seen(labelled.frames.part(slice(number, number + 1)), settings)
        if number == 0 or sequence != labelled.sequence[number - 1]:
            start = Similarity(given.scale[number], given.rotation[number], torch.zeros(3)).inverse()
            first = place = _laid(positions, surface, start)
            # The head as the data set has it, in the frame of the mean face.
            head = first.compose(_one(given, number))
        else:
            place = _laid(positions, surface, place, first)
        heads.append(place.inverse().compose(head))
    return _poses(heads)


def _poses(heads: list[Similarity]) -> HeadPose:
    """What moves heads to where the camera sees them, in the axes of the face frame, as a network tells it."""
    rotation, translation = (
        torch.stack([getattr(each, name) for each in heads]) for name in ("rotation", "translation")
    )
    return HeadPose(matrix_to_quaternion(rotation), CAMERA_AXES * translation)


def _one(motions: Similarity, number: int) -> Similarity:
    return Similarity(motions.scale[number], motions.rotation[number], motions.translation[number])


def _laid(positions: torch.Tensor, surface: SkinSurface, *starts: Similarity) -> Similarity:
    """What moves a frame (3, S, S) onto the mean face, from the best of these; the first where the head is lost."""
    try:
        cloud = head_cloud(positions)
        ends = [lay(cloud, surface.mean, surface, start, scale=False) for start in starts]
    except DegenerateInput:
        return starts[0]
    return min(ends, key=lambda end: float(end.residuals[-1])).transform
