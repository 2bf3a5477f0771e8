"""Position images as networks see them: in [-1, 1], without holes."""

from __future__ import annotations

import torch

from facelib.errors import BadInput, check_floating, check_shape

EMPTY = (0.0, 0.0, 1.0)  # where nothing of a head is: on the axis, as far away as the image reaches


def scaled_positions(positions: torch.Tensor, reach: float) -> torch.Tensor:
    """Position images in units of their reach; holes, and what lies beyond it, are EMPTY.

    So a wall behind a real head looks as the nothing behind a rendered one.

    Args:
        positions: (B, 3, H, W) mm from the frame's centre, axes of the camera, NaN in holes.
        reach: mm that become 1, in each coordinate.

    Returns:
        (B, 3, H, W) in [-1, 1].

    Raises:
        BadInput: on another shape or dtype, a reach that is not positive, or a frame of which nothing is within it.
    """
    check_shape("positions", positions, (None, 3, None, None))
    check_floating(positions=positions)
    if not reach > 0:
        raise BadInput(f"reach is {reach}: expected a positive length in mm, such as 150")
    shown = (positions.abs() <= reach).all(dim=1, keepdim=True)  # false of NaN
    bare = ~shown.flatten(1).any(dim=1)
    if bare.any():
        raise BadInput(
            f"frames {bare.nonzero()[:, 0].tolist()} show nothing within {reach:g} mm of their centre: expected "
            "positions in mm from the middle of a head"
        )
    empty = torch.tensor(EMPTY, dtype=positions.dtype, device=positions.device)
    return torch.where(shown, positions / reach, empty[:, None, None])
