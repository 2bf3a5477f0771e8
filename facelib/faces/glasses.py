"""Glasses and sunglasses, fitted to each head.

The frame's front lies on a curved wall just before brows, eyes and cheeks, its temples run from there over the ears.
Nothing of it enters the face, whatever the expression; the nose stands between the rims.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from facelib.conventions import LANDMARK_GROUPS, OUTER_EYE_CORNERS
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join, sheet, tube

RIM_POINTS = 32
CLEARANCE = 2.5  # mm between the frame and the skin
NASION = 27  # landmark, between the eyes
UPWARDS, FORWARDS = torch.tensor([0.0, 1.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
FRAME_COLOURS = torch.tensor(  # linear RGB: black, black, tortoiseshell, steel, gold, wine, navy, clear plastic
    [
        *([0.010, 0.010, 0.011], [0.015, 0.014, 0.014], [0.085, 0.035, 0.014], [0.25, 0.25, 0.26]),
        *([0.42, 0.28, 0.10], [0.16, 0.015, 0.025], [0.015, 0.03, 0.11], [0.50, 0.47, 0.44]),
    ]
)
LENS_COLOURS = torch.tensor([[0.012, 0.012, 0.013], [0.030, 0.014, 0.006], [0.008, 0.016, 0.010], [0.010, 0.014, 0.03]])


@dataclass(frozen=True)
class _Front:
    """The fronts of B frames; all but the first two are (B,), mm.

    Args:
        eye: (B, 3) between the eyes, and ear (B, 2, 3) tops of the right and the left ear.
        side: half the width between the temples at the ears.
        wall: z of the front at the nose, and curve, by how much it falls behind with x squared, 1/mm.
        centre: x of the middle of a rim, half_width, half_height of it.
        corner: exponent of the rim's superellipse, 2 (round) and up (square).
    """

    eye: torch.Tensor
    ear: torch.Tensor
    side: torch.Tensor
    wall: torch.Tensor
    curve: torch.Tensor
    centre: torch.Tensor
    half_width: torch.Tensor
    half_height: torch.Tensor
    corner: torch.Tensor

    def at(self, x: torch.Tensor, y: torch.Tensor, before: float = 0.0) -> torch.Tensor:
        """Points (B, ..., 3) of the wall at these x and y (B, ...), or so many mm before it."""
        one_a_frame = (-1, *[1] * (x.dim() - 1))
        z = self.wall.view(one_a_frame) - self.curve.view(one_a_frame) * x**2 + before
        return torch.stack((x, y, z), dim=-1)


def glasses(model: MorphableModel, heads: torch.Tensor, dark: bool, generator: torch.Generator) -> Surface:
    """Glasses for heads (B, V, 3), each pair of a shape and colour of its own.

    Args:
        model: the face model of the heads.
        heads: (B, V, 3) mm, face frame.
        dark: sunglasses; else there is nothing to be seen in the rims.
        generator: of shapes and colours.
    """
    batch = len(heads)
    draw = torch.rand(8, batch, generator=generator)
    front = _fit(model, heads, dark, draw)
    thickness = 0.8 + 1.5 * draw[4] ** 2
    colour = FRAME_COLOURS[(draw[5] * len(FRAME_COLOURS)).long()]
    colour = colour * (0.7 + 0.6 * torch.rand(batch, 1, generator=generator))
    parts = [_bridge(front, heads[:, model.landmarks[NASION]], thickness, colour)]
    lens = LENS_COLOURS[(draw[6] * len(LENS_COLOURS)).long()]
    for number, side in enumerate((-1.0, 1.0)):
        rim = _rim(front, side)
        parts.append(tube(rim, FORWARDS, thickness + 0.5, thickness, colour, closed=True))
        parts.append(_temple(front, number, side, thickness, colour))
        if dark:
            parts.append(_lens(front, rim, side, lens, draw[7]))
    return join(*parts)


def _fit(model: MorphableModel, heads: torch.Tensor, dark: bool, draw: torch.Tensor) -> _Front:
    """The front that suits each head: rims around the eyes, a wall that the face does not reach."""
    mean, landmarks = model.mean, heads[:, model.landmarks]
    eyes = [*LANDMARK_GROUPS["right_eye"], *LANDMARK_GROUPS["left_eye"]]
    eye = landmarks[:, eyes].mean(dim=1)
    right, left = OUTER_EYE_CORNERS
    reach = (landmarks[:, left, 0] - landmarks[:, right, 0]) / 2  # of the outer corners from the middle
    x, y, z = mean.unbind(1)
    level = float(mean[model.landmarks[eyes], 1].mean())
    outside = model.regions["cavities"] + model.regions["ears"] < 0.5
    temples = outside & ((y - level).abs() < 10) & (z > -5) & (z < 75)
    around_eyes = outside & (x.abs() > 13) & (x.abs() < 66) & ((y - level).abs() < 23) & (z > 40)

    curve = (0.0024 if dark else 0.0017) + 0.0006 * draw[0]
    near = heads[:, around_eyes]
    wall = (near[..., 2] + curve[:, None] * near[..., 0] ** 2).amax(dim=1) + CLEARANCE
    inner, outer = 0.19 * reach, (1.38 if dark else 1.27) * reach + 3 * draw[1]
    ears = model.regions["ears"] > 0.5
    tops = [torch.where(ears & (side * x > 0), y, -torch.inf).argmax() for side in (-1, 1)]
    return _Front(
        eye=eye,
        ear=heads[:, torch.stack(tops)],
        side=heads[:, temples, 0].abs().amax(dim=1) + CLEARANCE,
        wall=wall,
        curve=curve,
        centre=(inner + outer) / 2,
        half_width=(outer - inner) / 2,
        half_height=(18.5 if dark else 14.5) + (4 if dark else 6) * draw[2],
        corner=2.1 + 2.2 * draw[3],
    )


def _rim(front: _Front, side: float) -> torch.Tensor:
    """The middle line (B, RIM_POINTS, 3) of a rim: a superellipse, clockwise in a frontal image."""
    turn = torch.arange(RIM_POINTS) * (-2 * math.pi / RIM_POINTS)
    cosine, sine = turn.cos(), turn.sin()
    wide, high, corner = (value[:, None] for value in (front.half_width, front.half_height, front.corner))
    radius = ((cosine.abs() / wide) ** corner + (sine.abs() / high) ** corner) ** (-1 / corner)
    x = side * front.centre[:, None] + radius * cosine
    return front.at(x, front.eye[:, None, 1] - 2 + radius * sine)


def _lens(front: _Front, rim: torch.Tensor, side: float, colour: torch.Tensor, gradient: torch.Tensor) -> Surface:
    """A dark glass: darkest on top, as much lighter below as `gradient` (B,) from 0 to 1 says."""
    middle = front.at(side * front.centre, front.eye[:, 1] - 2)[:, None]
    rings = torch.stack([torch.lerp(middle, rim, share) for share in (0.0, 0.35, 0.7, 1.0)], dim=1)  # (B, 4, P, 3)
    rings = front.at(rings[..., 0], rings[..., 1])
    height = (rings[..., 1] - middle[:, None, :, 1]) / front.half_height[:, None, None]  # -1 to 1
    light = 1 + 4 * gradient[:, None, None] * (0.5 - 0.5 * height)
    return sheet(rings.flip(1), colour[:, None, None] * light[..., None], columns_closed=True)


def _bridge(front: _Front, nasion: torch.Tensor, thickness: torch.Tensor, colour: torch.Tensor) -> Surface:
    """The arch over the nose, from rim to rim."""
    inner = front.centre - front.half_width
    share = torch.linspace(-1, 1, 7)
    x = inner[:, None] * share
    y = (front.eye[:, 1] + 0.25 * front.half_height)[:, None] + 2.5 * (1 - share**2)
    path = front.at(x, y)
    over_nose = (nasion[:, 2] + CLEARANCE - front.wall).clamp(min=0)
    path[..., 2] += over_nose[:, None] * (1 - share**2)
    return tube(path, UPWARDS, 1.1 * thickness, thickness, colour)


def _temple(front: _Front, number: int, side: float, thickness: torch.Tensor, colour: torch.Tensor) -> Surface:
    """From the rim's outer end around the hinge, back along the head, over the ear and down behind it."""
    ear = front.ear[:, number]
    rim = front.at(side * (front.centre + 0.97 * front.half_width), front.eye[:, 1] + 0.3 * front.half_height)
    hinge = front.at(side * 0.92 * front.side, rim[:, 1])
    wide = side * front.side

    def beside(offset: tuple[float, float]) -> torch.Tensor:
        return torch.stack((wide, ear[:, 1] + offset[0], ear[:, 2] + offset[1]), dim=1)

    last = [beside(offset) for offset in ((-3.0, 14.0), (-6.0, 3.0), (-17.0, -7.0), (-31.0, -13.0))]
    behind_hinge = torch.lerp(hinge, last[0], 0.06)
    path = torch.stack((rim, torch.lerp(rim, hinge, 0.85), behind_hinge, torch.lerp(hinge, last[0], 0.5), *last), dim=1)
    return tube(path, UPWARDS, 1.4 * thickness, 0.9 * thickness.clamp(max=1.5), colour)
