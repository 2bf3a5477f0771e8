"""Looking up colours in a texture image.

Texture coordinates (u, v) lie in [0, 1] with the origin at the lower left, as in OBJ files, while the first row of the
image is its upper one. The centre of the texel in row i and column j lies at u = (j + 0.5) / W, v = 1 - (i + 0.5) / H.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_shape


def sample_texture(texture: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
    """Texture colours between texel centres, bilinearly; beyond the outermost centres those of the border (clamped).

    Differentiable to the texture and to the coordinates, to these but for lines through texel centres, where the
    slope jumps, and outside of the outermost centres, where it is 0.

    Args:
        texture: (B or 1, C, H, W).
        coordinates: (B, ..., 2), u and v.

    Returns:
        (B, ..., C).

    Raises:
        BadInput: on wrong shapes, another batch size, dtype or device.
    """
    check_shape("texture", texture, (None, None, None, None))
    if coordinates.dim() < 2 or coordinates.shape[-1] != 2 or coordinates.numel() == 0:
        raise BadInput(f"coordinates have shape {tuple(coordinates.shape)}: expected (B, ..., 2), no size zero")
    batch = len(coordinates)
    if len(texture) not in (1, batch):
        raise BadInput(f"{len(texture)} textures for {batch} images: expected {batch} or 1")
    if texture.dtype != coordinates.dtype or texture.device != coordinates.device:
        raise BadInput(
            f"texture is {texture.dtype} on {texture.device}, coordinates {coordinates.dtype} on "
            f"{coordinates.device}: expected one dtype and device"
        )
    u, v = coordinates.reshape(batch, 1, -1, 2).unbind(-1)
    grid = torch.stack((2 * u - 1, 1 - 2 * v), dim=-1)  # as grid_sample counts: right and down, from -1 to 1
    colours = functional.grid_sample(
        texture.expand(batch, -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return colours[:, :, 0].mT.reshape(*coordinates.shape[:-1], texture.shape[1])
