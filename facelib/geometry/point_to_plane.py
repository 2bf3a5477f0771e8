"""One step of least squares towards planes: the core of ICP to planes, and of fits to a surface's nearest points.

Source: Chen and Medioni, "Object modelling by registration of multiple range images", IVC 1992.
"""

from __future__ import annotations

import torch

from facelib.geometry.alignment import Similarity

_RANK = 1e-10  # share of the largest eigenvalue below which a motion counts as undetermined by the planes


def step_to_planes(
    moved: torch.Tensor, error: torch.Tensor, normals: torch.Tensor, kept: torch.Tensor, scale: bool
) -> Similarity:
    """Minimise sum (n . (w x (x - m) + s (x - m) + t) - e)^2 over turn w, growth s and shift t, all small.

    Motions that the planes leave open are not made.

    Args:
        moved: x, (N, 3) float64, mm; m is their mean.
        error: e, (N,) float64, mm: how far each must go along its normal.
        normals: n, (N, 3) float64, unit vectors.
        kept: (N,) bool, which of them count; at least one.
        scale: whether to fit the growth.

    Returns:
        What moves the points.
    """
    centre = (moved * kept[:, None]).sum(dim=0) / kept.sum()  # m
    arm = moved - centre
    size = arm.abs().max().clamp(min=torch.finfo(arm.dtype).tiny)  # so that all unknowns are lengths
    arm = arm / size
    columns = [torch.linalg.cross(arm, normals), normals]
    if scale:
        columns.append((arm * normals).sum(-1, keepdim=True))
    rows = torch.cat(columns, dim=1) * kept[:, None]
    motion = torch.linalg.pinv(rows.mT @ rows, rtol=_RANK, hermitian=True) @ (rows.mT @ error)
    x, y, z = (motion[:3] / size).tolist()
    rotation = torch.linalg.matrix_exp(moved.new_tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]]))
    growth = (motion[6] / size).exp() if scale else motion.new_ones(())
    return Similarity(growth, rotation, centre + motion[3:6] - growth * rotation @ centre)
