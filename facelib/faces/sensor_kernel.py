"""The innermost loops of the structured-light sensor, pixel by pixel, in numba; `facelib.faces.sensors` explains them.

The plain reference stands in the tests, written from the same formulas with one image at a time.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

OUTLINE_REACH = 2  # pixels to each side at which another surface is looked for


@njit(cache=True, nogil=True, error_model="numpy")
def sense_images(first, last, depth, hair, camera, axial, across, down, loss, sensor, found):  # type: ignore[no-untyped-def]
    """Write what the sensor gives of images first to last (B, H, W) to `found`; its numbers are those of `sensors`."""
    height, width = depth.shape[1:]
    lit = np.empty((height, width), np.bool_)
    for image in range(first, last):
        _find_lit(depth[image], camera[image, 0] * sensor[0], lit)
        _sense_image(
            depth[image], hair[image], lit, camera[image], axial[image], across[image], down[image], loss[image],
            sensor, found[image],
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _sense_image(depth, hair, lit, camera, axial, across, down, loss, sensor, found):  # type: ignore[no-untyped-def]
    height, width = depth.shape
    for i in range(height):
        for j in range(width):
            draws = (axial[i, j], across[i, j], down[i, j], loss[i, j])
            found[i, j] = _sense_pixel(i, j, depth, hair, lit, camera, draws, sensor)


@njit(cache=True, nogil=True, error_model="numpy")
def _find_lit(depth, focal_baseline, lit):  # type: ignore[no-untyped-def]
    """Where the projector reaches: from the right, a ray that another one has passed already is in its shadow."""
    height, width = depth.shape
    for i in range(height):
        nearest_ray = np.inf
        for j in range(width - 1, -1, -1):
            lit[i, j] = False
            if depth[i, j] > 0:
                ray = j - focal_baseline / depth[i, j]  # column in the projector's image
                if ray < nearest_ray:
                    nearest_ray, lit[i, j] = ray, True


@njit(cache=True, nogil=True, error_model="numpy")
def _sense_pixel(i, j, depth, hair, lit, camera, draws, sensor):  # type: ignore[no-untyped-def]
    (
        _, step, unit, axial_least, axial_growth, axial_at, axial_tilt, lateral, lateral_tilt, outline, grazing_from,
        grazing_to, outline_holes, hair_holes, hair_noise, dropped, nearest, farthest,
    ) = sensor  # fmt: skip
    axial, across, down, loss = draws
    height, width = depth.shape
    on_outline = _on_outline(depth, i, j, outline)
    if on_outline:
        tilt = min(_angle_to_ray(depth, i, j, camera), grazing_to) if depth[i, j] > 0 else 0.0
        sigma = lateral + lateral_tilt * tilt / (math.pi / 2 - tilt)
        moved_i = i + math.floor(sigma * down + 0.5)
        moved_j = j + math.floor(sigma * across + 0.5)
        row, column = min(max(moved_i, 0), height - 1), min(max(moved_j, 0), width - 1)
    else:
        row, column = i, j
    z = depth[row, column]
    if z < nearest or z > farthest or not lit[row, column]:
        return 0.0
    tilt = _angle_to_ray(depth, row, column, camera)
    kept = 1 - dropped
    kept *= 1 - min(max((tilt - grazing_from) / (grazing_to - grazing_from), 0.0), 1.0)
    if on_outline:
        kept *= 1 - outline_holes
    if hair[row, column]:
        kept *= 1 - hair_holes
    if loss >= kept:
        return 0.0
    sigma = axial_least + axial_growth * (z - axial_at) ** 2
    sigma += axial_tilt * (tilt / (math.pi / 2 - tilt)) ** 2 / math.sqrt(z / 1000)
    if hair[row, column]:
        sigma *= hair_noise
    # Rounding adds variances of its own, which sigma includes.
    before = math.sqrt(max(sigma**2 - ((step * z**2) ** 2 + unit**2) / 12, 0.0))
    level = math.floor((1 / z + before / z**2 * axial) / step + 0.5)
    if level < 1:
        return 0.0
    return math.floor(1 / (level * step) / unit + 0.5) * unit


@njit(cache=True, nogil=True, error_model="numpy")
def _on_outline(depth, i, j, outline):  # type: ignore[no-untyped-def]
    """Whether another surface begins within reach, along the row or the column."""
    height, width = depth.shape
    z = depth[i, j]
    least = outline * z
    for away in range(1, OUTLINE_REACH + 1):
        if i >= away and abs(depth[i - away, j] - z) > away * least:
            return True
        if i + away < height and abs(depth[i + away, j] - z) > away * least:
            return True
        if j >= away and abs(depth[i, j - away] - z) > away * least:
            return True
        if j + away < width and abs(depth[i, j + away] - z) > away * least:
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _angle_to_ray(depth, i, j, camera):  # type: ignore[no-untyped-def]
    """The angle between the surface's normal and the viewing ray, from the flatter of both slopes on either axis."""
    focal_u, focal_v, center_u, center_v = camera
    z = depth[i, j]
    slope_u, slope_v = _slope(depth, i, j, 0, 1), _slope(depth, i, j, 1, 0)
    x, y = (j + 0.5 - center_u) / focal_u, (i + 0.5 - center_v) / focal_v
    # The normal of z(u, v) in the camera frame is (-f_x z_u, -f_y z_v, z + f_x x z_u + f_y y z_v), up to length.
    a, b = focal_u * slope_u, focal_v * slope_v
    c = z + a * x + b * y
    along = z  # the normal times the ray (x, y, 1)
    cosine = along / (math.sqrt(a * a + b * b + c * c) * math.sqrt(x * x + y * y + 1))
    return math.acos(min(cosine, 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _slope(depth, i, j, down, right):  # type: ignore[no-untyped-def]
    """mm a pixel, along a row or a column; an outline on one side does not count, nor does a hole."""
    height, width = depth.shape
    z = depth[i, j]
    best = np.inf
    for side in (-1, 1):
        row, column = i + side * down, j + side * right
        if 0 <= row < height and 0 <= column < width and depth[row, column] > 0:
            slope = side * (depth[row, column] - z)
            if abs(slope) < abs(best):
                best = slope
    return best if best < np.inf else 0.0


@njit(cache=True, nogil=True)
def smooth_images(first, last, white, kernel, found):  # type: ignore[no-untyped-def]
    """Write images first to last of `white` under a separable kernel (K,) to `found`, K - 1 pixels smaller."""
    height, width = found.shape[1:]
    along = np.empty((white.shape[1], width), np.float32)
    for image in range(first, last):
        along[:] = 0
        found[image] = 0
        for i in range(white.shape[1]):
            for tap in range(len(kernel)):
                for j in range(width):
                    along[i, j] += kernel[tap] * white[image, i, j + tap]
        for i in range(height):
            for tap in range(len(kernel)):
                for j in range(width):
                    found[image, i, j] += kernel[tap] * along[i + tap, j]
