"""What paper 3's method notebook shows: texels, deformation, regions, targets of the mask, self-alignment, choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch.nn import functional

from facelib.errors import BadInput, check_shape
from facelib.geometry.alignment import Similarity, self_alignment
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance
from facelib.geometry.uv_maps import UVLayout
from facelib.geometry.visibility import facing_visibility
from facelib.models.face_template import FaceTemplate
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.style import PALETTE, pixels, stamp, switch_off

SIDE = 320  # pixels of a face
TURNS = (0.0, 50.0)  # degrees of yaw in which texels are shown
REGIONS = ("neck", "cheek, chin, forehead", "eyes, nose, mouth", "landmarks")
REGION_COLOURS = ("#D9D9D9", "#9ECAE1", "#3182BD", "#D55E00")
GREY = "#8C8C8C"


class Hidden(NamedTuple):
    """Landmarks of one face of which some are hidden.

    Args:
        shape: K_S, (68, 3) mm, face frame.
        pose: the true similarity.
        image: K_P, (68, 3) pixels without error.
        seen: (68,) 1 where a landmark's normal faces the viewer, else 0.
    """

    shape: torch.Tensor
    pose: Similarity
    image: torch.Tensor
    seen: torch.Tensor


def position_colours(maps: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
    """A position map (3, S, S) as red, green and blue (S, S, 3), each coordinate over its range; white off the face."""
    values = maps[:, mask]
    low, high = values.amin(dim=1)[:, None, None], values.amax(dim=1)[:, None, None]
    return ((maps - low) / (high - low)).where(mask, 1).permute(1, 2, 0).numpy()


def draw_texels(layout: UVLayout, maps: torch.Tensor, texels: Sequence[tuple[int, int]], label: str) -> Figure:
    """Some texels on the map, and the places that they hold, on the face from the front and turned.

    Args:
        layout: of the map.
        maps: (3, S, S) mm, face frame.
        texels: row and column of each, on the face.
        label: for the stamp.

    Raises:
        BadInput: for a texel off the face.
    """
    for row, column in texels:
        if not layout.mask[row, column]:
            raise BadInput(f"texel ({row}, {column}) shows nothing: expected one of the face")
    points = layout.texel_points(maps[None])[0]
    mesh = FaceMesh("face", points, layout.grid_triangles)
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 2.9), layout="constrained")
    panels[0].imshow(position_colours(maps, layout.mask))
    panels[0].set_title("position map", loc="center")
    for panel, yaw in zip(panels[1:], TURNS, strict=True):
        panel.imshow(pixels(shaded_picture(mesh, yaw, SIDE)))
        panel.set_title(f"face, turned by {yaw:.0f}°" if yaw else "face", loc="center")
    for number, (row, column) in enumerate(texels):
        places = [(column, row), *(place_on_picture(points, maps[:, row, column], yaw) for yaw in TURNS)]
        for panel, place in zip(panels, places, strict=True):
            panel.plot(*place, "o", ms=6, color=PALETTE[number], mec="white", mew=0.8)
            panel.annotate(str(number), place, (5, 3), textcoords="offset points", fontsize=8, color="black")
    switch_off(panels)
    stamp(figure, label)
    return figure


def draw_deformation(layout: UVLayout, mean: torch.Tensor, shape: torch.Tensor, label: str) -> Figure:
    """Mean face, length of the deformation on the map, and their sum; maps (3, S, S) mm."""
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 2.9), layout="constrained")
    for panel, maps, title in zip(panels[::2], (mean, shape), ("mean face", "shape S"), strict=True):
        mesh = FaceMesh(title, layout.texel_points(maps[None])[0], layout.grid_triangles)
        panel.imshow(pixels(shaded_picture(mesh, 20.0, SIDE)))
        panel.set_title(title, loc="center")
    length = (shape - mean).norm(dim=0).where(layout.mask, torch.nan)
    drawn = panels[1].imshow(length.numpy(), cmap="magma", vmin=0)
    panels[1].set_title("length of the deformation D", loc="center")
    figure.colorbar(drawn, ax=panels[1], fraction=0.046, pad=0.02, label="mm")
    switch_off(panels)
    stamp(figure, label)
    return figure


def draw_regions(layout: UVLayout, weights: torch.Tensor, values: Sequence[float], label: str) -> Figure:
    """The regions on the map by their weight, and how many texels each has.

    Args:
        layout: of the map.
        weights: (S, S), those of `region_weight_map`.
        values: of landmarks; eyes, nose and mouth; cheek, chin and forehead; neck.
        label: for the stamp.
    """
    figure, panel = plt.subplots(figsize=(5.4, 2.9), layout="constrained")
    picture = np.ones((*weights.shape, 3))
    handles = []
    for name, colour, value in zip(REGIONS, REGION_COLOURS, reversed(values), strict=True):
        chosen = (layout.mask & (weights == value)).numpy()
        picture[chosen] = to_rgb(colour)
        share = chosen.sum() / layout.mask.sum()
        handles.append(Patch(color=colour, label=f"{name}: {value:g}  ({share:.1%} of texels)"))
    panel.imshow(picture)
    figure.legend(handles=handles[::-1], loc="outside right center", fontsize=8)
    switch_off([panel])
    stamp(figure, label)
    return figure


def draw_targets(
    images: torch.Tensor, skin: torch.Tensor, covered: torch.Tensor, left: torch.Tensor, label: str
) -> Figure:
    """Photographs, their skin, both under random shapes, and the target at the mask's resolution; a line a photograph.

    Args:
        images, covered: (B, 3, H, W) without and with the shapes.
        skin, left: (B, H, W) the skin seen without and with them.
        label: for the stamp.
    """
    check_shape("covered", covered, tuple(images.shape))
    cells = functional.avg_pool2d(left[:, None], 8)[:, 0]
    size = (7.6, 1.62 * len(images))
    figure, panels = plt.subplots(len(images), 5, figsize=size, squeeze=False, layout="constrained")
    titles = ("photograph", "visible skin", "with random shapes", "skin left", "target $\\hat{A}$")
    for panel, title in zip(panels[0], titles, strict=True):
        panel.set_title(title, loc="center", fontsize=8)
    for line, image, before, shown, after, target in zip(panels, images, skin, covered, left, cells, strict=True):
        for panel, picture in zip(line[::2], (image, shown), strict=False):
            panel.imshow(pixels(picture))
        for panel, mask in zip((line[1], line[3], line[4]), (before, after, target), strict=True):
            drawn = panel.imshow(mask.numpy(), cmap="viridis", vmin=0, vmax=1)
    figure.colorbar(drawn, ax=panels[:, -1], fraction=0.046, pad=0.03, ticks=[0, 0.5, 1])
    switch_off(panels.flat)
    stamp(figure, label)
    return figure


def hidden_landmarks(template: FaceTemplate, shape: torch.Tensor, yaw: float, size: float) -> Hidden:
    """A face in a photograph, turned so far that one side of it is hidden.

    Args:
        template: of the maps.
        shape: S, (3, T, T) mm.
        yaw: degrees.
        size: of the photograph in pixels, which the face fills.
    """
    to_image = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    rotation = to_image @ euler_to_matrix(*torch.deg2rad(torch.tensor([yaw, 5.0, -8.0])))
    pose = Similarity(torch.tensor([size / 220]), rotation[None], torch.tensor([[size / 2, size / 2, 0.0]]))
    points = pose.apply(shape.flatten(1).T[None])
    normals = template.landmark_normals(points.mT.unflatten(2, shape.shape[1:]))
    landmarks = template.landmarks_of(shape[None])
    return Hidden(landmarks[0], pose, pose.apply(landmarks)[0], facing_visibility(-normals)[0])


def augmented(face: Hidden, error: float, trials: int, seed: int) -> torch.Tensor:
    """Its landmarks in the image (trials, 68, 3), the hidden ones with Gaussian errors of so many pixels."""
    noise = torch.randn(trials, *face.image.shape, generator=torch.Generator().manual_seed(seed))
    return face.image + error * noise * (1 - face.seen)[:, None]


def alignment_errors(
    face: Hidden, pixels: torch.Tensor, visibility: torch.Tensor, scale: str = "ratio"
) -> torch.Tensor:
    """What self-alignment makes of landmarks in the image: angle from the true rotation and error of the scale.

    Args:
        face: the truth.
        pixels: (N, 68, 3).
        visibility: (68,), the weights without eps.
        scale: of `self_alignment`.

    Returns:
        (2, N): degrees, and the scale's error in percent, with its sign.
    """
    count = len(pixels)
    shape, weights = face.shape.expand(count, -1, -1), visibility.expand(count, -1)
    found = self_alignment(shape, pixels, weights, scale=scale)
    angle = geodesic_distance(face.pose.rotation, found.rotation).rad2deg()
    return torch.stack((angle, 100 * (found.scale / face.pose.scale - 1)))


def draw_self_alignment(
    face: Hidden, pixels: torch.Tensor, weightings: Mapping[str, torch.Tensor], curves: Mapping[str, Sequence[float]],
    errors: Sequence[float], label: str,
) -> Figure:  # fmt: skip
    """Disturbed landmarks and where the shape comes to lie by each weighting; and the mean angle over the augmentation.

    Args:
        face: the truth.
        pixels: (68, 3), augmented.
        weightings: name -> visibilities (68,).
        curves: name -> mean error in degrees for each augmentation.
        errors: the disturbances, pixels.
        label: for the stamp.
    """
    figure, panels = plt.subplots(
        1, 2 + len(weightings), figsize=(2.05 * (2 + len(weightings)), 2.7), layout="constrained",
        width_ratios=(*[1] * (1 + len(weightings)), 1.25),
    )  # fmt: skip
    seen = face.seen.bool()
    _scatter(panels[0], face.image, GREY, "true")
    for chosen, colour, name in ((seen, PALETTE[2], "seen"), (~seen, PALETTE[5], "hidden, with errors")):
        panels[0].plot(*pixels[chosen, :2].T, ".", ms=4, color=colour, label=name)
    panels[0].set_title("landmarks $K_P$")
    for number, (panel, (name, visibility)) in enumerate(zip(panels[1:-1], weightings.items(), strict=True)):
        pose = self_alignment(face.shape[None], pixels[None], visibility[None])
        _scatter(panel, face.image, GREY, "true")
        panel.plot(*pose.apply(face.shape[None])[0, :, :2].T, ".", ms=4, color=PALETTE[number], label="aligned shape")
        panel.set_title(name)
        panels[-1].plot(errors, curves[name], "o-", ms=3, color=PALETTE[number], label=name)
    for panel in panels[:-1]:
        panel.set_aspect("equal")
        panel.invert_yaxis()
        panel.legend(fontsize=6.5, loc="upper center", bbox_to_anchor=(0.5, 0.0), handletextpad=0.1)
    switch_off(panels[:-1])
    panels[-1].set(xlabel="errors of hidden landmarks (pixels)", ylabel="pose off by (degrees)")
    panels[-1].set_ylim(bottom=0)
    panels[-1].legend(fontsize=6.5)
    stamp(figure, label)
    return figure


def draw_choices(
    curves: Mapping[str, tuple[str, Sequence[float], Mapping[str, Sequence[float]]]], label: str
) -> Figure:
    """A panel a choice: title -> (what is changed, by how much, name of each option -> errors in percent)."""
    figure, panels = plt.subplots(1, len(curves), figsize=(3.4 * len(curves), 2.6), layout="constrained", squeeze=False)
    for panel, (title, (changed, amounts, options)) in zip(panels[0], curves.items(), strict=True):
        for colour, (name, values) in zip(PALETTE, options.items(), strict=False):
            panel.plot(amounts, values, "o-", ms=3.5, color=colour, label=name)
        panel.set(title=title, xlabel=changed, ylabel="error (%)")
        panel.set_ylim(bottom=0)
        panel.legend(fontsize=7)
    stamp(figure, label)
    return figure


def place_on_picture(points: torch.Tensor, place: torch.Tensor, yaw: float) -> tuple[float, float]:
    """Where `shaded_picture` shows a place of a mesh, in pixels."""
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor([yaw, 0.0, 0.0]))) * torch.tensor([[1.0], [-1.0], [-1.0]])
    middle = points.mean(dim=0)
    in_view = (points - middle).float() @ turn.T
    low, high = in_view.amin(dim=0), in_view.amax(dim=0)
    scale = 0.94 * SIDE / (high - low)[:2].max()
    shown = ((place - middle).float() @ turn.T - (low + high) / 2) * scale + SIDE / 2 - 0.5
    return float(shown[0]), float(shown[1])


def _scatter(panel: Axes, points: torch.Tensor, colour: str, name: str) -> None:
    panel.plot(*points[:, :2].T, "o", ms=4, mfc="none", mec=colour, mew=0.6, label=name)
