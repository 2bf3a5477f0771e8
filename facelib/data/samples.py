"""What every data set yields, embedded or licensed."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class FaceSamples:
    """B photographs, each perhaps with the aligned cloud of the same identity and expression.

    Args:
        images: (B, 3, H, W) RGB in [0, 1].
        identity: (B,) int64, the person's number in the data set.
        expression: (B,) int64, the expression's number.
        angle: (B,) angle from frontal in radians.
        pose: (B, 3) yaw, pitch and roll in radians.
        cloud: (B,) int64, number of the cloud that belongs to the photograph, -1 where there is none.
    """

    images: torch.Tensor
    identity: torch.Tensor
    expression: torch.Tensor
    angle: torch.Tensor
    pose: torch.Tensor
    cloud: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)
