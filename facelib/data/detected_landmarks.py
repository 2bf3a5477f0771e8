"""Landmarks as a detector of photographs would give them: where they are, plus what one was measured to be off by.

Paper 5 learns from landmarks of a face alignment network. The embedded world knows where landmarks are, which would be
a better teacher than any detector. So they are moved by errors like those that dlib's predictor makes on rendered faces
(`facelib.detector_measurement`): a bias that depends on the yaw, and errors of whole groups of landmarks together that
grow with it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import CorruptFile, check_shape
from facelib.storage import verify_checked, write_checked

STORED = Path(__file__).parent / "detector_errors.safetensors"
LEAST_GROWTH = 0.2  # of the spread, however the line through it falls


@dataclass(frozen=True)
class DetectorErrors:
    """Errors of a detector, in square roots of the area of the landmarks' box, in the frame of the face's roll.

    Args:
        bias: (4, 68, 2), the mean error as a combination of `turn_features`.
        spread: (K, 68, 2), independent directions of what is left, one standard deviation each.
        growth: (2,), factor on the spread: the first number plus the second times the absolute yaw.
    """

    bias: torch.Tensor
    spread: torch.Tensor
    growth: torch.Tensor


def detected(
    landmarks: torch.Tensor, yaw: torch.Tensor, roll: torch.Tensor, generator: torch.Generator, errors: DetectorErrors
) -> torch.Tensor:
    """Landmarks with a detector's errors.

    Args:
        landmarks: (B, 68, 2) pixels, where they are.
        yaw, roll: (B,) radians.
        generator: of the errors.
        errors: of the detector.

    Returns:
        (B, 68, 2) pixels.

    Raises:
        BadInput: on wrong shapes.
    """
    check_shape("landmarks", landmarks, (None, LANDMARK_COUNT, 2))
    check_shape("yaw", yaw, (len(landmarks),))
    check_shape("roll", roll, (len(landmarks),))
    drawn = torch.randn(len(landmarks), len(errors.spread), generator=generator)
    factor = (errors.growth[0] + errors.growth[1] * yaw.abs()).clamp(min=LEAST_GROWTH)
    off = torch.tensordot(turn_features(yaw), errors.bias, dims=1)
    off = off + factor[:, None, None] * torch.tensordot(drawn, errors.spread, dims=1)
    return landmarks + box_root(landmarks)[:, None, None] * (off @ roll_axes(roll))


def turn_features(yaw: torch.Tensor) -> torch.Tensor:
    """1, y, |y| and y |y| (B, 4) of a yaw (B,) in radians: what is the same or the opposite for a mirrored face."""
    return torch.stack((torch.ones_like(yaw), yaw, yaw.abs(), yaw * yaw.abs()), dim=1)


def roll_axes(roll: torch.Tensor) -> torch.Tensor:
    """Rows (B, 2, 2): along the eyes and down the face, in the image, of a head with this roll (B,)."""
    cos, sin = roll.cos(), roll.sin()
    return torch.stack((torch.stack((cos, -sin), dim=1), torch.stack((sin, cos), dim=1)), dim=1)


def box_root(landmarks: torch.Tensor) -> torch.Tensor:
    """Square root (B,) of the area of the box of landmarks (B, 68, 2)."""
    return (landmarks.amax(dim=1) - landmarks.amin(dim=1)).prod(dim=1).sqrt()


def write_errors(errors: DetectorErrors, path: Path = STORED) -> None:
    """Store errors as safetensors, with a checksum."""
    from safetensors.torch import save

    write_checked(path, save({each.name: getattr(errors, each.name).float().contiguous() for each in fields(errors)}))


@lru_cache(maxsize=1)
def read_errors(path: Path = STORED) -> DetectorErrors:
    """The measured errors, which come with the package.

    Raises:
        CorruptFile: when the file is damaged or holds something else.
    """
    from safetensors.torch import load_file

    verify_checked(path)
    tensors = load_file(path)
    names = {each.name for each in fields(DetectorErrors)}
    if tensors.keys() != names:
        raise CorruptFile(f"{path} holds {', '.join(sorted(tensors))}: expected {', '.join(sorted(names))}")
    return DetectorErrors(**tensors)
