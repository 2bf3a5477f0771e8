"""Between coefficients of the face model and points: a regularised fit, and how far coefficients move a face."""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_finite, check_shape

RESIDUAL_MM = 0.3  # that the fit leaves rather than take a coefficient of one standard deviation
EXPRESSION_SPREAD = 0.09  # of an action's strength: root mean square over the photographs of our data sets


class ModelFit:
    """Fits a linear face model to points: minimises ||D - B c||^2 / (N r^2) + ||c / spread||^2 over c.

    The prior decides between an identity and an expression that move the points alike, and keeps components that hardly
    move them near zero.

    Args:
        basis: (K + E, N, 3) mm, how N points move with each identity component and facial action.
        identities: K.

    Raises:
        BadInput: on a basis of another shape, or as many identities as components or more.
    """

    def __init__(self, basis: torch.Tensor, identities: int) -> None:
        check_shape("basis", basis, (None, None, 3))
        if not 0 < identities < len(basis):
            raise BadInput(
                f"{identities} identities of {len(basis)} components: expected some, and expressions besides"
            )
        self.identities, self.points = identities, basis.shape[1]
        columns = basis.double().flatten(1)
        spread = torch.ones(len(basis), dtype=torch.float64)
        spread[identities:] = EXPRESSION_SPREAD
        scale = self.points * RESIDUAL_MM**2
        normal = columns @ columns.T / scale + torch.diag(spread**-2)
        self.solution = torch.linalg.solve(normal, columns / scale).float()  # (K + E, 3 N)
        gram = columns[:identities] @ columns[:identities].T / self.points
        jitter = 1e-9 * gram.diagonal().max() * torch.eye(identities, dtype=torch.float64)
        self.identity_root = torch.linalg.cholesky(gram + jitter).float()  # (K, K)

    def coefficients(self, deformation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Identity (B, K) and expression (B, E) of deformations (B, N, 3) mm from the mean face.

        Raises:
            BadInput: on another shape, or values that are not finite.
        """
        check_shape("deformation", deformation, (None, self.points, 3))
        check_finite("deformation", deformation)
        found = deformation.flatten(1).to(self.solution) @ self.solution.T
        return found[:, : self.identities], found[:, self.identities :]

    def embedding(self, identity: torch.Tensor) -> torch.Tensor:
        """Identities (B, up to K) as vectors whose products are those of the neutral faces' deformations, in mm^2."""
        return identity @ self.identity_root[: identity.shape[1]]


def aligned_root(basis: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """A matrix A (C, C): |c A|^2 is the mean square in mm by which coefficients c change a shape.

    What a similarity undoes to first order, a shift, a turn or another size, is no change: a photograph does not show
    the size of a face, and its pose is told apart from its shape.

    Args:
        basis: (C, N, 3) mm, how N points move with each component.
        mean: (N, 3) mm, the mean face.

    Raises:
        BadInput: on other shapes, or fewer points than components.
    """
    check_shape("basis", basis, (None, None, 3))
    check_shape("mean", mean, (basis.shape[1], 3))
    if 3 * len(mean) < len(basis):
        raise BadInput(f"{len(mean)} points and {len(basis)} components: expected at least a third as many points")
    centred = (mean - mean.mean(dim=0)).double()
    axes = torch.eye(3, dtype=torch.float64)[:, None].expand(3, len(mean), 3)
    motions = torch.cat((axes, torch.linalg.cross(axes, centred.expand_as(axes)), centred[None])).flatten(1)
    directions = torch.linalg.qr(motions.T)[0]  # (3 N, 7)
    moved = basis.double().flatten(1)
    moved = moved - (moved @ directions) @ directions.T
    return torch.linalg.qr(moved.T / len(mean) ** 0.5)[1].T.float()
