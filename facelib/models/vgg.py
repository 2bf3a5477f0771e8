"""VGG-16 with batch norm (Simonyan and Zisserman 2015), configuration D, as a recogniser of faces.

Thirteen 3x3 convolutions in five stages, each with batch norm and ReLU; a 2x2 maximum halves the map after each stage,
rounding down. The published classifier, three linear layers of 4096, 4096 and 1000 values on a 7x7 map, is replaced by
the head of IR-18 (batch norm, dropout, one linear layer, batch norm without affine part), so that backbones differ in
nothing else. Convolutions keep the biases that the published network has, although batch norm takes them out again.

At width 1 it has 17,083,968 parameters for images of 112x112 and 27,569,728 for 224x224; with the published classifier
and images of 224x224, 138,365,992, of which 8,448 belong to batch norm.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from facelib.models.blocks import EmbeddingHead, ImageRecogniser, check_image_size, scaled

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


@dataclass(frozen=True)
class VGG16Settings:
    """Size of a VGG-16.

    Args:
        image_size: height and width of the images in pixels, at least 32.
        width: factor on the channels of every layer; 1.0 is the published network.
        embedding: dimension of the embedding, not scaled by width.
        dropout: before the linear layer.
    """

    image_size: int = 224
    width: float = 1.0
    embedding: int = 512
    dropout: float = 0.4


class VGG16(ImageRecogniser):
    """VGG-16 with its head: images to embeddings; the map of `features` is a 32nd of the image's size, rounded down.

    Raises:
        BadInput: for images smaller than 32 pixels, or a width that is not positive.
    """

    def __init__(self, settings: VGG16Settings = VGG16Settings()) -> None:
        check_image_size(settings.image_size)
        channels = scaled(STAGES[-1][-1], settings.width)
        size = settings.image_size // 2 ** len(STAGES)
        head = EmbeddingHead(channels, size, settings.embedding, settings.dropout)
        super().__init__(settings.image_size, vgg16_body(settings.width), head)
        self.settings = settings


def vgg16_body(width: float = 1.0) -> nn.Sequential:
    """The convolutions: images (B, 3, H, W) -> map (B, 512 * width, H / 32, W / 32)."""
    layers: list[nn.Module] = []
    inputs = 3
    for stage in STAGES:
        for full_channels in stage:
            channels = scaled(full_channels, width)
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)
