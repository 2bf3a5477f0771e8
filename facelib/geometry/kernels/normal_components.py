"""The numba kernel of normal component images: the rules of `facelib.geometry.normal_components`, fast on the CPU.

Column sums run down the image and window sums across it, so a pixel costs the same whatever the window. The normal of
a total fit is an eigenvector in closed form; the few windows where the two smaller eigenvalues nearly coincide, which
is where that form loses digits, go through LAPACK. The loops over a row hold no branches, so that the compiler can use
vector instructions.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numba import njit

from facelib.geometry.threads import share_among_threads

COLLINEAR = 1e-7  # middle over largest eigenvalue: points narrower than 3e-4 of their length lie on a line
AMBIGUOUS = 1e-9  # eigenvalues closer than this share of the largest are equal
COINCIDENT = 1e-8  # mm^2; points with a smaller mean square distance from their centroid lie in one place
EDGE_ON = 1e-6  # components of a unit normal below it count as zero when its sign is chosen
_MOMENTS = 10  # of a window: count; sums of x, y, z; sums of xx, xy, xz, yy, yz, zz
_CLEAR_GAP = 1e-4  # between the smaller eigenvalues, in spreads; beyond it the closed form keeps seven digits


def survey_numba(positions: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Which pixels count (B, H, W), the mean of each image's (B, 3) float64, and their largest coordinate."""
    points = positions.detach().contiguous().numpy()
    batch, _, height, width = points.shape
    valid = np.ones((batch, height, width), np.bool_) if mask is None else mask.numpy().copy()
    centre = np.zeros((batch, 3))
    farthest = _survey(points, valid, centre)
    return torch.from_numpy(valid), torch.from_numpy(centre), farthest


def fit_planes_numba(
    positions: torch.Tensor, valid: torch.Tensor, centre: torch.Tensor, window: int, total: bool, fill_holes: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    batch, _, height, width = positions.shape
    normals = torch.empty(positions.shape, dtype=positions.dtype)
    mask = torch.empty(batch, height, width, dtype=torch.bool)
    share_among_threads(
        _fit_rows,
        batch * height,
        positions.contiguous().numpy(),
        valid.contiguous().numpy(),
        centre.numpy(),
        window // 2,
        total,
        fill_holes,
        normals.numpy(),
        mask.numpy(),
    )
    return normals, mask


@njit(cache=True, nogil=True)
def _survey(points, valid, centre):  # type: ignore[no-untyped-def]
    batch, height, width = valid.shape
    farthest = 0.0
    for image in range(batch):
        count = 0
        for i in range(height):
            for j in range(width):
                x, y, z = points[image, 0, i, j], points[image, 1, i, j], points[image, 2, i, j]
                largest = max(abs(x), abs(y), abs(z))
                if valid[image, i, j] and x - x + y - y + z - z == 0:
                    count += 1
                    centre[image, 0] += x
                    centre[image, 1] += y
                    centre[image, 2] += z
                    farthest = max(farthest, largest)
                else:
                    valid[image, i, j] = False
        centre[image] /= max(count, 1)
    return farthest


@njit(cache=True, nogil=True, error_model="numpy")
def _fit_rows(first, last, points, valid, centre, reach, total, fill_holes, normals, mask):  # type: ignore[no-untyped-def]
    """Rows first to last of all images below each other; a window reaches this many pixels to each side."""
    height, width = valid.shape[1:]
    columns = np.zeros((_MOMENTS, reach + 1 + width + reach))  # zeros on both sides, where windows are clipped
    sums = np.empty((_MOMENTS, width))
    wanted = np.ones(width, np.bool_)
    fits = np.empty(width, np.bool_)
    directions = np.empty((3, width))
    for row in range(first, last):
        image, i = row // height, row % height
        if row == first or i == 0:
            columns[:] = 0
            for near in range(max(i - reach, 0), min(i + reach + 1, height)):
                _add_row(columns, reach + 1, points[image, :, near], valid[image, near], centre[image], 1.0)
        else:
            left, entered = i - reach - 1, i + reach
            if left >= 0:
                _add_row(columns, reach + 1, points[image, :, left], valid[image, left], centre[image], -1.0)
            if entered < height:
                _add_row(columns, reach + 1, points[image, :, entered], valid[image, entered], centre[image], 1.0)
        _add_across(columns, reach, sums)
        if not fill_holes:
            wanted[:] = valid[image, i]
        if total:
            _total_fit(sums, wanted, directions, fits)
        else:
            _z_on_xy_fit(sums, wanted, directions, fits)
        _finish(fits, directions, normals[image, :, i])
        mask[image, i] = fits


@njit(cache=True, nogil=True)
def _add_row(columns, margin, points, valid, centre, sign):  # type: ignore[no-untyped-def]
    for j in range(len(valid)):
        counts = valid[j]
        x = points[0, j] - centre[0] if counts else 0.0
        y = points[1, j] - centre[1] if counts else 0.0
        z = points[2, j] - centre[2] if counts else 0.0
        columns[0, margin + j] += sign if counts else 0.0
        columns[1, margin + j] += sign * x
        columns[2, margin + j] += sign * y
        columns[3, margin + j] += sign * z
        columns[4, margin + j] += sign * x * x
        columns[5, margin + j] += sign * x * y
        columns[6, margin + j] += sign * x * z
        columns[7, margin + j] += sign * y * y
        columns[8, margin + j] += sign * y * z
        columns[9, margin + j] += sign * z * z


@njit(cache=True, nogil=True)
def _add_across(columns, reach, sums):  # type: ignore[no-untyped-def]
    """Sums over the window of each column; the moments run side by side, as each addition waits for the one before."""
    side = 2 * reach + 1
    running = np.zeros(_MOMENTS)
    for moment in range(_MOMENTS):
        for j in range(1, side):
            running[moment] += columns[moment, j]
    for j in range(sums.shape[1]):
        for moment in range(_MOMENTS):
            running[moment] += columns[moment, j + side] - columns[moment, j]
            sums[moment, j] = running[moment]


@njit(cache=True, nogil=True, error_model="numpy")
def _scatter(sums, j):  # type: ignore[no-untyped-def]
    """Sums of products about the window's own mean: xx, xy, xz, yy, yz, zz."""
    share = 1 / max(sums[0, j], 1.0)
    sx, sy, sz = sums[1, j], sums[2, j], sums[3, j]
    mx, my, mz = share * sx, share * sy, share * sz
    return (
        sums[4, j] - sx * mx,
        sums[5, j] - sx * my,
        sums[6, j] - sx * mz,
        sums[7, j] - sy * my,
        sums[8, j] - sy * mz,
        sums[9, j] - sz * mz,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _total_fit(sums, wanted, directions, fits):  # type: ignore[no-untyped-def]
    """Eigenvectors of the smallest eigenvalues.

    In the variable r = (eigenvalue - mean) / spread the characteristic polynomial is r^3 - 3 r = 2 half, and the root
    of the largest size stands apart from the other two: it is found first, the others follow from it.
    """
    doubtful = np.empty(len(wanted), np.bool_)
    for j in range(len(wanted)):
        xx, xy, xz, yy, yz, zz = _scatter(sums, j)
        mean = (xx + yy + zz) * (1 / 3)
        dx, dy, dz = xx - mean, yy - mean, zz - mean
        square = (dx * dx + dy * dy + dz * dz + 2 * (xy * xy + xz * xz + yz * yz)) * (1 / 6)
        spread = math.sqrt(square)
        determinant = dx * (dy * dz - yz * yz) - xy * (xy * dz - yz * xz) + xz * (xy * yz - dy * xz)
        half = determinant / (2 * square * spread)
        root = _largest_root(min(abs(half), 1.0))
        gap = math.sqrt(max(12 - 3 * root * root, 0.0))  # between the other two roots
        least = spread * (-root if half < 0 else -0.5 * (root + gap))
        directions[0, j], directions[1, j], directions[2, j] = _null_direction(
            dx - least, xy, xz, dy - least, yz, dz - least
        )
        enough = wanted[j] & (sums[0, j] > 2.5) & (3 * mean > COINCIDENT * sums[0, j])
        clear = (spread > AMBIGUOUS * mean) & ((half < 0) | (gap > _CLEAR_GAP))
        fits[j] = enough
        doubtful[j] = enough & (not clear)
    for j in range(len(wanted)):
        if doubtful[j]:
            fits[j] = _total_fit_of_one(_scatter(sums, j), directions, j)


@njit(cache=True, nogil=True, error_model="numpy")
def _largest_root(half):  # type: ignore[no-untyped-def]
    """The largest root of r^3 - 3 r = 2 half for half in [0, 1]: a cubic's guess, then Newton to full precision."""
    root = 1.7320508075688772 + half * (1 / 3 + half * (-0.0850413 + half * 0.0196572))
    root -= (root * (root * root - 3) - 2 * half) / (3 * (root * root - 1))
    root -= (root * (root * root - 3) - 2 * half) / (3 * (root * root - 1))
    return root


@njit(cache=True, nogil=True, error_model="numpy")
def _null_direction(xx, xy, xz, yy, yz, zz):  # type: ignore[no-untyped-def]
    """The longest cross product of two rows of a symmetric matrix of rank 2."""
    ax, ay, az = xy * yz - xz * yy, xz * xy - xx * yz, xx * yy - xy * xy  # first x second
    bx, by, bz = xy * zz - xz * yz, xz * xz - xx * zz, xx * yz - xy * xz  # first x third
    cx, cy, cz = yy * zz - yz * yz, yz * xz - xy * zz, xy * yz - yy * xz  # second x third
    a, b, c = ax * ax + ay * ay + az * az, bx * bx + by * by + bz * bz, cx * cx + cy * cy + cz * cz
    first = a >= b
    most = a if first else b
    x, y, z = ax if first else bx, ay if first else by, az if first else bz
    third = c > most
    return cx if third else x, cy if third else y, cz if third else z


@njit(cache=True, nogil=True)
def _total_fit_of_one(scatter, directions, j):  # type: ignore[no-untyped-def]
    """Whether these points span a plane; writes its normal, where there is no best one the nearest to the z axis."""
    matrix = np.empty((3, 3))
    matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[1, 1], matrix[1, 2], matrix[2, 2] = scatter
    matrix[1, 0], matrix[2, 0], matrix[2, 1] = matrix[0, 1], matrix[0, 2], matrix[1, 2]
    values, vectors = np.linalg.eigh(matrix)
    least, middle, largest = values[0], values[1], values[2]
    x, y, z = vectors[0, 0], vectors[1, 0], vectors[2, 0]
    if largest - least <= AMBIGUOUS * largest:
        x, y, z = 0.0, 0.0, 1.0
    elif middle - least <= AMBIGUOUS * largest:
        ex, ey, ez = vectors[0, 2], vectors[1, 2], vectors[2, 2]  # the rod's direction; z less its part along it
        if ex * ex + ey * ey > AMBIGUOUS * AMBIGUOUS:
            x, y, z = -ez * ex, -ez * ey, ex * ex + ey * ey
    directions[0, j], directions[1, j], directions[2, j] = x, y, z
    return middle > COLLINEAR * largest


@njit(cache=True, nogil=True, error_model="numpy")
def _z_on_xy_fit(sums, wanted, directions, fits):  # type: ignore[no-untyped-def]
    """Normals (-a, -b, 1) of the regressions z = a x + b y + c, times the determinant of the normal equations."""
    for j in range(len(wanted)):
        xx, xy, xz, yy, yz, _ = _scatter(sums, j)
        determinant = xx * yy - xy * xy
        directions[0, j], directions[1, j], directions[2, j] = yz * xy - xz * yy, xz * xy - yz * xx, determinant
        enough = wanted[j] & (sums[0, j] > 2.5) & (xx + yy > COINCIDENT * sums[0, j])
        fits[j] = enough & (determinant > COLLINEAR * (xx + yy) * (xx + yy))


@njit(cache=True, nogil=True, error_model="numpy")
def _finish(fits, directions, normals):  # type: ignore[no-untyped-def]
    """Unit length, towards the viewer, zero where there is no plane."""
    for j in range(len(fits)):
        x, y, z = directions[0, j], directions[1, j], directions[2, j]
        length = math.sqrt(x * x + y * y + z * z)
        decisive = z if abs(z) > EDGE_ON * length else (x if abs(x) > EDGE_ON * length else y)
        scale = 1 / math.copysign(length, decisive)
        normals[0, j] = scale * x if fits[j] else 0.0
        normals[1, j] = scale * y if fits[j] else 0.0
        normals[2, j] = max(scale * z, 0.0) if fits[j] else 0.0
