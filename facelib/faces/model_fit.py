"""The coefficients of the face model behind a shape that a network drew: a regularised linear fit."""

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
