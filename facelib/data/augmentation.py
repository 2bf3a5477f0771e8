"""Photographs turned, shifted, scaled and tinted for training, with their masks and poses (paper 3, section III.E).

The camera is weak perspective, so moving the image in its plane is one more similarity after the face's pose: maps made
from the new pose lie on the moved image, exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional

from facelib.data.posed_faces import PosedFaces
from facelib.errors import BadInput
from facelib.geometry.alignment import Similarity


@dataclass(frozen=True)
class AugmentationSettings:
    """How far photographs are moved and tinted; the defaults are the paper's.

    Args:
        rotation: largest turn in the image plane, either way, degrees.
        shift: largest shift along each axis, either way, as a share of the image's size.
        scale: least and largest factor on the face's size.
        colour: least and largest factor on each colour channel, drawn separately.
    """

    rotation: float = 90.0
    shift: float = 0.1
    scale: tuple[float, float] = (0.9, 1.1)
    colour: tuple[float, float] = (0.6, 1.4)

    def __post_init__(self) -> None:
        for name in ("rotation", "shift"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadInput(f"{name} is {getattr(self, name)}: expected 0 or more")
        for name in ("scale", "colour"):
            low, high = getattr(self, name)
            if not 0 < low <= high < math.inf:
                raise BadInput(f"{name} is ({low}, {high}): expected two positive numbers, the lower first")

    @property
    def moves(self) -> bool:
        """Whether anything but colours changes."""
        return (self.rotation, self.shift, self.scale) != (0, 0, (1, 1))


NO_AUGMENTATION = AugmentationSettings(rotation=0.0, shift=0.0, scale=(1.0, 1.0), colour=(1.0, 1.0))


def augmented(faces: PosedFaces, generator: torch.Generator, settings: AugmentationSettings) -> PosedFaces:
    """Other photographs of the same faces: turned, scaled, shifted and tinted, each with its own numbers.

    Args:
        faces: B photographs; they stay as they are.
        generator: of the randomness; its device may differ from the photographs'.
        settings: how far.

    Returns:
        B photographs of the same size, with masks and poses that fit them.
    """
    even = torch.rand(len(faces), 7, generator=generator, device=generator.device).to(faces.images)
    turn, size, column, row, *tint = even.unbind(1)
    if settings.moves:
        height, width = faces.images.shape[-2:]
        angle = math.radians(settings.rotation) * (2 * turn - 1)
        shift = torch.stack((width * (2 * column - 1), height * (2 * row - 1)), dim=1) * settings.shift
        faces = moved_in_plane(faces, angle, shift, _within(settings.scale, size))
    factors = _within(settings.colour, torch.stack(tint, dim=1))
    return replace(faces, images=(faces.images * factors[:, :, None, None]).clamp(max=1))


def moved_in_plane(faces: PosedFaces, angle: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> PosedFaces:
    """Photographs turned and scaled about the image's centre, then shifted.

    What comes in from outside is filled with the same place of the photograph before it in the batch: a larger
    photograph would have shown more background there. Black wedges would betray the turn by their sides, and with it
    most of the roll; a mirrored or smeared border would show skin that the mask denies.

    Args:
        faces: B photographs.
        angle: (B,) radians, clockwise on the image (from u towards v).
        shift: (B, 2) pixels, right and down.
        scale: (B,) factors.
    """
    motion = _motion(angle, shift, scale, faces.images.shape[-2:])
    grid = _sources(motion, faces.images.shape[-2:])
    layers = torch.cat((faces.images, faces.skin[:, None]), dim=1)
    layers = functional.grid_sample(layers, grid, padding_mode="border", align_corners=False)
    inside = grid.abs().amax(dim=-1) <= 1  # (B, H, W)
    pose = motion.compose(faces.pose)
    return replace(
        faces,
        images=torch.where(inside[:, None], layers[:, :3], faces.images.roll(1, 0)),
        skin=((layers[:, 3] >= 0.5) & inside).to(faces.skin),
        scale=pose.scale,
        rotation=pose.rotation,
        translation=pose.translation,
    )


def _motion(angle: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor, size: tuple[int, ...]) -> Similarity:
    """The similarity of the image's frame: depth scales with the rest, since the camera is weak perspective."""
    height, width = size
    sin, cos, zero, one = angle.sin(), angle.cos(), torch.zeros_like(angle), torch.ones_like(angle)
    rotation = torch.stack((cos, -sin, zero, sin, cos, zero, zero, zero, one), dim=1).unflatten(1, (3, 3))
    centre = torch.tensor([width / 2, height / 2, 0]).to(angle)
    translation = centre + functional.pad(shift, (0, 1)) - scale[:, None] * (rotation @ centre)
    return Similarity(scale, rotation, translation)


def _sources(motion: Similarity, size: tuple[int, ...]) -> torch.Tensor:
    """Where the centre of each pixel comes from, (B, H, W, 2), the image's sides at -1 and 1."""
    height, width = size
    back = motion.inverse()
    turn = (back.scale[:, None, None] * back.rotation)[:, :2, :2]
    column, row = (torch.arange(count).to(turn) + 0.5 for count in (width, height))
    # A row's place and a column's are added: several times faster than affine_grid, which multiplies matrices.
    across, down = column[:, None] * turn[:, None, :, 0], row[:, None] * turn[:, None, :, 1]  # (B, W or H, 2)
    half = torch.tensor([width / 2, height / 2]).to(turn)
    down = down + back.translation[:, None, :2] - half
    return (down / half)[:, :, None] + (across / half)[:, None]


def _within(limits: tuple[float, float], share: torch.Tensor) -> torch.Tensor:
    low, high = limits
    return low + (high - low) * share
