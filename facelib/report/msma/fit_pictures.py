"""A fitted face over its photograph, in other light, and turned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.data.photographs import FaceBox, square_crop
from facelib.geometry.lighting import ambient_and_directional
from facelib.papers.msma.fitted_face import FittedFace
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.overlay import laid_over, named_pictures
from facelib.report.style import stamp

LARGEST = 1600  # pixels of the longer side of a photograph with a face over it
SIDE = 320  # pixels of a panel
LIGHTS = {  # towards the light: x right in the image, y up, z towards the camera
    "from the left": (-1.0, 0.2, 0.5),
    "from the right": (1.0, 0.2, 0.5),
    "from above": (0.0, 1.0, 0.7),
    "from below": (0.0, -1.0, 0.7),
}
AMBIENT, DIRECTED = 0.35, 1.2  # of these lights, in the strength of the one that was found
YAWS = (-60.0, -30.0, 0.0, 30.0, 60.0)  # degrees


def overlay(face: FittedFace) -> torch.Tensor:
    """The rendering over the whole photograph, (3, H, W) in [0, 1], at its resolution or up to `LARGEST`."""
    photograph, surface = face.photograph, face.surface
    factor = min(1.0, LARGEST / max(photograph.pixels.shape[1:]))
    height, width = (max(1, round(factor * each)) for each in photograph.pixels.shape[1:])
    shown = functional.interpolate(photograph.pixels[None], size=(height, width), mode="bilinear", antialias=True)[0]
    points = face.crop.to_photograph(surface.points) * (width / photograph.width)
    return laid_over(shown.clamp(0, 1), points, surface.triangles, surface.lit(face.light))


def draw_relit(face: FittedFace, label: str) -> Figure:
    """The photograph's crop and the face in the light that was found and in others, with both of its reflectances."""
    surface = face.surface
    left, top = face.crop.offset
    side = face.crop.scale * face.renderer.size
    square = FaceBox(left, top, left + side, top + side)
    crop = square_crop(face.photograph, square, SIDE, enlarge=1.0, as_border=True).image.clamp(0, 1)
    lights = {"light as found": face.light} | other_lights(face)
    points = surface.points * (SIDE / face.renderer.size)

    def over(picture: torch.Tensor, light: torch.Tensor, albedo: torch.Tensor) -> torch.Tensor:
        return laid_over(picture, points, surface.triangles, surface.lit(light, albedo))

    white = torch.ones_like(crop)
    rows = [
        [first, *(over(white, light, albedo) for light in lights.values())]
        for first, albedo in (
            (crop, face.reflectance),
            (over(crop, face.light, surface.albedo), surface.albedo),
        )
    ]
    return _named(rows, ("its colours", "model's albedo"), ("in the photograph", *lights), label)


def other_lights(face: FittedFace) -> dict[str, torch.Tensor]:
    """Lights (9, 3) from other sides, as strong as the one that was found."""
    even, colour = AMBIENT * face.strength, DIRECTED * face.strength
    return {name: ambient_and_directional(even, torch.tensor(towards), 1.0, colour) for name, towards in LIGHTS.items()}


def face_meshes(face: FittedFace, name: str = "") -> list[FaceMesh]:
    """A face in the photograph's colours, in its albedo, and in clay; their titles begin with the name."""
    surface = face.surface
    colours = {"photograph's colours": face.colours, "albedo": face.albedo, "shape": None}
    return [FaceMesh(f"{name}{title}", surface.vertices, surface.triangles, each) for title, each in colours.items()]


def draw_turned(face: FittedFace, label: str) -> Figure:
    """The face turned to both sides, in the photograph's colours and in clay."""
    coloured, _, shape = face_meshes(face)
    rows = [[shaded_picture(mesh, yaw, SIDE) for yaw in YAWS] for mesh in (coloured, shape)]
    columns = [f"{yaw:+.0f}°" if yaw else "from the front" for yaw in YAWS]
    return _named(rows, ("its colours", "shape"), columns, label)


def _named(rows: list[list[torch.Tensor]], names: Sequence[str], columns: Sequence[str], label: str) -> Figure:
    figure = named_pictures(rows, names, columns, 6.5)
    stamp(figure, label)
    return figure
