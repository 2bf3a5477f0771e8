"""What several networks share: embeddings and the head that makes them, recognisers of images."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from facelib.errors import BadInput, check_shape

SMALLEST_IMAGE = 32  # pixels; VGG-16 leaves one position of it
LEAST_CHANNELS = 8  # into a 1 x 1 convolution; with fewer, of stride 2, torch 2.13 writes beyond its memory backwards


class Embedding(NamedTuple):
    """What every recogniser returns: the direction is compared, the length tells AdaFace how good the image is.

    Args:
        unit: (B, D), rows of length one.
        norm: (B, 1), the length before normalisation.
    """

    unit: torch.Tensor
    norm: torch.Tensor


def to_embedding(features: torch.Tensor) -> Embedding:
    """Split features (B, D) into direction and length; a zero row stays zero instead of becoming NaN."""
    norm = features.norm(dim=1, keepdim=True)
    return Embedding(unit=features / norm.clamp_min(1e-12), norm=norm)


def scaled(channels: int, width: float) -> int:
    """Channels of a layer at a width factor, rounded, at least one.

    Raises:
        BadInput: for a width that is not positive.
    """
    check_width(width)
    return max(1, round(channels * width))


def check_width(width: float) -> None:
    """Raise BadInput for a width factor that is not positive."""
    if not width > 0:
        raise BadInput(f"width {width}: expected a positive factor such as 1.0 or 0.25")


def check_image_size(image_size: int) -> None:
    """Raise BadInput for images too small to be halved five times."""
    if image_size < SMALLEST_IMAGE:
        raise BadInput(f"image_size {image_size}: expected at least {SMALLEST_IMAGE} pixels")


def map_size(image_size: int, stages: int) -> int:
    """Height and width of the map after a number of stages: each halves it, rounding up."""
    return -(-image_size // 2**stages)


def check_training_batch(module: nn.Module, batch: int) -> None:
    """Raise BadInput for a batch of one in training mode, where batch normalisation has no spread to divide by."""
    if module.training and batch < 2:
        raise BadInput("batch of one in training mode: expected two or more; drop the last batch, or call eval() first")


class EmbeddingHead(nn.Module):
    """The head of AdaFace's IR networks: batch norm, dropout, one linear layer, batch norm without affine part.

    Args:
        channels, size: of the map that comes in, (B, channels, size, size).
        embedding: dimension D of the embedding.
        dropout: probability of dropping a value of the map.
    """

    def __init__(self, channels: int, size: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.map_norm = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * size * size, embedding)
        self.feature_norm = nn.BatchNorm1d(embedding, affine=False)

    def forward(self, z: torch.Tensor) -> Embedding:
        check_training_batch(self, len(z))
        flat = self.dropout(self.map_norm(z)).flatten(1)  # (B, C*H*W)
        return to_embedding(self.feature_norm(self.linear(flat)))


class ImageRecogniser(nn.Module):
    """A body that makes a map of images, and a head that makes an embedding of the map.

    Args:
        image_size: S, height and width of the images in pixels.
        body: images (B, 3, S, S) in [-1, 1] -> map (B, C, H, W).
        head: map -> embedding.
    """

    def __init__(self, image_size: int, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.image_size = image_size
        self.body = body
        self.head = head
        initialise(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> the body's last map (B, C, H, W); NaN is not looked for.

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.image_size, self.image_size))
        check_training_batch(self, len(images))
        return self.body(2 * images - 1)

    def forward(self, images: torch.Tensor) -> Embedding:
        """Images (B, 3, S, S), RGB in [0, 1] -> unit (B, D) and norm (B, 1); raises as `features`."""
        return self.head(self.features(images))


class RowNorm(nn.BatchNorm1d):
    """Batch norm of the channels in the last dimension of (..., C)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flatten(0, -2)).view(x.shape)


def initialise(network: nn.Module) -> None:
    """Draw convolution and linear weights from He's normal distribution (fan out), as AdaFace's IR networks do."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def take_fastest_layout(network: nn.Module) -> torch.memory_format:
    """Lay a network's weights with channels last, a quarter faster on processors, where no layer is too narrow for it.

    Returns:
        The layout, for what the network is given.
    """
    pointwise = [each for each in network.modules() if isinstance(each, nn.Conv2d) and each.kernel_size == (1, 1)]
    narrow = any(each.in_channels < LEAST_CHANNELS for each in pointwise)
    layout = torch.contiguous_format if narrow else torch.channels_last
    network.to(memory_format=layout)  # type: ignore[call-overload]
    return layout


def zero_linear(features: int, outputs: int) -> nn.Linear:
    """A linear layer that says zero at first: the mean face where it gives coefficients."""
    layer = nn.Linear(features, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
