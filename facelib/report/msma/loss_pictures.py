"""What the losses of paper 5 see of a photograph, and what their gradients do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.faces.scene import GAMMA
from facelib.geometry.differentiable_rendering import surface_torch
from facelib.geometry.lighting import coefficients_from_gamma, shade
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import Fragments, interpolate, rasterize
from facelib.losses.coefficients import HEAVY, WEIGHTED, landmark_weights
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import DARKEST, DECIMETRE, DISTANCE_MM, DrawnFace, FaceRenderer
from facelib.papers.msma.objective import WeakObjective
from facelib.report.msma.method_pictures import OWN_LIGHT, changed, lit_from
from facelib.report.style import PALETTE, legend_outside, pixels, stamp, switch_off

BACKGROUND = 0.15  # behind a face whose outline is looked at


def draw_photometric(faces: LandmarkedFaces, drawn: DrawnFace, label: str) -> Figure:
    """Photographs, faces drawn on them, and the pixels that eq. 15 counts, with their distances; a line a photograph.

    Args:
        faces: B photographs.
        drawn: faces on them.
        label: for the stamp.
    """
    counted = drawn.mask * faces.skin
    distance = (drawn.image - faces.images).norm(dim=1).where(counted > 0, torch.nan)
    size = (7.6, 1.62 * len(faces))
    figure, panels = plt.subplots(len(faces), 5, figsize=size, squeeze=False, layout="constrained")
    titles = ("photograph I", "drawn $I^r$", "skin A", "counted, A inside M", "distance")
    for panel, title in zip(panels[0], titles, strict=True):
        panel.set_title(title, loc="center", fontsize=8)
    for number, line in enumerate(panels):
        for panel, picture in zip(line, (faces.images, drawn.image), strict=False):
            panel.imshow(pixels(picture[number].detach()))
        for panel, mask in zip(line[2:], (faces.skin, counted), strict=False):
            panel.imshow(mask[number].numpy(), cmap="gray", vmin=0, vmax=1)
        colours = line[4].imshow(distance[number].detach().numpy(), cmap="magma", vmin=0, vmax=1)
    figure.colorbar(colours, ax=panels[:, -1], fraction=0.046, pad=0.03, ticks=[0, 0.5, 1])
    switch_off(panels.flat)
    stamp(figure, label)
    return figure


def draw_landmarks(face: LandmarkedFaces, projected: torch.Tensor, label: str) -> Figure:
    """Detected landmarks, those of a face, and how much each counts by both weightings.

    Args:
        face: one photograph.
        projected: p', (68, 2) pixels.
        label: for the stamp.
    """
    figure, panels = plt.subplots(1, len(WEIGHTED), figsize=(6.4, 3.3), layout="constrained")
    found, extent = face.landmarks[0], (0, face.images.shape[-1], face.images.shape[-1], 0)
    for panel, name in zip(panels, WEIGHTED, strict=True):
        heavy = landmark_weights(name) == HEAVY
        panel.imshow(pixels(face.images[0]), extent=extent, alpha=0.55)
        panel.plot(*torch.stack((found, projected)).unbind(2), color="#222222", lw=0.7)
        panel.plot(*projected.T, ".", ms=3, color="#222222", label="of the face, p'")
        for chosen, colour, weight in ((~heavy, PALETTE[0], 1), (heavy, PALETTE[5], HEAVY)):
            panel.plot(*found[chosen].T, "o", ms=3.5, color=colour, label=f"detected, counts {weight:g}")
        panel.set_title(f"{name}: {int(heavy.sum())} heavy", loc="center", fontsize=9)
    switch_off(panels)
    stamp(figure, label)
    legend_outside(figure, "lower center", handles=panels[0].lines[-3:], ncols=3, fontsize=8)
    return figure


def changed_faces(face: FaceCoefficients, another: torch.Tensor, jaw: int) -> dict[str, FaceCoefficients]:
    """One face, and the same with one thing changed at a time, by what is changed.

    Args:
        face: lit as `OWN_LIGHT` says.
        another: identity of another person (1, K), standard deviations.
        jaw: which coefficient of the expression opens the mouth.
    """
    x, y, z = OWN_LIGHT
    changes: dict[str, dict[str, torch.Tensor]] = {
        "nothing": {},
        "turned by 5°": {"angles": torch.deg2rad(torch.tensor([[5.0, 0.0, 0.0]]))},
        "moved by 6 mm": {"translation": torch.tensor([[0.06, 0.0, 0.0]])},
        "5 cm nearer": {"translation": torch.tensor([[0.0, 0.0, -0.5]])},
        "mouth open": {"expression": changed("expression", jaw, 4.0).expression},
        "shape of the mean face": {"identity": torch.zeros_like(face.identity)},
        "another's shape": {"identity": another},
        "lighter skin": {"albedo": changed("albedo", 0, 1.5).albedo},
        "beard": {"albedo": changed("albedo", 2, -3.0).albedo},
        "light from the other side": {"light": lit_from(-x, y, z)},
        "warm light": {"light": lit_from(x, y, z, (1.0, 0.6, 0.2))},
    }
    return {name: face._replace(**change) for name, change in changes.items()}


def photograph_of(renderer: FaceRenderer, face: FaceCoefficients) -> LandmarkedFaces:
    """A face as it is drawn before grey, with its landmarks: a photograph of which everything is known."""
    drawn = renderer(face, torch.full((1, 3, renderer.size, renderer.size), 0.4))
    return LandmarkedFaces(drawn.image, drawn.landmarks, drawn.mask.float())


def what_is_seen(
    objectives: Mapping[str, WeakObjective], faces: Mapping[str, FaceCoefficients], photograph: LandmarkedFaces
) -> pd.DataFrame:
    """The weighted terms of eq. 14 for several faces: a line a face.

    Args:
        objectives: by the name of their weighting of landmarks; the other terms are those of the first.
        faces: by name.
        photograph: that they are compared with.
    """
    lines = {}
    for name, face in faces.items():
        found = {weighting: each.terms(face, photograph) for weighting, each in objectives.items()}
        first = next(iter(found.values()))
        marks = {f"landmarks, {weighting}": terms["landmarks"] for weighting, terms in found.items()}
        lines[name] = {key: float(term) for key, term in (first | marks).items() if key != "landmarks"}
    return pd.DataFrame(lines).T


def slopes(
    loss: Callable[[FaceCoefficients], torch.Tensor], face: FaceCoefficients, places: Mapping[str, int], step: float
) -> pd.DataFrame:
    """How steep a loss is in single coefficients: by its gradient, and by the differences of two values.

    Args:
        loss: a scalar of one face.
        face: where.
        places: attribute -> which of its coefficients.
        step: to either side.
    """
    at = FaceCoefficients(*(values.clone().requires_grad_() for values in face))
    slope = torch.autograd.grad(loss(at), at, allow_unused=True)
    lines = {}
    for name, place in places.items():
        values, by_gradient = getattr(face, name), slope[face._fields.index(name)]
        one = functional.one_hot(torch.tensor([place]), values.shape[1]) * step
        ends = [float(loss(face._replace(**{name: values + sign * one}))) for sign in (1, -1)]
        lines[f"{name} {place + 1}"] = {
            "gradient": 0.0 if by_gradient is None else float(by_gradient[0, place]),
            "differences": (ends[0] - ends[1]) / (2 * step),
        }
    return pd.DataFrame(lines).T


def outline_pictures(renderer: FaceRenderer, face: FaceCoefficients, shift: float) -> tuple[torch.Tensor, ...]:
    """A face before a dark ground, the same moved to the right, and what its gradient takes for the moved one.

    Gradients hold fixed which triangle each pixel shows; so does the third picture.

    Args:
        renderer: of the faces.
        face: one.
        shift: pixels.

    Returns:
        Three pictures (3, S, S).
    """
    to_right = torch.tensor([[shift * DISTANCE_MM / renderer.camera.focal / DECIMETRE, 0.0, 0.0]])
    moved = face._replace(translation=face.translation + to_right)
    shape = renderer.shape_of(face)
    screen, other = (renderer.camera.project(renderer.in_camera(shape, each)) for each in (face, moved))
    normals = vertex_normals(shape, renderer.triangles)
    colours = shade(renderer.texture_mean[None], normals, coefficients_from_gamma(face.light))
    seen, seen_then = (_fragments(renderer, each) for each in (screen, other))
    held = surface_torch(other, renderer.triangles, seen.triangle, seen.barycentric, seen.depth, True)
    kept = Fragments(seen.triangle, *held)
    return tuple(_coloured(renderer, colours, each) for each in (seen, seen_then, kept))


def _fragments(renderer: FaceRenderer, screen: torch.Tensor) -> Fragments:
    return rasterize(screen, renderer.triangles, renderer.size, renderer.size, perspective=True, cull_back_faces=True)


def _coloured(renderer: FaceRenderer, colours: torch.Tensor, seen: Fragments) -> torch.Tensor:
    linear = interpolate(colours, renderer.triangles, seen)[0].movedim(-1, 0)
    return (linear.clamp(min=DARKEST) ** (1 / GAMMA)).where(seen.mask, BACKGROUND)


def draw_outlines(before: torch.Tensor, after: torch.Tensor, known: torch.Tensor, label: str) -> Figure:
    """A picture (3, S, S), how it changes, and what of that its gradient knows."""
    figure, panels = plt.subplots(1, 3, figsize=(7.6, 2.7), layout="constrained")
    panels[0].imshow(pixels(before))
    panels[0].set_title("the face", loc="center", fontsize=9)
    for panel, picture, title in zip(
        panels[1:], (after, known), ("what changes", "what the gradient knows"), strict=True
    ):
        drawn = panel.imshow((picture - before).norm(dim=0).numpy(), cmap="magma", vmin=0, vmax=0.5)
        panel.set_title(title, loc="center", fontsize=9)
    figure.colorbar(drawn, ax=panels[1:], fraction=0.025, pad=0.02, extend="max", label="change of colour")
    switch_off(panels)
    stamp(figure, label)
    return figure


def outline_share(before: torch.Tensor, after: torch.Tensor) -> float:
    """Of the squared change of a picture, the part where one of both shows the ground and the other the face."""
    ground = ((picture == BACKGROUND).all(dim=0) for picture in (before, after))
    changed = (after - before).square().sum(dim=0)
    return float(changed[next(ground) ^ next(ground)].sum() / changed.sum())
