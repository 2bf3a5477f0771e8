"""Random shapes laid over photographs of faces, and what they leave of the visible skin (paper 3, section III.B).

The paper overlays patterns of random shapes and takes the skin that is left as the target of the attention mask. It
gives no more, so shapes, sizes and fillings are ours. An opaque shape hides the skin. A shadow darkens it and hides
nothing: the skin under it is still seen and stays in the mask, so that a network learns to tell dark from covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_shape

KINDS = ("ellipse", "bar", "polygon", "blob")
DIRECTIONS = 1024  # in which an outline is known
LIGHT = (0.3, 0.7)  # that a shadow leaves
PENUMBRA = (1.0, 8.0)  # width of its soft edge, pixels
CELLS = (3, 25)  # of a noise texture along each side of the image, from 3 to 24


@dataclass(frozen=True)
class OcclusionSettings:
    """How faces are occluded; the numbers are ours.

    Args:
        probability: that a photograph has shapes at all.
        shapes: most shapes on a photograph; each number from 1 on is as likely.
        size: least and largest size of a shape, as a share of the face's: about its diameter over the mean side of the
            box of the skin.
        shadows: share of the shapes that darken instead of hiding.
        textures: share of the opaque shapes filled with a texture, half of them with noise and half with a piece of
            another photograph; the others have one colour.
    """

    probability: float = 0.5
    shapes: int = 3
    size: tuple[float, float] = (0.2, 0.7)
    shadows: float = 0.25
    textures: float = 0.6

    def __post_init__(self) -> None:
        for name in ("probability", "shadows", "textures"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name} is {getattr(self, name)}: expected a share from 0 to 1")
        if self.shapes < 1:
            raise BadInput(f"shapes is {self.shapes}: expected at least 1; set probability to 0 for none")
        low, high = self.size
        if not 0 < low <= high < math.inf:
            raise BadInput(f"size is ({low}, {high}): expected two positive numbers, the lower first")


def occluded(
    images: torch.Tensor, skin: torch.Tensor, generator: torch.Generator, settings: OcclusionSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Photographs with random shapes on their faces, and the skin that is still seen.

    Args:
        images: (B, 3, H, W) in [0, 1]; they stay as they are.
        skin: (B, H, W), 1 where a pixel shows the face, else 0. Shapes lie in its box, or anywhere where there is none.
        generator: of the randomness; its device may differ from the images'.
        settings: how often, how many and which shapes.

    Returns:
        Images and skin of the same shapes.

    Raises:
        BadInput: on wrong shapes.
    """
    check_shape("images", images, (None, 3, None, None))
    check_shape("skin", skin, (len(images), *images.shape[2:]))
    draw = _Draw(generator, images)
    count = draw.whole(1, settings.shapes + 1, len(images))
    count = torch.where(draw.even(len(images)) < settings.probability, count, 0)
    boxes = _boxes(skin)
    shown, seen = images.clone(), skin.clone()
    for layer in range(settings.shapes):
        rows = (count > layer).nonzero()[:, 0]
        if len(rows) == 0:
            break
        is_shadow = draw.even(len(rows)) < settings.shadows
        edge = torch.where(is_shadow, draw.even(len(rows), limits=PENUMBRA), 1)
        cover = _inwards(boxes[rows], skin, settings, draw).div_(edge[:, None, None]).add_(0.5).clamp_(0, 1)
        below = shown.index_select(0, rows)
        above = _fillings(below, images.index_select(0, (rows - 1) % len(images)), is_shadow, settings, draw)
        shown[rows] = below.lerp_(above, cover[:, None])
        seen[rows] *= is_shadow[:, None, None] | (cover < 0.5)
    return shown, seen


class _Draw:
    """Random numbers on the device of the images."""

    def __init__(self, generator: torch.Generator, images: torch.Tensor) -> None:
        self.generator, self.images = generator, images

    def even(self, *shape: int, limits: tuple[float, float] = (0.0, 1.0)) -> torch.Tensor:
        numbers = torch.rand(*shape, generator=self.generator, device=self.generator.device).to(self.images)
        return limits[0] + (limits[1] - limits[0]) * numbers

    def whole(self, low: int, beyond: int, *shape: int) -> torch.Tensor:
        numbers = torch.randint(low, beyond, shape, generator=self.generator, device=self.generator.device)
        return numbers.to(self.images.device)


def _boxes(skin: torch.Tensor) -> torch.Tensor:
    """Left, top, right and bottom of the skin, (B, 4) pixels; of the image where there is none."""
    sides = []
    for axis in (1, 2):  # columns, then rows
        line = (skin > 0).any(dim=axis)
        line = line | ~line.any(dim=1, keepdim=True)
        first, last = line.int().argmax(dim=1), line.shape[1] - line.flip(1).int().argmax(dim=1)
        sides += [first, last]
    left, right, top, bottom = sides
    return torch.stack((left, top, right, bottom), dim=1).to(skin)


def _inwards(boxes: torch.Tensor, skin: torch.Tensor, settings: OcclusionSettings, draw: _Draw) -> torch.Tensor:
    """How far each pixel lies inside a random shape on each box (R, 4), along the ray from its middle: (R, H, W)."""
    count, (height, width) = len(boxes), skin.shape[1:]
    extent = boxes[:, 2:] - boxes[:, :2]
    middle = boxes[:, :2] + draw.even(count, 2) * extent
    radius = draw.even(count, 1, limits=settings.size) * extent.mean(dim=1, keepdim=True) / 2
    x = (torch.arange(width).to(boxes) + 0.5 - middle[:, :1])[:, None]  # (R, 1, W)
    y = (torch.arange(height).to(boxes) + 0.5 - middle[:, 1:])[:, :, None]  # (R, H, 1)
    direction = ((torch.atan2(y, x) / math.tau + 0.5) * DIRECTIONS).long().clamp(max=DIRECTIONS - 1)
    reach = (radius * _outlines(count, draw)).gather(1, direction.flatten(1)).view_as(direction)
    return reach - torch.hypot(x, y)


def _outlines(count: int, draw: _Draw) -> torch.Tensor:
    """Random shapes of random turn, each by its radius (count, DIRECTIONS) in all directions, about 1 on average."""
    direction = torch.arange(DIRECTIONS).to(draw.images) * (math.tau / DIRECTIONS) + draw.even(count, 1) * math.tau
    long = draw.even(count, 1, limits=(1.0, 1.5))  # half the longer axis; 1 / long is half the shorter
    ellipse = 1 / torch.hypot(direction.cos() / long, direction.sin() * long)
    bar = _polygon(direction, 4, torch.cat((2 * long, 0.6 / long, 2 * long, 0.6 / long), dim=1))
    polygon = _polygon(direction, 6, draw.even(count, 6, limits=(0.5, 1.2)))
    wave = torch.arange(2, 6).to(direction)  # lobes
    phase = wave * direction[..., None] + draw.even(count, 1, 4) * math.tau
    blob = 1 + (draw.even(count, 1, 4, limits=(0.0, 0.8)) / wave * phase.cos()).sum(dim=-1)
    outlines = torch.stack((ellipse, bar, polygon, blob), dim=1)
    return outlines[torch.arange(count, device=outlines.device), draw.whole(0, len(KINDS), count)]


def _polygon(direction: torch.Tensor, sides: int, distance: torch.Tensor) -> torch.Tensor:
    """Where rays in each direction (R, D) leave the sides at these distances (R, sides) and evenly spread angles."""
    slope = (direction[..., None] - torch.arange(sides).to(direction) * (math.tau / sides)).cos()
    return (distance[:, None] / slope.clamp(min=1e-3)).amin(dim=-1)  # a side behind the ray is out of reach


def _fillings(
    below: torch.Tensor, others: torch.Tensor, is_shadow: torch.Tensor, settings: OcclusionSettings, draw: _Draw
) -> torch.Tensor:
    """What shapes show, (R, 3, H, W): the photographs below them, darker; noise; a piece of another; or a colour."""
    count, size = len(below), below.shape[2:]
    share = draw.even(count)
    light, noise = draw.even(count, 1, 1, 1, limits=LIGHT), ~is_shadow & (share < settings.textures / 2)
    piece = ~is_shadow & ~noise & (share < settings.textures)
    cells = int(draw.whole(*CELLS))
    down, across = (int(draw.whole(0, length)) for length in size)
    above = _colours(count, 1, draw).repeat(1, 1, *size)
    above[is_shadow] = below[is_shadow] * light[is_shadow]
    above[piece] = others[piece].roll((down, across), dims=(2, 3))
    if noise.any():
        grid = _colours(int(noise.sum()), cells, draw)
        above[noise] = functional.interpolate(grid, size=size, mode="bilinear", align_corners=False)
    return above


def _colours(count: int, cells: int, draw: _Draw) -> torch.Tensor:
    """(count, 3, cells, cells), from grey to gaudy."""
    gaudy = draw.even(count, 3, cells, cells)
    return gaudy[:, :1].lerp(gaudy, draw.even(count, 1, 1, 1))
