"""Light as nine real spherical harmonics a colour channel, the shading of Lambertian skin.

Order of the basis: 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2, with the usual orthonormal constants.
Source: Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH 2001:
eq. 3 (basis), and eqs. 5-8 (a clamped cosine keeps the harmonics of order 0, 1 and 2 by pi, 2 pi / 3 and pi / 4).
The base method of paper 5: Deng et al., "Accurate 3D face reconstruction with weakly-supervised learning", CVPRW 2019.
"""

from __future__ import annotations

import math

import torch

from facelib.errors import BadInput, check_shape

# Y_00; Y_1m; Y_2m for m = -2, -1, 1; Y_20; Y_22.
CONSTANT = 0.5 * math.sqrt(1 / math.pi)  # 0.282095
LINEAR = 0.5 * math.sqrt(3 / math.pi)  # 0.488603
PRODUCT = 0.5 * math.sqrt(15 / math.pi)  # 1.092548
ZONAL = 0.25 * math.sqrt(5 / math.pi)  # 0.315392
DIFFERENCE = 0.25 * math.sqrt(15 / math.pi)  # 0.546274

# Of the base method of paper 5, beside each of the nine harmonics; its bands are scaled by pi, 2 pi / sqrt 3 and
# 2 pi / sqrt 8, and four of its harmonics have the other sign.
GAMMA_AMBIENT = 0.8  # what it adds to the constant harmonic: with all coefficients zero a face is lit evenly
_FIRST, _SECOND = 2 * math.pi / math.sqrt(3), 2 * math.pi / math.sqrt(8)
GAMMA_SCALES = (math.pi, -_FIRST, _FIRST, -_FIRST, _SECOND, -_SECOND, _SECOND, -_SECOND, _SECOND)

LAMBERT = (math.pi, *(2 * math.pi / 3,) * 3, *(math.pi / 4,) * 5)  # A_l beside each of the nine harmonics


def sh_basis(normals: torch.Tensor) -> torch.Tensor:
    """The nine spherical harmonics up to order 2 at unit normals.

    Args:
        normals: (..., 3), unit vectors.

    Returns:
        (..., 9) in the order 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2.

    Raises:
        BadInput: when the last dimension is not 3.
    """
    check_shape("normals", normals, (..., 3))
    x, y, z = normals.unbind(-1)
    harmonics = (
        torch.full_like(x, CONSTANT),
        LINEAR * y,
        LINEAR * z,
        LINEAR * x,
        PRODUCT * x * y,
        PRODUCT * y * z,
        ZONAL * (3 * z * z - 1),
        PRODUCT * x * z,
        DIFFERENCE * (x * x - y * y),
    )
    return torch.stack(harmonics, dim=-1)


def shade(albedo: torch.Tensor, normals: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
    """The colour of Lambertian points: albedo times sum_k coefficient_k Y_k(normal).

    Args:
        albedo: (B or 1, V, 3), RGB in [0, 1].
        normals: (B or 1, V, 3), unit vectors in the frame of the light.
        coefficients: (B or 1, 9, 3), nine a colour channel, already convolved with the cosine.

    Returns:
        (B, V, 3), RGB, not clamped: below 0 or above 1 where the light says so.

    Raises:
        BadInput: on wrong shapes.
    """
    check_shape("albedo", albedo, (None, None, 3))
    check_shape("normals", normals, (None, albedo.shape[1], 3))
    check_shape("coefficients", coefficients, (None, 9, 3))
    sizes = {len(albedo), len(normals), len(coefficients)} - {1}
    if len(sizes) > 1:
        raise BadInput(
            f"batch sizes {len(albedo)} (albedo), {len(normals)} (normals), {len(coefficients)} (coefficients): "
            "expected one size, or 1 where a value is shared by all"
        )
    return albedo * (sh_basis(normals) @ coefficients)


def ambient_and_directional(
    ambient: torch.Tensor, direction: torch.Tensor, intensity: float | torch.Tensor, colour: torch.Tensor
) -> torch.Tensor:
    """Coefficients of an even ambient light plus one distant light, for one light or many.

    A point is shaded ambient + intensity colour max(0, normal . direction), projected on nine harmonics: a distant
    light of that strength has the coefficients intensity colour A_l Y_lm(direction).

    Args:
        ambient: (..., 3), RGB, what every point receives from all sides together.
        direction: (..., 3), from the face towards the light; need not have unit length.
        intensity: of the distant light, a number or (...); 1 shades a white point facing it with 1 (before projection).
        colour: (..., 3), RGB of the distant light.

    Returns:
        (..., 9, 3).

    Raises:
        BadInput: on wrong shapes or a direction of length zero.
    """
    check_shape("direction", direction, (..., 3))
    for name, value in (("ambient", ambient), ("colour", colour)):
        check_shape(name, value, (*direction.shape[:-1], 3))
    length = direction.norm(dim=-1, keepdim=True)
    if not (length > 0).all():
        first = direction.reshape(-1, 3)[int((~(length > 0)).flatten().nonzero()[0])]
        raise BadInput(f"direction {first.tolist()}: expected a vector with a length, towards the light")
    lambert = torch.tensor(LAMBERT, dtype=direction.dtype, device=direction.device)
    strength = intensity[..., None] if isinstance(intensity, torch.Tensor) else intensity
    directional = (lambert * sh_basis(direction / length))[..., None] * (strength * colour)[..., None, :]
    even = torch.zeros_like(directional)
    even[..., 0, :] = ambient / CONSTANT
    return even + directional


def coefficients_from_gamma(gamma: torch.Tensor) -> torch.Tensor:
    """Our coefficients for the 27 lighting numbers that Deep3DFaceRecon and its successors estimate.

    Their frame: x right in the image, y up, z towards the camera. A normal of the face frame is in it after R_head; one
    of the camera frame after FACE_TO_CAMERA.

    Args:
        gamma: (B, 27), nine for red, nine for green, nine for blue; all zero is even white light.

    Returns:
        (B, 9, 3), for `shade` with normals in that frame.

    Raises:
        BadInput: on another shape.
    """
    check_shape("gamma", gamma, (None, 27))
    coefficients = gamma.unflatten(-1, (3, 9)).mT  # (B, 9, 3)
    ambient, scales = torch.zeros(9, 1).to(gamma), gamma.new_tensor(GAMMA_SCALES)
    ambient[0] = GAMMA_AMBIENT
    return scales[:, None] * (coefficients + ambient)
