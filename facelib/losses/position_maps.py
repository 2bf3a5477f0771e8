"""The losses of position maps and of the attention mask (paper 3, section III.D, eqs. 19-23).

The paper prints sums over texels, edges and triangles. Ours are means over the face, as in its published code: the
value, and so the meaning of the weights of eq. 24, does not change with the size of the map. Everything is computed in
float32 at least, also under autocast: bfloat16 resolves a coordinate of 200 pixels to one pixel.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_floating, check_shape
from facelib.geometry.alignment import lengths
from facelib.geometry.normals import check_vertex_ids

LEAST_EDGE = 0.01  # mm, below which the direction of a predicted edge fades out instead of turning ever faster
LEAST_PROBABILITY = 1e-7  # keeps the logarithm and its gradient finite; sigmoid in float32 hardly comes nearer to 1


def weighted_distance(predicted: torch.Tensor, true: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean distance between two position maps, L_G, L_D and L_P (eq. 19).

    The printed sum divided by the sum of the weights; a mean over the batch.

    Args:
        predicted: N, (B, 3, S, S), pixels for G and P, mm for D.
        true: N hat, of the same shape and unit.
        weights: M, (S, S), zero or positive, on any scale, such as `uv_regions.region_weight_map`; 0 off the face.

    Returns:
        A scalar in the unit of the maps, without gradient where both agree.

    Raises:
        BadInput: on wrong or different shapes, or weights that are negative, not finite, or all zero.
    """
    check_shape("predicted", predicted, (None, 3, None, None))
    check_shape("true", true, tuple(predicted.shape))
    check_floating(predicted=predicted, true=true)
    check_shape("weights", weights, tuple(predicted.shape[2:]))
    total = weights.sum()
    if not (weights.min() >= 0 and 0 < total < torch.inf):
        raise BadInput(
            f"weights reach from {float(weights.min()):g} to {float(weights.max()):g}: expected finite ones of 0 or "
            "more, at least one of them positive"
        )
    distance = lengths(_full(predicted) - _full(true), dim=1)  # ||N - N hat||, (B, S, S)
    return (distance * (weights / total)).sum(dim=(1, 2)).mean()


def edge_length_loss(predicted: torch.Tensor, true: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of the lengths of edges, L_E (eqs. 20 and 21).

    Args:
        predicted: S at the texels of the face, (B, N, 3) mm, from `UVLayout.texel_points`.
        true: S hat, of the same shape.
        edges: (E, 2) numbers of texels, such as `UVLayout.grid_edges`.

    Returns:
        A scalar in mm.

    Raises:
        BadInput: on wrong or different shapes, or an edge to a point that does not exist.
    """
    _check_points(predicted, true)
    check_shape("edges", edges, (None, 2))
    check_vertex_ids(edges, predicted.shape[1])
    found, expected = (lengths(i - j, dim=1) for i, j in (_corners(predicted, edges), _corners(true, edges)))
    return (found - expected).abs().mean()


def normal_loss(predicted: torch.Tensor, true: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
    """How far the predicted edges lean out of the true triangles' planes, L_V (eqs. 22 and 23).

    As printed, eq. 23 takes the predicted edges against the normal of their own triangle, which they are perpendicular
    to: that sum is zero for every mesh and teaches nothing. Pixel2Mesh (Wang et al., ECCV 2018), which the
    paper names as the source, takes the normal from the true mesh, and so do we. `normal_loss(S, S, triangles)` is the
    printed form.

    Args:
        predicted: S at the texels of the face, (B, N, 3) mm, from `UVLayout.texel_points`.
        true: S hat, of the same shape; no gradient flows to it.
        triangles: (T, 3) numbers of texels, such as `UVLayout.grid_triangles`.

    Returns:
        A scalar, 0 to 3: the mean over triangles of the sum of |cos| between each edge and the normal. A true triangle
        without area counts 0, and so does an edge without length; edges below 0.01 mm count in proportion.

    Raises:
        BadInput: on wrong or different shapes, or a triangle with a point that does not exist.
    """
    _check_points(predicted, true)
    check_shape("triangles", triangles, (None, 3))
    check_vertex_ids(triangles, predicted.shape[1])
    with torch.no_grad():
        i, j, k = _corners(true, triangles)
        normal = torch.linalg.cross(i - j, j - k, dim=1)  # n_ijk of S hat, eq. 22
        length = lengths(normal, dim=1)
        normal /= torch.where(length == 0, 1, length)[:, None]
    i, j, k = _corners(predicted, triangles)
    leaning = [
        ((side * normal).sum(dim=1) / lengths(side, dim=1).clamp(min=LEAST_EDGE)).abs().mean()
        for side in (i - j, j - k, k - i)  # E_ij, E_jk, E_ki
    ]
    return torch.stack(leaning).sum()


def attention_loss(attention: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of the attention mask with the visible skin, L_A.

    Where a cell of the mask lies across the outline its target lies between 0 and 1, and so does the least loss above
    zero.

    Args:
        attention: A, (B, h, w) in [0, 1].
        target: A hat, (B, H, W) in [0, 1], averaged over the pixels of each of the h x w cells.

    Returns:
        A scalar in nats, the mean over cells.

    Raises:
        BadInput: on wrong shapes, a target smaller than the mask, or values outside [0, 1].
    """
    check_shape("attention", attention, (None, None, None))
    check_shape("target", target, (len(attention), None, None))
    check_floating(attention=attention, target=target)
    height, width = attention.shape[1:]
    if target.shape[1] < height or target.shape[2] < width:
        raise BadInput(f"target has shape {tuple(target.shape)}: expected at least {height} x {width} pixels")
    for name, value in (("attention", attention), ("target", target)):
        low, high = value.aminmax()
        if not (low >= 0 and high <= 1):  # not of NaN either
            raise BadInput(f"{name} reaches from {float(low):g} to {float(high):g}: expected values in [0, 1]")
    probability = _full(attention).clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    share = functional.adaptive_avg_pool2d(_full(target), (height, width)).to(probability)
    with torch.autocast(attention.device.type, enabled=False):  # which refuses cross-entropy of probabilities
        return functional.binary_cross_entropy(probability, share)


def _check_points(predicted: torch.Tensor, true: torch.Tensor) -> None:
    check_shape("predicted", predicted, (None, None, 3))
    check_shape("true", true, tuple(predicted.shape))
    check_floating(predicted=predicted, true=true)


def _corners(points: torch.Tensor, faces: torch.Tensor) -> list[torch.Tensor]:
    """The points (B, N, 3) at each corner of edges or triangles (F, corners): for each corner, (F, 3, B)."""
    # All that belongs to a point in one row: torch gathers rows, and adds up their gradients, several times faster.
    rows = _full(points).permute(1, 2, 0).flatten(1)  # (N, 3 B)
    return [rows.index_select(0, corner).unflatten(1, (3, len(points))) for corner in faces.unbind(1)]


def _full(values: torch.Tensor) -> torch.Tensor:
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
