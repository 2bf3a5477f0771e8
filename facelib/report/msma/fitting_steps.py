"""A direct fit of one photograph (paper 5), step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from facelib.geometry.alignment import lengths, similarity_transform
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.style import ERROR_COLOURS, PALETTE, pixels, stamp, switch_off

SIDE, YAW = 300, 25.0  # pixels and degrees of a shape
LARGEST = 6.0  # mm, the strongest colour


def shape_errors(renderer: FaceRenderer, found: FaceCoefficients, true: FaceCoefficients) -> torch.Tensor:
    """Distances in mm (B, V) of the faces' points from the true ones, once the best similarity has laid them there."""
    shape, expected = (renderer.shape_of(face) for face in (found, true))
    return lengths(similarity_transform(shape, expected).apply(shape) - expected, dim=2)


def draw_fit(
    renderer: FaceRenderer,
    photograph: torch.Tensor,
    stages: Mapping[str, FaceCoefficients],
    true: FaceCoefficients,
    label: str,
) -> Figure:
    """Above the photograph and the face of each stage drawn on it, below the true shape and how far each is off.

    Args:
        renderer: of the faces.
        photograph: (3, S, S).
        stages: one face each, by name.
        true: its identity and expression.
        label: for the stamp.
    """
    count = len(stages)
    figure, panels = plt.subplots(2, 1 + count, figsize=(2.0 * (1 + count) + 0.4, 4.4), layout="constrained")
    panels[0, 0].imshow(pixels(photograph))
    panels[0, 0].set_title("photograph", loc="center", fontsize=9)
    panels[1, 0].imshow(_shape(renderer, true, None))
    panels[1, 0].set_title("true shape", loc="center", fontsize=9)
    for (above, below), (name, face) in zip(panels[:, 1:].T, stages.items(), strict=True):
        off = shape_errors(renderer, face, true)[0]
        above.imshow(pixels(renderer(face, photograph[None]).image[0]))
        above.set_title(name, loc="center", fontsize=9)
        below.imshow(_shape(renderer, face, off))
        below.set_title(f"off by {off.mean():.2f} mm", loc="center", fontsize=9)
    colours = ScalarMappable(Normalize(0, LARGEST), ERROR_COLOURS)
    figure.colorbar(colours, ax=panels[1], fraction=0.02, pad=0.01, extend="max", label="mm")
    switch_off(panels.flat)
    stamp(figure, label)
    return figure


def _shape(renderer: FaceRenderer, face: FaceCoefficients, off: torch.Tensor | None) -> np.ndarray:
    shape = renderer.shape_of(face)[0]
    colours = None
    if off is not None:
        painted = plt.get_cmap(ERROR_COLOURS)(Normalize(0, LARGEST, clip=True)(off.numpy()))
        colours = torch.from_numpy(painted[:, :3]).float()
    return pixels(shaded_picture(FaceMesh("face", shape, renderer.triangles, colours), YAW, SIDE))


def draw_descent(parts: Mapping[str, Sequence[Mapping[str, torch.Tensor]]], label: str) -> Figure:
    """The weighted terms over the steps of each part of a fit, one panel a part."""
    widths = [len(steps) for steps in parts.values()]
    figure, panels = plt.subplots(
        1, len(parts), figsize=(7.6, 2.4), squeeze=False, sharey=True, width_ratios=widths, layout="constrained"
    )
    names = dict.fromkeys(name for steps in parts.values() for terms in steps for name in terms)
    colours = dict(zip(names, PALETTE, strict=False))
    for panel, (title, steps) in zip(panels[0], parts.items(), strict=True):
        for name in steps[0]:
            panel.plot([float(terms[name]) for terms in steps], label=name, color=colours[name])
        panel.set(title=title, xlabel="step", yscale="log")
    panels[0, 0].set_ylabel("weighted terms")
    panels[0, -1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    stamp(figure, label)
    return figure
