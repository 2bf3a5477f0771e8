"""Depth frames as pictures: lit as a surface, or by depth; and heads laid over them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import torch
from scipy import ndimage

from facelib.data.depth_faces import DepthFrames
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth import depth_to_positions
from facelib.report.overlay import clay, laid_over

HOLE = (0.16, 0.17, 0.22)  # colour of what the sensor did not see
DEPTH_COLOURS = "viridis_r"  # near is bright
LIGHT = (-0.35, -0.45, -0.82)  # from which surfaces are lit, camera frame: from above, left of the camera
SMOOTHED = 1.2  # pixels, before normals are taken
FLOOR = 0.18  # brightness of what the light does not reach


def relief(depth: torch.Tensor, camera: PerspectiveCamera, smoothed: float = SMOOTHED) -> torch.Tensor:
    """A depth frame as a lit surface.

    Args:
        depth: (H, W) mm, 0 in holes.
        camera: of the frame.
        smoothed: pixels over which depth is smoothed for the light's sake; 0 shows steps and noise as they are.

    Returns:
        (3, H, W) in [0, 1].
    """
    seen = (depth > 0).numpy()
    even = _smooth(depth.numpy().astype(np.float64), seen, smoothed)
    x, y, z = depth_to_positions(torch.from_numpy(even)[None], camera)[0].numpy()
    across, down = (np.stack([np.gradient(each, axis=axis) for each in (x, y, z)]) for axis in (1, 0))
    normal = np.cross(down, across, axis=0)
    length = np.linalg.norm(normal, axis=0)
    facing = np.tensordot(np.array(LIGHT), normal, axes=1) / np.where(length > 0, length, 1)
    bright = FLOOR + (1 - FLOOR) * np.clip(np.nan_to_num(facing), 0, 1)
    picture = np.where(seen & np.isfinite(facing), bright, np.nan)[None].repeat(3, axis=0)
    return torch.from_numpy(np.where(np.isnan(picture), np.array(HOLE)[:, None, None], picture)).float()


def by_depth(depth: torch.Tensor, nearest: float, farthest: float) -> torch.Tensor:
    """A depth frame (H, W) in colours, (3, H, W): from the nearest to the farthest mm, holes dark."""
    share = ((depth - nearest) / (farthest - nearest)).clamp(0, 1).numpy()
    colours = mpl.colormaps[DEPTH_COLOURS](share)[..., :3]
    colours[(depth <= 0).numpy()] = HOLE
    return torch.from_numpy(colours).permute(2, 0, 1).float()


def over_frame(
    picture: torch.Tensor,
    camera: PerspectiveCamera,
    vertices: torch.Tensor,
    triangles: torch.Tensor,
    opacity: float = 0.85,
) -> torch.Tensor:
    """A head of clay over the picture (3, H, W) of its frame; vertices (V, 3) mm in the camera frame."""
    points = camera.project(vertices[None])[0].float()
    deep = points * points.new_tensor([1.0, 1.0, float(camera.focal) / float(points[:, 2].mean())])  # mm as pixels
    colours = clay(deep, triangles)
    return laid_over(picture, points, triangles, colours, opacity=opacity)


def frame_of(frames: DepthFrames, number: int) -> tuple[torch.Tensor, PerspectiveCamera]:
    """One of the frames (S, S) mm, and its camera."""
    (focal_u, focal_v), (center_u, center_v) = frames.focal[number].tolist(), frames.center[number].tolist()
    return frames.depth[number], PerspectiveCamera(focal_u, center_u, center_v, focal_v)


def _smooth(depth: np.ndarray, seen: np.ndarray, sigma: float) -> np.ndarray:
    """Smoothed over what was seen, 0 in holes."""
    if sigma == 0:
        return np.where(seen, depth, 0)
    weight = ndimage.gaussian_filter(seen.astype(np.float64), sigma)
    total = ndimage.gaussian_filter(np.where(seen, depth, 0), sigma)
    return np.where(seen, total / np.maximum(weight, 1e-6), 0)
