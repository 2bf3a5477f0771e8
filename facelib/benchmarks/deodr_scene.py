"""A scene of DEODR, a differentiable renderer, as the cases that draw with it share it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def load_deodr_scene(size: int) -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor, bool], Any]:
    """What makes its Scene2D of one image; outlines are not antialiased, as ours are not.

    Args:
        size: of the image, pixels a side.

    Returns:
        A function of the screen points (V, 3), the triangles (T, 3), the colours of the vertices (V, 3), and whether
        they are interpolated in perspective.

    Raises:
        ImportError: where it is missing.
    """
    from deodr.differentiable_renderer import Scene2D

    def make_scene(screen: torch.Tensor, triangles: torch.Tensor, colours: torch.Tensor, perspective: bool) -> Any:
        faces, place = triangles.numpy().astype(np.uint32), screen.double().numpy()
        count, vertices = len(faces), len(place)
        return Scene2D(
            faces=faces,
            faces_uv=faces,
            ij=np.ascontiguousarray(place[:, :2]),
            depths=np.ascontiguousarray(place[:, 2]),
            textured=np.zeros(count, bool),
            uv=np.zeros((vertices, 2)),
            shade=np.zeros(vertices),
            colors=colours.double().numpy(),
            shaded=np.zeros(count, bool),
            edgeflags=np.zeros((count, 3), bool),
            height=size,
            width=size,
            nb_colors=3,
            texture=np.zeros((0, 0)),
            background_color=np.zeros(3),
            backface_culling=True,
            perspective_correct=perspective,
            integer_pixel_centers=False,
        )

    return make_scene
