"""The rotation nearest to a matrix, with a gradient that stays finite where the rotation is not determined.

With M = U diag(s) V^T the rotation that maximises tr(R^T M) is R = U diag(1, 1, d) V^T, d = det(U) det(V); the sign d
guards against reflections (Umeyama, "Least-squares estimation of transformation parameters", PAMI 1991).
Differentiating the singular vectors divides by differences of singular values, which vanish for symmetric sets. The
rotation itself depends on M only through R^T dM - dM^T R, divided by sums s_i + s_j with the last value signed by d
(from R^T M = M^T R). A sum vanishes only where a turn about that axis changes nothing; there 1 / sum is damped to 0.
"""

from __future__ import annotations

import torch
from torch.autograd.function import FunctionCtx, once_differentiable

from facelib.errors import check_shape


def nearest_rotation(matrix: torch.Tensor, damping: float = 1e-8) -> torch.Tensor:
    """The rotation R of determinant +1 that maximises tr(R^T M).

    Of several equally good rotations one is returned; M = 0 gives the identity. Differentiable once.

    Args:
        matrix: M, (..., 3, 3), finite.
        damping: sums of singular values below this share of the largest one lose their gradient.

    Returns:
        (..., 3, 3).

    Raises:
        BadInput: on another shape.
    """
    check_shape("matrix", matrix, (..., 3, 3))
    rotation: torch.Tensor = _NearestRotation.apply(matrix, damping)
    return rotation


class _NearestRotation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, matrix: torch.Tensor, damping: float) -> torch.Tensor:
        size = matrix.abs().amax(dim=(-2, -1), keepdim=True)
        size = torch.where(size > 0, size, torch.ones_like(size))
        u, s, vh = torch.linalg.svd(matrix / size)
        sign = torch.linalg.det(u).sign() * torch.linalg.det(vh).sign()  # d
        flip = torch.stack((torch.ones_like(sign), torch.ones_like(sign), sign), dim=-1)
        rotation = (u * flip[..., None, :]) @ vh
        ctx.save_for_backward(rotation, s * flip, vh, size)
        ctx.damping = damping  # type: ignore[attr-defined]
        return rotation

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: torch.Tensor) -> tuple[torch.Tensor, None]:
        rotation, s, vh, size = ctx.saved_tensors  # type: ignore[attr-defined]
        turn = rotation.mT @ grad
        turn = vh @ (turn - turn.mT) @ vh.mT
        sums = s[..., :, None] + s[..., None, :]
        floor = ctx.damping * s[..., :1, None]  # type: ignore[attr-defined]
        square = sums**2 + floor**2
        inverse = torch.where(square > 0, sums / torch.where(square > 0, square, 1), 0)
        return rotation @ vh.mT @ (turn * inverse) @ vh / size, None
