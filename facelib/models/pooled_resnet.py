"""A ResNet of photographs that ends in its average over the last map, to which heads are added; up to 101 layers.

Source: He et al. 2016. ResNet-101, on which paper 2's reconstructor stands (section 5), has 42,500,160 parameters at
width 1.
"""

from __future__ import annotations

import torch
from torch import nn

from facelib.errors import check_finite, check_shape
from facelib.models.blocks import check_image_size, check_training_batch, initialise, take_fastest_layout
from facelib.models.reconstructor_settings import PooledResNetSettings
from facelib.models.resnet import ResNetBody


class PooledResNet(nn.Module):
    """Photographs to features.

    Attributes:
        features: how many there are.

    Raises:
        BadInput: for another depth, images smaller than 32 pixels, or a width that is not positive.
    """

    def __init__(self, settings: PooledResNetSettings) -> None:
        super().__init__()
        check_image_size(settings.image_size)
        self.settings = settings
        self.body = ResNetBody(settings.depth, settings.small_stem, settings.width)
        self.features = self.body.channels
        initialise(self)
        take_fastest_layout(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> features (B, F).

        Raises:
            BadInput: for an empty batch, another image size, NaN, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.settings.image_size, self.settings.image_size))
        check_finite("images", images)
        check_training_batch(self, len(images))
        return self.body(2 * images - 1).mean(dim=(2, 3))
