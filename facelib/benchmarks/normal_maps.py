"""Normal component images by 5 x 5 plane fits against open3d's normals of point clouds and the usual batched eigh.

All pixels are valid, so that the peer's 25 nearest points are, but for slopes, those of our window.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from facelib.benchmarks.measure import Case, Goal
from facelib.geometry.normal_components import normal_components

WINDOW = 5
FACE_WIDTH = 160.0  # mm, on the image's width
FROM_SVD = 0.05  # degrees; ours may differ by this much from a float64 decomposition of each window
FROM_NEAREST = 1.0  # degrees in the mean; from open3d, whose nearest points lie closer together on slopes
FROM_EIGH = 0.05  # degrees; from the same windows in float32
CHECKED_WINDOWS = 25_000  # at most, evenly spread over the image


class Normals(NamedTuple):
    """Unit normals (3, H, W) and the range image (3, H, W) that they belong to."""

    normals: np.ndarray
    positions: np.ndarray


def range_image(height: int, width: int) -> torch.Tensor:
    """(1, 3, H, W) mm: a curved surface with a nose and finer bumps, noise, slopes up to 64 degrees."""
    cell = FACE_WIDTH / width
    y = cell * (height / 2 - 0.5 - torch.arange(height, dtype=torch.float64))[:, None]
    x = cell * (torch.arange(width, dtype=torch.float64) + 0.5 - width / 2)
    head = -(x**2) / 160 - y**2 / 240
    nose = 28 * torch.exp(-((x / 14) ** 2) - (y / 24) ** 2)
    bumps = 1.5 * torch.sin(x / 5) * torch.cos(y / 6)
    noise = 0.03 * cell * torch.randn(height, width, generator=torch.Generator().manual_seed(0))
    z = head + nose + bumps + noise
    return torch.stack((x.expand_as(z), y.expand_as(z), z)).float()[None]


def ours(image: torch.Tensor) -> Normals:
    """Ours."""
    normals, _ = normal_components(image, window=WINDOW)
    return Normals(normals[0].numpy(), image[0].numpy())


def load_open3d() -> Callable[[torch.Tensor], np.ndarray]:
    """The peer: a search tree of the points, then a plane through the 25 nearest of each."""
    import open3d

    nearest = open3d.geometry.KDTreeSearchParamKNN(WINDOW * WINDOW)

    def estimate(image: torch.Tensor) -> np.ndarray:
        points = image[0].flatten(1).T.double().contiguous().numpy()
        cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
        cloud.estimate_normals(nearest)
        return np.asarray(cloud.normals).T.reshape(image.shape[1:])

    return estimate


def usual_eigh(image: torch.Tensor) -> np.ndarray:
    """The usual PyTorch code: all windows side by side, their covariances, one batched decomposition."""
    windows = image[0].unfold(1, WINDOW, 1).unfold(2, WINDOW, 1).flatten(3)  # (3, H - 4, W - 4, 25)
    centred = (windows - windows.mean(dim=-1, keepdim=True)).permute(1, 2, 0, 3)
    _, vectors = torch.linalg.eigh(centred @ centred.mT)
    border = (WINDOW // 2,) * 4
    return torch.nn.functional.pad(vectors[..., 0].permute(2, 0, 1), border).numpy()


def same_normals(found: Normals, theirs: np.ndarray, mean_degrees: float) -> bool:
    """Whether, up to the sign, the mean angle inside the border is below this, and ours within FROM_SVD of an SVD."""
    border = WINDOW // 2
    inner = np.s_[:, border:-border, border:-border]
    mean = float(angles(found.normals[inner], theirs[inner]).mean())
    return mean < mean_degrees and float(angles(*_checked(found)).max()) < FROM_SVD


def angles(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Degrees between unit vectors (3, ...) of any sign; NaN where one has not unit length."""
    first, second = first.astype(np.float64), second.astype(np.float64)
    sine = np.linalg.norm(np.cross(first, second, axis=0), axis=0)
    cosine = np.abs((first * second).sum(axis=0))
    return np.where(np.abs(np.hypot(sine, cosine) - 1) < 1e-3, np.degrees(np.arctan2(sine, cosine)), np.nan)


def _checked(found: Normals) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the last singular vectors (3, N) of some windows."""
    border = WINDOW // 2
    windows = np.lib.stride_tricks.sliding_window_view(found.positions, (WINDOW, WINDOW), axis=(1, 2))
    step = math.ceil(math.sqrt(windows[0, ..., 0, 0].size / CHECKED_WINDOWS))
    some = windows[:, ::step, ::step].astype(np.float64).reshape(3, -1, WINDOW * WINDOW).transpose(1, 2, 0)
    _, _, vectors = np.linalg.svd(some - some.mean(axis=1, keepdims=True), full_matrices=False)
    normals = found.normals[:, border:-border:step, border:-border:step].reshape(3, -1)
    return normals, vectors[:, 2].T


def _square(pixels: int) -> torch.Tensor:
    side = math.isqrt(pixels)
    return range_image(side, side)


_case = partial(Case, kernel="normal components", counted="pixels", ours=ours)
_small = partial(_case, size="160 x 160, 5 x 5 windows", prepare=_square, n=160 * 160)
_open3d: dict[str, Any] = {
    "peer": "open3d estimate_normals, 25 nearest",
    "load_peer": load_open3d,
    "agree": partial(same_normals, mean_degrees=FROM_NEAREST),
}
CASES: tuple[Case, ...] = (
    _small(name="normal-components-160", **_open3d, goal=Goal(ratio=25), growth=(160 * 160, 320 * 320, 640 * 640)),
    _case(
        name="normal-components-640",
        size="480 x 640, 5 x 5 windows",
        prepare=lambda pixels: range_image(480, pixels // 480),
        n=480 * 640,
        **_open3d,
    ),
    _small(
        name="normal-components-eigh",
        peer="torch.linalg.eigh of all windows",
        load_peer=lambda: usual_eigh,
        agree=partial(same_normals, mean_degrees=FROM_EIGH),
    ),
)
