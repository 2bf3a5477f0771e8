"""One depth frame in, one head out: where it is found, and the shape and pose that two networks read off its crop."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from facelib.data.depth_faces import DepthFrames
from facelib.data.embedded.depth_targets import NEAR_FRONTAL
from facelib.errors import BadInput, check_finite
from facelib.faces.cloud_fit import head_cloud, lay
from facelib.faces.coloured_mesh import coloured_mesh
from facelib.faces.head_finding import FoundHead, find_head, head_at
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import Similarity
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import check_millimetres, crop_about, depth_to_positions
from facelib.geometry.neighbours import nearest
from facelib.geometry.rotations import matrix_to_euler, quaternion_to_matrix
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.readers import read_poses, shape_reader, view_of
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.depth_adaptation.trained import TrainedReader

if TYPE_CHECKING:
    import trimesh

POSSIBLE, USUAL = (10.0, 140.0), (30.0, 100.0)  # degrees of a depth sensor's field of view along its wider side
OFF_CENTRE = 0.2  # of the frame's sides, that a principal point lies off its middle unless the frame was cropped
SIZES = (0.85, 1.18)  # of faces, where the mean face is 1: about three deviations of adults
NO_SIZES = (0.65, 1.5)  # outside which it is the intrinsics that are wrong
FAR_OFF = 12.0  # mm from the frame, the median over a face, from which on it does not lie in it
SMALL = 0.5  # pixels of the frame for one that the network sees, below which it sees hardly more than a blur

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DepthFace:
    """A head read off a depth frame.

    Args:
        shape: (V, 3) mm in the face frame: x to the subject's left, y up, z out of the face.
        rotation: R_head (3, 3).
        translation: (3,) mm, of the face frame's origin in the camera frame.
        found: where the head was looked for.
        depth: the frame, (H, W) mm, 0 in holes.
        camera: of the frame.
        origin: what the records of both networks tell, by what they read.
        surface: of which the shape is one.
    """

    shape: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor
    found: FoundHead
    depth: torch.Tensor
    camera: PerspectiveCamera
    origin: Mapping[str, Mapping[str, Any]]
    surface: SkinSurface

    @property
    def vertices(self) -> torch.Tensor:
        """(V, 3) mm in the camera frame: x right, y down, z forward."""
        return self.placed(self.shape)

    @property
    def triangles(self) -> torch.Tensor:
        """(T, 3) between the vertices, counter-clockwise seen from outside."""
        return self.surface.triangles

    @property
    def landmarks(self) -> torch.Tensor:
        """(68, 2) column and row in pixels of the frame."""
        return self.camera.project(self.vertices[self.surface.landmarks][None])[0, :, :2]

    @property
    def angles(self) -> dict[str, float]:
        """Yaw, pitch and roll of the head in degrees."""
        angles = torch.stack(matrix_to_euler(self.rotation)).rad2deg().tolist()
        return dict(zip(("yaw", "pitch", "roll"), angles, strict=True))

    @property
    def off(self) -> float:
        """Median distance in mm from the frame's points within reach of the face to the mesh."""
        positions = depth_to_positions(self.depth[None], self.camera)[0]
        try:
            cloud = head_cloud(positions - self.found.middle[:, None, None])
        except BadInput:
            return math.inf
        axes = cloud.new_tensor([1.0, -1.0, -1.0])
        face = (self.vertices[self.surface.face] - self.found.middle) * axes
        return float(nearest(face[None], cloud[None])[0].median())

    def placed(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 3) of the face frame in the camera frame."""
        return face_to_camera(points[None], self.rotation[None], self.translation[None])[0]

    def to_trimesh(self) -> trimesh.Trimesh:
        """The head in mm in the camera frame, grey."""
        return coloured_mesh(self.vertices, self.triangles, torch.full_like(self.vertices, torch.nan))


def reconstruct_with(
    shape: TrainedReader,
    pose: TrainedReader,
    depth: torch.Tensor,
    camera: PerspectiveCamera,
    nose: tuple[float, float] | None = None,
) -> DepthFace:
    """The head in a depth frame, by two trained networks.

    Args:
        shape, pose: the networks.
        depth: (H, W) mm, 0 in holes.
        camera: of the frame.
        nose: column and row of a pixel that shows the nose; without it the head is looked for.

    Raises:
        BadInput: on depth in another unit, intrinsics that no depth sensor has, a frame that is smaller than the crop
            that networks see, or a nose that is outside the frame or in a hole.
        DegenerateInput: when the frame is all holes, no face is found, it is cut by the frame's border, or a network's
            answer is not finite.
    """
    check_intrinsics(camera, *depth.shape)
    check_millimetres(depth[None])
    surface = face_surface(shape.settings.faces)
    found = find_head(depth, camera, surface) if nose is None else head_at(depth, camera, surface, *nose)
    check_size(found, depth, camera, surface)
    heads = shape_reader(shape.method, shape.settings, shape.network)(crop_of(found, depth, camera, shape.settings))
    check_finite("the shape that was read", heads)
    read = read_poses(pose.network, crop_of(found, depth, camera, pose.settings), pose.settings)
    check_finite("the pose that was read", torch.cat(read, dim=1))
    face = DepthFace(
        heads[0],
        quaternion_to_matrix(read.quaternion)[0],
        view_of(pose.settings).middle(found.middle[None])[0] + read.translation[0],
        found,
        depth,
        camera,
        {shape.method.kind: shape.origin, pose.method.kind: pose.origin},
        surface,
    )
    _warn(face)
    return face


def crop_of(
    found: FoundHead, depth: torch.Tensor, camera: PerspectiveCamera, settings: DepthRunSettings
) -> DepthFrames:
    """What a network of these settings sees of a frame: a crop about the head, a batch of one.

    Raises:
        BadInput: where the crop is larger than the frame.
    """
    size, view = settings.network.image_size, view_of(settings)
    crop, of_crop = crop_about(depth[None], camera, view.middle(found.middle[None]), view.reach, size)
    frames = DepthFrames.seen_by(crop, of_crop)
    if (seen := 1 / (float(frames.focal[0, 0]) / float(camera.focal))) < SMALL:
        _log.warning("the head is small: %d x %d pixels of the network's are made of %.0f x %.0f of the frame",
                     size, size, seen * size, seen * size)  # fmt: skip
    return frames


def check_intrinsics(camera: PerspectiveCamera, height: int, width: int) -> None:
    """Raise BadInput for a field of view that no depth sensor has, and say in a warning what is hardly plausible."""
    focal_v = camera.focal if camera.focal_v is None else camera.focal_v
    views = [
        2 * math.degrees(math.atan(side / (2 * float(f)))) for side, f in ((width, camera.focal), (height, focal_v))
    ]
    view = max(views)
    told = f"fx {float(camera.focal):g} and fy {float(focal_v):g} of {width} x {height} pixels"
    if not POSSIBLE[0] < view < POSSIBLE[1]:
        raise BadInput(
            f"{told} are a field of view of {view:.0f} degrees: expected {POSSIBLE[0]:g} to {POSSIBLE[1]:g}; "
            "intrinsics are in pixels of this very frame, about 575 for a Kinect's 640 x 480"
        )
    faults = []
    if not USUAL[0] < view < USUAL[1]:
        faults.append(f"{told} are a field of view of {view:.0f} degrees")
    if not 0.8 < float(camera.focal) / float(focal_v) < 1.25:
        faults.append(f"{told} are pixels that are far from square")
    for name, centre, side in (("cx", camera.center_u, width), ("cy", camera.center_v, height)):
        if abs(float(centre) - side / 2) > OFF_CENTRE * side:
            faults.append(f"{name} is {float(centre):g}, far from the middle of {side} pixels")
    for fault in faults:
        _log.warning("%s: unless the frame was cropped, look at the intrinsics", fault)


def check_size(found: FoundHead, depth: torch.Tensor, camera: PerspectiveCamera, surface: SkinSurface) -> None:
    """Raise BadInput where intrinsics make a face of a size that nobody has, and warn of one that is rare."""
    positions = depth_to_positions(depth[None], camera)[0] - found.middle[:, None, None]
    start = Similarity(torch.ones(()), found.rotation.mT, torch.zeros(3))
    size = 1 / float(lay(head_cloud(positions)[::5], surface.mean, surface, start, scale=True).transform.scale)
    told = (
        f"the face is {size:.2f} times as large as the mean face: expected {SIZES[0]} to {SIZES[1]}; look at fx and "
        "fy, which are in pixels of this very frame, and at the unit of depth"
    )
    if not NO_SIZES[0] < size < NO_SIZES[1]:
        raise BadInput(told)
    if not SIZES[0] < size < SIZES[1]:
        _log.warning("%s", told)


def _warn(face: DepthFace) -> None:
    """Say where an answer is not to be relied on."""
    yaw = abs(face.angles["yaw"])
    if yaw > 2 * NEAR_FRONTAL[0]:
        _log.warning("the head is turned by %.0f degrees, but shapes were learnt of heads within %.0f degrees of the "
                     "front", yaw, NEAR_FRONTAL[0])  # fmt: skip
    if face.off > FAR_OFF:
        _log.warning("the face that was read lies %.0f mm off the frame, the median over its vertices: expected up to "
                     "%.0f; it does not show this head", face.off, FAR_OFF)  # fmt: skip
