"""A face to turn, and still pictures of faces: strips, frames with their axes, landmarks.

Still pictures go through `facelib.faces.scene.render` with everything random switched off. A turnable face carries
such a picture with it, which pages without scripts show instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.conventions import LANDMARK_GROUPS
from facelib.errors import BadInput, check_finite, check_shape
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.scene import GAMMA, Rendering, SceneSettings, render
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.report.interactive_picture import InteractivePicture, still_png
from facelib.report.meshes import hex_colours, plotly_mesh
from facelib.report.style import PALETTE, stamp, switch_off

if TYPE_CHECKING:
    import plotly.graph_objects as go

STUDIO = SceneSettings(
    distance=(1000.0, 1000.0), crop=1.6, crop_jitter=0.0, light_variation=0.0, metering=0.0, exposure=0.0,
    white_balance=0.0, noise=0.0, blur=0.0, supersample=1,
)  # fmt: skip
ENLARGE = 3  # pictures are rendered larger and averaged, so that the outline on white is smooth
AXIS_LENGTH = 90.0  # mm
AXIS_COLOURS = (PALETTE[5], PALETTE[2], PALETTE[0])  # x, y, z


def photograph(
    model: MorphableModel,
    vertices: torch.Tensor,
    albedo: torch.Tensor,
    pose: torch.Tensor | None = None,
    size: int = 160,
    crop: float = STUDIO.crop,
) -> Rendering:
    """Photograph heads from one metre in frontal light on white, the same every time.

    Args:
        model: the face model.
        vertices: (B, V, 3) mm, face frame.
        albedo: (B or 1, V, 3) linear RGB.
        pose: (B, 3) yaw, pitch, roll in degrees; frontal when missing.
        size: of the pictures in pixels.
        crop: side of the picture over the larger side of the landmarks' box.

    Returns:
        Pictures (B, 3, size, size), and what is known of them in their pixels.

    Raises:
        BadInput: on wrong shapes or NaN.
    """
    check_shape("vertices", vertices, (None, None, 3))
    check_finite("vertices", vertices)
    pose = torch.zeros(len(vertices), 3) if pose is None else pose
    check_finite("pose", pose)
    settings = replace(STUDIO, image_size=ENLARGE * size, crop=crop)
    shot = render(
        model, vertices, albedo.expand(len(vertices), -1, -1), torch.deg2rad(pose), settings,
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    on_white = torch.where(shot.mask[:, None], shot.image, 1.0)
    return replace(
        shot,
        image=functional.avg_pool2d(on_white, ENLARGE),
        depth=shot.depth[:, ::ENLARGE, ::ENLARGE],
        mask=shot.mask[:, ::ENLARGE, ::ENLARGE],
        landmarks=shot.landmarks / ENLARGE,
        focal=shot.focal / ENLARGE,
        center=shot.center / ENLARGE,
    )


def turnable_faces(
    model: MorphableModel, vertices: torch.Tensor, albedo: torch.Tensor, titles: Sequence[str], label: str
) -> InteractivePicture:
    """Faces side by side as meshes coloured by their albedo, in the face frame.

    Args:
        model: the face model, coarse to keep notebooks small.
        vertices: (B, V, 3) mm.
        albedo: (B, V, 3) linear RGB.
        titles: B names.
        label: what the still picture is stamped with.

    Raises:
        BadInput: on wrong shapes, NaN, or another number of titles.
    """
    from plotly.subplots import make_subplots

    check_shape("albedo", albedo, (len(vertices), len(model.mean), 3))
    _check_titles(titles, len(vertices))
    frontal, turned = (
        photograph(model, vertices, albedo, torch.tensor([[yaw, 0.0, 0.0]]).expand(len(vertices), 3), size=240).image
        for yaw in (0.0, -40.0)
    )
    figure = make_subplots(
        cols=len(titles), specs=[[{"type": "scene"}] * len(titles)], subplot_titles=list(titles), horizontal_spacing=0
    )
    for column, (points, colour) in enumerate(zip(vertices, albedo, strict=True), start=1):
        figure.add_trace(face_mesh(model, points, colour), row=1, col=column)
    figure.update_scenes(
        aspectmode="data",
        camera={"eye": {"x": 0.5, "y": 0.15, "z": 1.7}, "up": {"x": 0, "y": 1, "z": 0}},
        **{f"{axis}axis": {"title": f"{axis} (mm)", "backgroundcolor": "white"} for axis in "xyz"},
    )
    figure.update_layout(height=460, margin={"l": 0, "r": 0, "t": 30, "b": 0})
    figure.layout.template = None  # plotly's own template alone is 7 kB of text
    still = draw_strip(
        torch.stack((frontal, turned), dim=1).flatten(0, 1), [text for name in titles for text in (name, "")], label,
        side=2.0,
    )  # fmt: skip
    return InteractivePicture(figure, still_png(still, 130), f"{len(figure.data)} faces to turn")


def face_mesh(model: MorphableModel, vertices: torch.Tensor, albedo: torch.Tensor) -> go.Mesh3d:
    """One face as a plotly mesh: coordinates in tenths of a millimetre, colours of 8 bits, to keep notebooks small.

    Args:
        model: the face model, for its triangles.
        vertices: (V, 3) mm.
        albedo: (V, 3) linear RGB.
    """
    check_shape("vertices", vertices, (len(model.mean), 3))
    check_shape("albedo", albedo, (len(model.mean), 3))
    check_finite("vertices", vertices)
    colours = hex_colours(albedo.clamp(0, 1) ** (1 / GAMMA))
    look = {"vertexcolor": colours, "hoverinfo": "x+y+z"}
    return plotly_mesh(vertices, model.triangles, decimals=1, specular=0.08, roughness=0.7, **look)


def draw_strip(
    images: torch.Tensor, titles: Sequence[str], label: str, *, columns: int | None = None, side: float = 1.15
) -> Figure:
    """Pictures in rows, each with a title.

    Args:
        images: (B, 3, H, W) in [0, 1].
        titles: B short texts.
        label: for the stamp.
        columns: pictures a row; all in one row when missing.
        side: of a picture in inches.

    Raises:
        BadInput: on wrong shapes or another number of titles.
    """
    check_shape("images", images, (None, 3, None, None))
    _check_titles(titles, len(images))
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    size = (side * columns, (side + 0.2) * rows)
    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    switch_off(panels.flat)
    for panel, image, title in zip(panels.flat, images, titles, strict=False):
        panel.imshow(image.permute(1, 2, 0).numpy())
        panel.set_title(title, fontsize=8, fontweight="normal", loc="center", pad=3)
    stamp(figure, label)
    return figure


def draw_landmarks(shot: Rendering, label: str) -> Figure:
    """The 68 landmarks on the first picture of a rendering, one colour a group, numbered."""
    figure, panel = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
    panel.imshow(shot.image[0].permute(1, 2, 0).numpy(), extent=_extent(shot), alpha=0.75)
    for place, (name, numbers) in enumerate(LANDMARK_GROUPS.items()):
        u, v = shot.landmarks[0, list(numbers)].T.numpy()
        colour = (*PALETTE, "#000000")[place]
        text = f"{name.replace('_', ' ')} {numbers[0]}-{numbers[-1]}"
        panel.plot(u, v, "o-", ms=3.2, lw=0.8, color=colour, label=text)
        for number, x, y in zip(numbers, u, v, strict=True):
            panel.annotate(str(number), (x, y), (2, 2), textcoords="offset points", fontsize=5, color="#222222")
    panel.axis("off")
    figure.legend(loc="outside right center", fontsize=8)
    stamp(figure, label)
    return figure


def draw_frames(model: MorphableModel, vertices: torch.Tensor, albedo: torch.Tensor, label: str) -> Figure:
    """The face frame from the front and from the side, and the camera frame with its pixels.

    Args:
        model: the face model.
        vertices: (1, V, 3) mm.
        albedo: (1, V, 3).
        label: for the stamp.
    """
    pose = torch.tensor([[0.0, 0.0, 0.0], [90.0, 0.0, 0.0]])
    shot = photograph(model, vertices.expand(2, -1, -1), albedo, pose, size=260, crop=2.0)
    figure, panels = plt.subplots(1, 3, figsize=(9.4, 3.3), layout="constrained")
    titles = ("Face frame, from the front", "Face frame, yaw 90°", "Camera frame and pixels")
    for panel, picture, title in zip(panels, (0, 1, 0), titles, strict=True):
        faint = 0.4 if panel is panels[2] else 0.85
        panel.imshow(shot.image[picture].permute(1, 2, 0).numpy(), extent=_extent(shot), alpha=faint)
        panel.set_title(title)
        panel.axis("off")
    tips = torch.cat((torch.zeros(1, 3), AXIS_LENGTH * torch.eye(3)))[None].expand(2, -1, -1)
    place = torch.stack((torch.zeros(2), torch.zeros(2), shot.distance), dim=1)
    camera = PerspectiveCamera(shot.focal, *shot.center.unbind(1))
    for panel, axes in zip(panels, camera.project(face_to_camera(tips, shot.rotation, place)).numpy(), strict=False):
        _draw_axes(panel, axes, ("x", "y", "z"))
    corner = np.array([14.0, 14.0, 0.0])  # drawn inside the picture; its true place is the camera's
    _draw_axes(panels[2], corner + np.concatenate((np.zeros((1, 3)), 65 * np.eye(3))), ("x, u", "y, v", "z"))
    stamp(figure, f"face axes of {AXIS_LENGTH:.0f} mm; {label}")
    return figure


def _draw_axes(panel: Axes, points: np.ndarray, names: Sequence[str]) -> None:
    """Arrows for the origin and three tips (4, 3: u, v, depth).

    An axis along the line of sight is a ring, with a cross where it goes into the page and a dot where it comes out.
    """
    (*origin, depth), *tips = points.tolist()
    for (u, v, tip_depth), name, colour in zip(tips, names, AXIS_COLOURS, strict=True):
        if np.hypot(u - origin[0], v - origin[1]) < 12:  # pixels
            mark, text = ("x", f"{name} into the page") if tip_depth > depth else (".", f"{name} out of the page")
            panel.plot(*origin, "o", ms=10, mfc="white", mec=colour, mew=1.6, zorder=4)
            panel.plot(*origin, mark, ms=5, color=colour, mew=1.6, zorder=5)
            panel.annotate(text, (origin[0], origin[1]), (8, -12), textcoords="offset points", fontsize=8, color=colour)
        else:
            arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
            panel.annotate("", (u, v), (origin[0], origin[1]), arrowprops=arrow)
            panel.annotate(name, (u, v), (4, 3), textcoords="offset points", fontsize=9, color=colour, weight="bold")


def _extent(shot: Rendering) -> tuple[float, float, float, float]:
    """Pixel (i, j) has its centre at (j + 0.5, i + 0.5), as conventions.py says."""
    height, width = shot.image.shape[-2:]
    return 0.0, float(width), float(height), 0.0


def _check_titles(titles: Sequence[str], count: int) -> None:
    if len(titles) != count:
        raise BadInput(f"{len(titles)} titles for {count} pictures: expected one each")
