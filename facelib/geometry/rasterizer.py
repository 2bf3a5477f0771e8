"""Which triangle covers each pixel, where inside it, and how deep: a z-buffer for CPU and GPU with one torch reference.

Rules, the same for every backend and to the last bit for the triangle ids
    A pixel is covered when its centre lies inside the triangle on the screen. A centre exactly on an edge belongs to
    the triangle on the right of or below that edge (the top-left rule), so two triangles that share an edge never
    share a pixel nor leave one out. The smaller depth wins, of equal depths the lower triangle id.
    The edge functions are antisymmetric in floating point: e(p; a, b) = -e(p; b, a) exactly.
    Triangles are counter-clockwise seen from outside; as v runs down, a front face has negative signed area in (u, v).
    Back faces are drawn like front faces unless they are culled.
    Dropped: triangles with a non-finite vertex, with no area on the screen or one beyond float32, and,
    under perspective, with a vertex at NEAR or closer (there is no clipping). Vertices may lie far outside the image.
    A pixel where the depth is too large for float32 stays empty.
    Images may have any size from 1 x 1, and triangle ids any integer type. Nothing visible is no error; a mesh without
    vertices or triangles, or on two devices, is.

Perspective-correct interpolation: 1/z is affine on the screen, so barycentrics on the surface are those on the screen
weighted with 1/z and normalised.

Backends: numba on the CPU; Triton on CUDA where it is installed, which torch for CUDA brings; else the torch
reference. Not nvdiffrast: it has its own rule for edges and its own licence, and its antialiasing is not used here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from facelib.errors import BadInput, MissingPart, check_floating, check_shape, unknown_name
from facelib.geometry.kernels.rasterizer import rasterize_numba
from facelib.geometry.kernels.rendering_gradients import Interpolation
from facelib.geometry.normals import check_vertex_ids
from facelib.geometry.rasterizer_reference import interpolate_torch, rasterize_torch

BACKENDS = ("auto", "numba", "torch", "triton")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fragments:
    """What the rasterizer sees at each pixel.

    Args:
        triangle: (B, H, W) int32, the id of the visible triangle, -1 where empty.
        barycentric: (B, H, W, 3) float32, weights of the triangle's corners on the surface, 0 where empty.
        depth: (B, H, W) float32, mm, infinite where empty.
    """

    triangle: torch.Tensor
    barycentric: torch.Tensor
    depth: torch.Tensor

    @property
    def mask(self) -> torch.Tensor:
        """(B, H, W) bool: where a triangle is seen."""
        return self.triangle >= 0


def rasterize(
    screen: torch.Tensor,
    triangles: torch.Tensor,
    height: int,
    width: int,
    *,
    perspective: bool,
    cull_back_faces: bool = False,
    backend: str = "auto",
) -> Fragments:
    """Find the visible triangle, its barycentrics and its depth at every pixel centre.

    No gradient flows through the result; `interpolate` is differentiable to its attributes.

    Args:
        screen: (B, V, 3) u and v in pixels, depth in mm, from a camera's `project`; computed in float32.
        triangles: (T, 3) vertex ids, any integer type.
        height: of the images, pixels.
        width: of the images, pixels.
        perspective: whether depth is interpolated as 1/z (a perspective camera) or z (a weak-perspective one).
        cull_back_faces: leave out triangles seen from inside: right for closed surfaces, and faster.
        backend: "numba" (CPU), "triton" (CUDA), "torch" (the reference, any device), or "auto": the fastest that runs.

    Raises:
        BadInput: on wrong shapes or dtypes, an image without pixels, two devices, or a vertex id out of range.
        UnknownName: for another backend.
        MissingPart: for "triton" where it is not installed.
    """
    _check_mesh(screen, triangles, height, width)
    backend = _choose_backend(backend, screen.device)
    corners, vertices = triangles.to(torch.int32), screen.detach().to(torch.float32)
    return Fragments(*_drawing_function(backend)(vertices, corners, height, width, perspective, cull_back_faces))


def interpolate(attributes: torch.Tensor, triangles: torch.Tensor, fragments: Fragments) -> torch.Tensor:
    """Vertex attributes at every pixel: sum_k barycentric_k attribute[corner k]; zero where empty.

    Differentiable to the attributes and to the barycentrics; numba kernels do it on the CPU in float32, once.

    Args:
        attributes: (B or 1, V, C) one row a vertex; 1 shares them among the images.
        triangles: (T, 3) vertex ids, those that were rasterized.
        fragments: of B images.

    Returns:
        (B, H, W, C) in the dtype of the attributes.

    Raises:
        BadInput: on wrong shapes, a batch size that does not fit, other triangles, or two devices.
    """
    check_attributes(attributes, triangles, fragments)
    in_float = attributes.dtype == fragments.barycentric.dtype == torch.float32
    on_kernel = in_float and attributes.device.type == "cpu"
    blend = Interpolation.apply if on_kernel else interpolate_torch
    return blend(attributes, triangles, fragments.triangle, fragments.barycentric)


def check_attributes(attributes: torch.Tensor, triangles: torch.Tensor, fragments: Fragments) -> None:
    """Raise BadInput unless these vertex attributes can be looked up at the fragments; see `interpolate`."""
    check_shape("attributes", attributes, (None, None, None))
    check_floating(attributes=attributes)
    check_shape("triangles", triangles, (None, 3))
    batch = len(fragments.triangle)
    if len(attributes) not in (1, batch):
        raise BadInput(f"attributes are for {len(attributes)} images, fragments for {batch}: expected {batch} or 1")
    check_vertex_ids(triangles, attributes.shape[1])
    check_shown_triangles(triangles, fragments)
    if len({attributes.device, triangles.device, fragments.triangle.device}) > 1:
        raise BadInput(
            f"attributes are on {attributes.device}, triangles on {triangles.device}, fragments on "
            f"{fragments.triangle.device}: expected one device"
        )


def check_shown_triangles(triangles: torch.Tensor, fragments: Fragments) -> None:
    """Raise BadInput when the fragments show a triangle that does not exist."""
    if (largest := int(fragments.triangle.max())) >= len(triangles):
        raise BadInput(
            f"fragments show triangle {largest}, there are {len(triangles)}: pass those that were rasterized"
        )


def _check_mesh(screen: torch.Tensor, triangles: torch.Tensor, height: int, width: int) -> None:
    check_shape("screen", screen, (None, None, 3))
    check_shape("triangles", triangles, (None, 3))
    check_floating(screen=screen)
    if height < 1 or width < 1:
        raise BadInput(f"image of {height} x {width} pixels: expected at least 1 x 1")
    if screen.device != triangles.device:
        raise BadInput(f"screen is on {screen.device}, triangles on {triangles.device}: move one of them")
    check_vertex_ids(triangles, screen.shape[1])


def _choose_backend(backend: str, device: torch.device) -> str:
    if backend not in BACKENDS:
        raise unknown_name("rasterizer backend", backend, BACKENDS)
    works_on = {"numba": "cpu", "triton": "cuda"}.get(backend, device.type)
    if device.type != works_on:
        raise BadInput(
            f"backend {backend!r} works on {works_on}, the mesh is on {device}: choose 'auto' or move the mesh"
        )
    chosen = _fastest_backend(device) if backend == "auto" else backend
    _log.debug("rasterize on %s with backend %s (asked for %s)", device, chosen, backend)
    return chosen


def _fastest_backend(device: torch.device) -> str:
    if device.type == "cpu":
        return "numba"
    return "triton" if device.type == "cuda" and find_spec("triton") else "torch"


def _drawing_function(backend: str) -> Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    if backend == "triton":
        try:
            from facelib.geometry.kernels.rasterizer_triton import rasterize_triton
        except ImportError as error:
            raise MissingPart(f"backend 'triton' cannot be imported ({error}): pip install triton") from error
        return rasterize_triton
    return rasterize_torch if backend == "torch" else rasterize_numba
