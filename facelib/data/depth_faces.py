"""Depth frames of faces (paper 4): with labels, and without.

Frames of a target set must teach nothing but themselves. `DepthFrames` has no place for a label, and `UnlabelledDepth`,
which a training is given, holds no array that has one; `LabelledDepth` is what source sets and evaluations read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput, check_shape
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import depth_to_positions
from facelib.geometry.rotations import euler_to_matrix

DEPTH_UNIT = 0.1  # mm of a stored number: uint16 reaches to 6.5 m, and clean depth keeps more than a sensor tells
SEEN = ("depth", "focal", "center")
KNOWN = ("shape", "action", "pose", "translation", "identity", "sequence")


@dataclass(frozen=True)
class DepthFrames:
    """B square crops of depth frames, with the intrinsics of the crops.

    Args:
        depth: (B, S, S) mm, 0 in holes.
        focal: (B, 2) f_x and f_y, pixels of the crop.
        center: (B, 2) c_u and c_v, the principal point's column and row, pixels of the crop.

    Raises:
        BadInput: on other shapes.
    """

    depth: torch.Tensor
    focal: torch.Tensor
    center: torch.Tensor

    def __post_init__(self) -> None:
        check_shape("depth", self.depth, (None, None, None))
        check_shape("focal", self.focal, (len(self.depth), 2))
        check_shape("center", self.center, (len(self.depth), 2))

    def __len__(self) -> int:
        return len(self.depth)

    @property
    def camera(self) -> PerspectiveCamera:
        """Of the crops, with values (B,)."""
        (focal_u, focal_v), (center_u, center_v) = self.focal.unbind(1), self.center.unbind(1)
        return PerspectiveCamera(focal_u, center_u, center_v, focal_v)

    def positions(self) -> torch.Tensor:
        """(B, 3, S, S) x, y and z in the camera frame, mm, NaN in holes."""
        return depth_to_positions(self.depth, self.camera)

    def middles(self, reach: float) -> torch.Tensor:
        """(B, 3) mm, camera frame: the middle of each crop by `crop_about`, where its side is `reach` mm."""
        size = self.depth.shape[1]
        depth = self.focal[:, 0] * reach / size
        half = torch.full_like(depth, size / 2)
        return self.camera.unproject(torch.stack((half, half, depth), dim=1)[:, None])[:, 0]

    def part(self, rows: slice) -> DepthFrames:
        """Some of the frames."""
        return DepthFrames(*(getattr(self, each.name)[rows] for each in fields(self)))

    @classmethod
    def seen_by(cls, depth: torch.Tensor, camera: PerspectiveCamera) -> DepthFrames:
        """Crops (B, S, S), mm, of one camera or of one each."""
        focal_v = camera.focal if camera.focal_v is None else camera.focal_v
        u, v, center_u, center_v = (
            torch.as_tensor(value, dtype=depth.dtype).expand(len(depth))
            for value in (camera.focal, focal_v, camera.center_u, camera.center_v)
        )
        return cls(depth, torch.stack((u, v), dim=1), torch.stack((center_u, center_v), dim=1))


@dataclass(frozen=True)
class LabelledDepth:
    """B frames and what is known of the heads in them.

    Args:
        frames: what is seen.
        shape: (B, K) identity coefficients, standard deviations.
        action: (B, E) strengths of the facial actions.
        pose: (B, 3) yaw, pitch and roll, radians.
        translation: (B, 3) mm, of the face frame's origin in the camera frame.
        identity: (B,) int64, the person's number in the data set.
        sequence: (B,) int64, the sequence's number, from 1 as folders are numbered; 0 for single frames.
    """

    frames: DepthFrames
    shape: torch.Tensor
    action: torch.Tensor
    pose: torch.Tensor
    translation: torch.Tensor
    identity: torch.Tensor
    sequence: torch.Tensor

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def rotation(self) -> torch.Tensor:
        """R_head, (B, 3, 3)."""
        return euler_to_matrix(*self.pose.unbind(1))

    def placed(self, heads: torch.Tensor) -> torch.Tensor:
        """Heads (B, V, 3) of the face frame where the camera sees them, mm."""
        return face_to_camera(heads, self.rotation, self.translation)


@dataclass(frozen=True)
class UnlabelledDepth:
    """The frames of a data set, and nothing else of it.

    Args:
        depth: (N, S, S) uint16, units of `DEPTH_UNIT`.
        focal, center: (N, 2) pixels.
    """

    depth: np.ndarray
    focal: np.ndarray
    center: np.ndarray

    def __len__(self) -> int:
        return len(self.depth)

    def frames(self, rows: np.ndarray) -> DepthFrames:
        """Some of them.

        Raises:
            BadInput: without rows.
        """
        if len(rows) == 0:
            raise BadInput("an empty batch was asked of depth frames: expected at least one row")
        return _frames_of({name: getattr(self, name)[rows] for name in SEEN})


def without_labels(archive: FaceArchive) -> UnlabelledDepth:
    """The frames of a data set for a training that may not know more.

    Raises:
        BadInput: of a data set without depth frames.
    """
    _check(archive, SEEN)
    return UnlabelledDepth(*(archive.arrays[name] for name in SEEN))


def labelled_depth(archive: FaceArchive, rows: np.ndarray) -> LabelledDepth:
    """Frames of a data set with their labels: of a source, or to be judged.

    Raises:
        BadInput: without rows, or of a data set without depth frames or their labels.
    """
    _check(archive, SEEN + KNOWN)
    frames = without_labels(archive).frames(rows)
    return LabelledDepth(frames, **{name: _tensor(archive.arrays[name][rows]) for name in KNOWN})


def stored_depth(depth: torch.Tensor) -> np.ndarray:
    """Depth in mm as it is stored; what is beyond reach is a hole."""
    units = (depth / DEPTH_UNIT).round()
    return units.where(units <= np.iinfo(np.uint16).max, 0).numpy().astype(np.uint16)


def _frames_of(arrays: Mapping[str, np.ndarray]) -> DepthFrames:
    depth = torch.from_numpy(arrays["depth"].astype(np.float32)) * DEPTH_UNIT
    return DepthFrames(depth, _tensor(arrays["focal"]), _tensor(arrays["center"]))


def _tensor(values: np.ndarray) -> torch.Tensor:
    """float32 and int64."""
    return torch.from_numpy(np.array(values, np.float32 if values.dtype.kind == "f" else np.int64))


def _check(archive: FaceArchive, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in archive.arrays]
    if missing:
        raise BadInput(f"data set {archive.name} has no {', '.join(missing)}: it holds no depth frames of known heads")
