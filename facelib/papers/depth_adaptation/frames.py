"""What a step of training sees: source frames with their labels, and target frames, which have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from facelib.models.depth_settings import DepthNetworkSettings
from facelib.papers.photograph_task import Photographs


@dataclass(frozen=True)
class SourceFrames:
    """Rendered frames.

    Args:
        positions: (B, 3, S, S) mm from the frame's centre, axes of the camera, NaN in holes.
        shape: (B, N) displacements from the mean face in mm, or coefficients of a face model; N is 0 where a sensor's
            frames have poses alone.
        quaternion: (B, 4) x, y, z, w of R_head.
        translation: (B, 3) mm, of the face frame's origin from the frame's centre, axes of the camera.
    """

    positions: torch.Tensor
    shape: torch.Tensor
    quaternion: torch.Tensor
    translation: torch.Tensor

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class TargetFrames:
    """A sensor's frames.

    Args:
        positions: as those of `SourceFrames`.
    """

    positions: torch.Tensor

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class DomainBatch:
    """Frames of both domains, which do not belong together."""

    source: SourceFrames
    target: TargetFrames


@dataclass(frozen=True)
class DomainTraining:
    """What a task of either network is given.

    Args:
        networks: sizes.
        frames: what is learnt from.
        held_out: of other people; of their target frames too no label is known.
        fingerprint: of all that decides the result besides the training settings.
    """

    networks: DepthNetworkSettings
    frames: Photographs[DomainBatch]
    held_out: Sequence[DomainBatch]
    fingerprint: str
