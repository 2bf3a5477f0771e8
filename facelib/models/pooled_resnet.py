"""A ResNet of photographs that ends in its average over the last map, to which heads are added; up to 101 layers.

Source: He et al. 2016. ResNet-101, on which paper 2's reconstructor stands (section 5), has 42,500,160 parameters at
width 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from facelib.errors import check_finite, check_shape
from facelib.models.blocks import check_image_size, check_training_batch, initialise
from facelib.models.resnet import ResNetBody


@dataclass(frozen=True)
class PooledResNetSettings:
    """Size of a ResNet.

    Args:
        depth: 18, 50 or 101.
        image_size: height and width of the images in pixels, at least 32.
        small_stem: 3x3 convolution of stride 1 instead of 7x7 of stride 2, for images of about 112 pixels or less.
        width: factor on the channels of every layer; 1.0 is the published network.
    """

    depth: int = 101
    image_size: int = 224
    small_stem: bool = False
    width: float = 1.0


class PooledResNet(nn.Module):
    """Photographs to features.

    Attributes:
        features: how many there are.

    Raises:
        BadInput: for another depth, images smaller than 32 pixels, or a width that is not positive.
    """

    def __init__(self, settings: PooledResNetSettings = PooledResNetSettings()) -> None:
        super().__init__()
        check_image_size(settings.image_size)
        self.settings = settings
        self.body = ResNetBody(settings.depth, settings.small_stem, settings.width)
        self.features = self.body.channels
        initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> features (B, F).

        Raises:
            BadInput: for an empty batch, another image size, NaN, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.settings.image_size, self.settings.image_size))
        check_finite("images", images)
        check_training_batch(self, len(images))
        return self.body(2 * images - 1).mean(dim=(2, 3))
