"""Normal component images of range images: a plane fitted to the window around each pixel.

Source: paper 2, section 2.3, eqs. 4-7 (a 5 x 5 window).

Rules, the same for every backend
    A pixel counts when its mask says so and its three coordinates are finite; the others are holes.
    At the border the window is clipped. Only pixels that count enter the fit; it needs three that do not lie on one
    line or in one place (COLLINEAR and COINCIDENT say how nearly), else the pixel becomes a hole.
    A hole stays a hole, also where its neighbours would do, unless `fill_holes` asks for them.
    The normal points to the viewer, who looks along -z of the face frame: n_z >= 0, and where n_z = 0 the first
    component that is not zero is positive.
    Of a total fit without one best plane (the points are a rod or a ball) the normal is the one nearest to the z axis.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_shape, unknown_name
from facelib.geometry.kernels.normal_components import (
    AMBIGUOUS,
    COINCIDENT,
    COLLINEAR,
    EDGE_ON,
    fit_planes_numba,
    survey_numba,
)

METHODS = ("total", "z_on_xy")
BACKENDS = ("auto", "numba", "torch")
FARTHEST = 1e5  # mm; a coordinate beyond it is a background value that nobody masked


def normal_components(
    positions: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    window: int = 5,
    method: str = "total",
    fill_holes: bool = False,
    backend: str = "auto",
) -> tuple[torch.Tensor, torch.Tensor]:
    """The images N_x, N_y, N_z of a range image, by local plane fits (paper 2, eqs. 6 and 7).

    Sums are taken in float64 about each image's mean, so metres of offset do no harm, and run along columns and rows,
    so a wide window costs no more than a narrow one. No gradient flows through the result. An image of holes only
    gives holes only.

    Args:
        positions: (B, 3, H, W) x, y and z in mm in the face frame; a pixel with a non-finite one is a hole.
        mask: (B, H, W) bool, False marks further holes.
        window: side of the window in pixels, odd, from 3 to the shorter side of the image.
        method: "total" fits the plane of least squared distances (total least squares); "z_on_xy" that of least
            squared differences in z, for which n_z > 0.
        fill_holes: give a hole the normal of its neighbours where there are enough of them.
        backend: "numba" (CPU), "torch" (the reference, any device), or "auto": numba on the CPU, torch elsewhere.

    Returns:
        normals (B, 3, H, W) in [-1, 1], of unit length, 0 in holes, in the dtype of the positions; and
        mask (B, H, W) bool, where there is a normal.

    Raises:
        BadInput: on wrong shapes, dtypes or devices, a window that is even, below 3 or larger than the image, or a
            finite coordinate beyond 100 m.
        UnknownName: for another method or backend.
    """
    _check(positions, mask, window, method)
    on_kernel = _use_kernel(backend, positions.device)
    survey, fit_planes = (survey_numba, fit_planes_numba) if on_kernel else (_survey_torch, _fit_planes_torch)
    valid, centre, farthest = survey(positions.detach(), mask)
    if farthest > FARTHEST:
        raise BadInput(
            f"positions hold a coordinate of {farthest:g} mm: expected {FARTHEST:g} at most; mask what lies beyond"
        )
    return fit_planes(positions.detach(), valid, centre, window, method == "total", fill_holes)


def _check(positions: torch.Tensor, mask: torch.Tensor | None, window: int, method: str) -> None:
    check_shape("positions", positions, (None, 3, None, None))
    if positions.dtype not in (torch.float32, torch.float64):
        raise BadInput(f"positions are {positions.dtype}: expected float32 or float64, mm")
    if method not in METHODS:
        raise unknown_name("method of fitting planes", method, METHODS)
    batch, _, height, width = positions.shape
    if window % 2 == 0 or not 3 <= window <= min(height, width):
        raise BadInput(f"window is {window}: expected an odd number from 3 to {min(height, width)}, the image's side")
    if mask is not None:
        check_shape("mask", mask, (batch, height, width))
        if mask.dtype != torch.bool or mask.device != positions.device:
            raise BadInput(f"mask is {mask.dtype} on {mask.device}: expected torch.bool on {positions.device}")


def _use_kernel(backend: str, device: torch.device) -> bool:
    if backend not in BACKENDS:
        raise unknown_name("backend", backend, BACKENDS)
    if backend == "numba" and device.type != "cpu":
        raise BadInput(f"backend 'numba' works on the CPU, positions are on {device}: choose 'torch' or move them")
    return backend != "torch" and device.type == "cpu"


def _survey_torch(positions: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor, float]:
    valid = positions.isfinite().all(dim=1)
    if mask is not None:
        valid &= mask
    points = positions.double().where(valid[:, None], 0)
    count = valid.sum(dim=(1, 2)).clamp(min=1)
    return valid, points.sum(dim=(2, 3)) / count[:, None], float(points.abs().max())


def _fit_planes_torch(
    positions: torch.Tensor, valid: torch.Tensor, centre: torch.Tensor, window: int, total: bool, fill_holes: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    points = (positions.double() - centre[:, :, None, None]).where(valid[:, None], 0)
    products = (points[:, :, None] * points[:, None]).flatten(1, 2)  # (B, 9, H, W)
    sums = _window_sums(torch.cat((valid[:, None].double(), points, products), dim=1), window)
    sums = sums.permute(0, 2, 3, 1)  # (B, H, W, 13)
    inside, first, second = sums[..., 0], sums[..., 1:4], sums[..., 4:].unflatten(-1, (3, 3))
    scatter = second - first[..., :, None] * first[..., None, :] / inside.clamp(min=1)[..., None, None]

    normals, plane = (_total_fit if total else _z_on_xy_fit)(scatter)
    spread = scatter.diagonal(dim1=-2, dim2=-1)[..., : 3 if total else 2].sum(-1)
    plane = plane & (inside > 2.5) & (spread > COINCIDENT * inside)
    if not fill_holes:
        plane = plane & valid
    normals = _towards_viewer(normals).where(plane[..., None], 0)
    return normals.permute(0, 3, 1, 2).to(positions.dtype).contiguous(), plane


def _window_sums(images: torch.Tensor, window: int) -> torch.Tensor:
    """Sums over the clipped window around each pixel of (B, C, H, W), as differences of cumulative sums."""
    before, after = window // 2 + 1, window // 2
    down = functional.pad(images, (0, 0, before, after)).cumsum(dim=2)
    rows = down[:, :, window:] - down[:, :, :-window]
    across = functional.pad(rows, (before, after)).cumsum(dim=3)
    return across[..., window:] - across[..., :-window]


def _total_fit(scatter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Eigenvector of the smallest eigenvalue of (..., 3, 3), and whether the points span a plane."""
    values, vectors = torch.linalg.eigh(scatter)  # ascending
    least, middle, largest = values.unbind(-1)
    longest = vectors[..., 2]  # the direction of most spread
    towards = torch.zeros_like(longest)
    towards[..., 2] = 1
    upright = towards - longest[..., 2:] * longest  # of all directions across the rod the one nearest to z
    upright = torch.where((upright.norm(dim=-1) > AMBIGUOUS)[..., None], upright, vectors[..., 0])
    rod = middle - least <= AMBIGUOUS * largest
    ball = largest - least <= AMBIGUOUS * largest
    normals = torch.where(rod[..., None], functional.normalize(upright, dim=-1), vectors[..., 0])
    return torch.where(ball[..., None], towards, normals), middle > COLLINEAR * largest


def _z_on_xy_fit(scatter: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Normal (-a, -b, 1) of the regression z = a x + b y + c, and whether the points span the xy plane."""
    xx, xy, xz, yy, yz = (scatter[..., i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2)))
    determinant = xx * yy - xy * xy  # the product of the eigenvalues; their sum is the trace
    plane = determinant > COLLINEAR * (xx + yy) ** 2
    safe = determinant.where(plane, 1)
    a, b = (xz * yy - yz * xy) / safe, (yz * xx - xz * xy) / safe
    return functional.normalize(torch.stack((-a, -b, torch.ones_like(a)), dim=-1), dim=-1), plane


def _towards_viewer(normals: torch.Tensor) -> torch.Tensor:
    x, y, z = normals.unbind(-1)
    decisive = z.where(z.abs() > EDGE_ON, x.where(x.abs() > EDGE_ON, y))
    x, y, z = torch.where((decisive < 0)[..., None], -normals, normals).unbind(-1)
    return torch.stack((x, y, z.clamp(min=0)), dim=-1)
