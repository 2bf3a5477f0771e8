"""Distances of posed faces, aligned by scale and depth only: the convention of FaceScape's benchmark (Yang et al.).

There others measured SADRNet at 7.17 mm on photographs in the wild, behind PRNet (3.47) and 3DDFA_V2 (3.04), the other
way round than this paper's tables. An error of the pose counts, which a similarity before the comparison takes out.
"""

from __future__ import annotations

import torch

from facelib.geometry.neighbours import nearest


def posed_distance(found: torch.Tensor, true: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Chamfer distance (B,) in mm: the mean of both directions' mean distances to the nearest point.

    Args:
        found, true: (B, N, 3) column, row and depth in pixels.
        scale: (B,) pixels a mm, of the true faces.
    """
    expected = true / scale[:, None, None]
    middle, centre = found.mean(dim=1, keepdim=True), expected.mean(dim=1, keepdim=True)
    spread, goal = (found - middle)[..., :2], (expected - centre)[..., :2]
    factor = (spread * goal).sum(dim=(1, 2)) / spread.square().sum(dim=(1, 2)).clamp(min=1e-12)
    place = torch.cat((middle[..., :2] / scale[:, None, None], centre[..., 2:]), dim=2)  # only the depth is given away
    laid = factor[:, None, None] * (found - middle) + place
    there, back = nearest(laid, expected).distances, nearest(expected, laid).distances
    return (there.mean(dim=1) + back.mean(dim=1)) / 2
