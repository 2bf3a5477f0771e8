"""Which vertices of a posed face are seen: by the sign of their normals (paper 3, eq. 10), or by a depth image."""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_shape


def facing_visibility(
    normals: torch.Tensor, screen: torch.Tensor | None = None, attention: torch.Tensor | None = None
) -> torch.Tensor:
    """Paper 3, eq. 10: Vis(i) = 0 where n_z < 0, else A(floor(x_i), floor(y_i)), or 1 without an attention mask.

    Self-occlusion by another part of the face is not seen by this rule; `visible_in_depth` sees it. A vertex outside
    the image has no attention: 0. One without a normal (0, 0, 0) counts as facing. Differentiable to the attention.

    Args:
        normals: (B, N, 3) of the posed face, with z towards the viewer, as the face frame has it. Turn the sign of
            normals in the camera frame, whose z runs away from the viewer.
        screen: (B, N, 2 or more) column u and row v of the vertices in pixels; needed with an attention mask.
        attention: (B, H, W) in [0, 1].

    Returns:
        (B, N) in [0, 1].

    Raises:
        BadInput: on wrong shapes, or only one of screen and attention.
    """
    check_shape("normals", normals, (None, None, 3))
    facing = normals[..., 2] >= 0
    if screen is None and attention is None:
        return facing.to(normals.dtype)
    if screen is None or attention is None:
        raise BadInput("an attention mask is looked up at the vertices' pixels: pass screen and attention, or neither")
    attended, inside = _look_up("attention", attention, screen, normals.shape[:2])
    return attended.where(facing & inside, 0)


def visible_in_depth(screen: torch.Tensor, depth: torch.Tensor, tolerance: float = 2.0) -> torch.Tensor:
    """Whether nothing lies before a vertex by more than a tolerance, evaluated by the depth in its pixel.

    In an empty pixel nothing does: there a vertex lies on the outline, whose pixel's centre just misses the surface.

    Args:
        screen: (B, N, 3) u and v in pixels, depth in mm, from a camera's `project`.
        depth: (B, H, W) mm, infinite where empty, such as `Fragments.depth`.
        tolerance: mm that a vertex may lie behind the surface; a pixel of steep surface spans about this much.

    Returns:
        (B, N) bool, False outside the image.

    Raises:
        BadInput: on wrong shapes or a negative tolerance.
    """
    check_shape("screen", screen, (None, None, 3))
    if not 0 <= tolerance < torch.inf:
        raise BadInput(f"tolerance is {tolerance} mm: expected 0 or more")
    surface, inside = _look_up("depth", depth, screen, screen.shape[:2])
    return inside & (screen[..., 2] <= surface + tolerance)


def _look_up(
    name: str, images: torch.Tensor, screen: torch.Tensor, vertices: torch.Size
) -> tuple[torch.Tensor, torch.Tensor]:
    """The value of (B, H, W) in the pixel of each screen point, (B, N), and whether the point lies on the image."""
    batch, count = vertices
    check_shape(name, images, (batch, None, None))
    check_shape("screen", screen, (batch, count, None))
    if screen.shape[2] < 2:
        raise BadInput(f"screen has shape {tuple(screen.shape)}: expected ({batch}, {count}, 2 or more)")
    height, width = images.shape[1:]
    u, v = screen[..., 0].floor(), screen[..., 1].floor()
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)  # False for NaN
    place = (v * width + u).where(inside, 0).long()
    return images.flatten(1).gather(1, place), inside
