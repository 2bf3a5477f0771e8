"""SADRNet's encoder with one linear layer that reads landmarks: what encoders learn cheaply before maps."""

from __future__ import annotations

import torch
from torch import nn

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import check_shape
from facelib.models.blocks import check_training_batch, check_width
from facelib.models.map_layers import HALVINGS, check_halvings, high_level_features, initialise, low_level_features


class LandmarkReader(nn.Module):
    """The 68 landmarks of a face, hidden ones included, from a photograph.

    Ours: the paper learns everything from scratch over 190,000 steps. A step of this network costs a quarter of one of
    SADRNet, and what is slow to learn, where a face lies and looks, is the same. `low` and `high` are SADRNet's.

    Args:
        size: pixels a side of the images.
        width: factor on all channels.

    Raises:
        BadInput: for a size that cannot be halved five times.
    """

    def __init__(self, size: int, width: float = 1.0) -> None:
        super().__init__()
        check_halvings(size)
        check_width(width)
        self.size = size
        self.low, channels = low_level_features(width)
        self.high, channels = high_level_features(channels, width)
        self.linear = nn.Linear(channels * (size // 2**HALVINGS) ** 2, 3 * LANDMARK_COUNT)
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> landmarks (B, 68, 3), column, row and depth in pixels.

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.size, self.size))
        check_training_batch(self, len(images))
        output = self.linear(self.high(self.low(2 * images - 1)).flatten(1)).float()
        middle = torch.tensor([0.5, 0.5, 0.0], device=output.device)
        return (output.unflatten(1, (LANDMARK_COUNT, 3)) + middle) * self.size
