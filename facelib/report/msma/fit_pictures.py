"""A fitted face over its photograph, in other light, and turned."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.data.photographs import FaceBox, square_crop
from facelib.geometry.lighting import ambient_and_directional, sh_basis
from facelib.papers.msma.fitted_face import FittedFace
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.sadrnet.overlay import laid_over
from facelib.report.style import pixels, stamp, switch_off

LARGEST = 1600  # pixels of the longer side of a photograph with a face over it
SIDE = 384  # pixels of a panel
LIGHTS = {  # towards the light: x right in the image, y up, z towards the camera
    "from the left": (-1.0, 0.2, 0.5),
    "from the right": (1.0, 0.2, 0.5),
    "from above": (0.0, 1.0, 0.5),
    "from below": (0.0, -1.0, 0.5),
}
AMBIENT, DIRECTED = 0.25, 0.9  # of these lights, in the strength of the one that was found
YAWS = (-60.0, -30.0, 0.0, 30.0, 60.0)  # degrees


def overlay(face: FittedFace) -> torch.Tensor:
    """The rendering over the whole photograph, (3, H, W) in [0, 1], at its resolution or up to `LARGEST`."""
    photograph, surface = face.photograph, face.surface
    factor = min(1.0, LARGEST / max(photograph.pixels.shape[1:]))
    height, width = (max(1, round(factor * each)) for each in photograph.pixels.shape[1:])
    shown = functional.interpolate(photograph.pixels[None], size=(height, width), mode="bilinear", antialias=True)[0]
    points = face.crop.to_photograph(surface.points) * (width / photograph.width)
    return laid_over(shown.clamp(0, 1), points, surface.triangles, surface.lit(face.light))


def draw_relit(face: FittedFace, title: str, label: str) -> Figure:
    """The photograph's crop, the face in the light that was found, and in four others."""
    surface = face.surface
    left, top = face.crop.offset
    side = face.crop.scale * face.renderer.size
    square = FaceBox(left, top, left + side, top + side)
    crop = square_crop(face.photograph, square, SIDE, enlarge=1.0, as_border=True).image.clamp(0, 1)
    strength = (sh_basis(surface.normals) @ face.light).median().clamp(min=0.1)
    even, white = AMBIENT * strength * torch.ones(3), torch.ones(3)
    lights = {
        name: ambient_and_directional(even, torch.tensor(towards), DIRECTED * strength, white)
        for name, towards in LIGHTS.items()
    }
    points = surface.points * (SIDE / face.renderer.size)
    pictures = {"photograph": crop} | {
        name: laid_over(torch.ones_like(crop), points, surface.triangles, surface.lit(light))
        for name, light in ({"light as found": face.light} | lights).items()
    }
    return _drawn([list(pictures.values())], list(pictures), title, label)


def draw_turned(face: FittedFace, title: str, label: str) -> Figure:
    """The face turned to both sides, in the photograph's colours and in clay."""
    surface = face.surface
    coloured = FaceMesh("colours", surface.vertices, surface.triangles, face.colours)
    shape = FaceMesh("shape", surface.vertices, surface.triangles)
    rows = [[shaded_picture(mesh, yaw, SIDE) for yaw in YAWS] for mesh in (coloured, shape)]
    return _drawn(rows, [f"{yaw:+.0f}°" if yaw else "from the front" for yaw in YAWS], title, label)


def _drawn(rows: list[list[torch.Tensor]], names: list[str], title: str, label: str) -> Figure:
    """Rows of pictures under their columns' names."""
    figure, panels = plt.subplots(
        len(rows), len(names), figsize=(1.9 * len(names), 1.95 * len(rows) + 0.5), squeeze=False, layout="constrained"
    )
    switch_off(panels.ravel())
    for line, pictures in zip(panels, rows, strict=True):
        for panel, picture in zip(line, pictures, strict=True):
            panel.imshow(pixels(picture))
    for panel, name in zip(panels[0], names, strict=True):
        panel.set_title(name, fontsize=8, fontweight="normal", loc="center", pad=3)
    figure.suptitle(title, fontsize=9, x=0.005, ha="left", fontweight="bold")
    stamp(figure, label)
    return figure
