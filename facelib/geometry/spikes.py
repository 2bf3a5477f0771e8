"""Spikes of range images: samples that a scanner put far before or behind the surface around them."""

from __future__ import annotations

import numpy as np
import torch

from facelib.errors import BadInput, check_floating, check_shape


def without_spikes(
    positions: torch.Tensor, limit: float = 3.0, *, window: int = 5, neighbours: int = 6
) -> torch.Tensor:
    """A range image in which samples that their surroundings do not bear out are holes.

    A sample stays when it is no farther in z than the limit from the median of its window, which is clipped at the
    border, and the window has enough samples. No gradient flows through the result.

    Args:
        positions: (B, 3, H, W) mm; a sample with a non-finite coordinate is a hole.
        limit: mm.
        window: side of the window in samples, odd, 3 or more.
        neighbours: samples that the window must have, the sample itself included.

    Returns:
        (B, 3, H, W), a copy with NaN in holes.

    Raises:
        BadInput: on another shape, an even window, or a limit that is not positive.
    """
    check_shape("positions", positions, (None, 3, None, None))
    check_floating(positions=positions)
    if window % 2 == 0 or window < 3:
        raise BadInput(f"window is {window}: expected an odd number from 3 on")
    if not limit > 0:
        raise BadInput(f"limit is {limit}: expected a positive length in mm")
    seen = positions.isfinite().all(dim=1)
    depth = positions[:, 2].where(seen, torch.nan).detach().cpu().numpy()
    kept = [_borne_out(image, limit, window, neighbours) for image in depth]
    return positions.detach().where(torch.from_numpy(np.stack(kept)).to(seen.device)[:, None], torch.nan)


def _borne_out(depth: np.ndarray, limit: float, window: int, neighbours: int) -> np.ndarray:
    """Which samples of an image (H, W) stay, (H, W) bool."""
    seen = np.isfinite(depth)
    border = np.pad(depth, window // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(border, (window, window))
    # Window positions first: sorted along them, all samples are sorted side by side. NaN come last.
    around = np.sort(np.stack([windows[..., i, j][seen] for i in range(window) for j in range(window)]), axis=0)
    count = np.isfinite(around).sum(axis=0)
    lower, upper = (np.take_along_axis(around, middle[None], axis=0)[0] for middle in ((count - 1) // 2, count // 2))
    kept = np.zeros_like(seen)
    kept[seen] = (np.abs(depth[seen] - (lower + upper) / 2) <= limit) & (count >= neighbours)
    return kept
