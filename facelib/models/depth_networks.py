"""DASHapeNet's four networks, and DAPoseNet (paper 4, supplement, section 1.1): from position images to shape and pose.

F makes an embedding of an image, R reads the shape off it; G draws an image from the embedding, D tells it from a
rendered one and reads the shape off it too. DAPoseNet is an F with an R that reads the pose. Readings of ours besides
those in `DepthNetworkSettings`:

- G "shares F's structure" and must draw an image, so it is F backwards, its convolutions of stride 2 transposed.
- The noise and the one-hot vector, which section 1.1 gives to R, go to G, as in "Generate To Adapt"; R reads the
  embedding alone, as eq. 4 writes, so that a face has one shape. The one-hot vector says the domain.
- D gives a logit; the sigmoid is in the losses.

Parameters at full size with 89,034 outputs: F 19,002,624, R 91,785,162, G 25,581,315, D 110,788,299; DAPoseNet
19,135,751.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import nn

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, check_shape
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import normalise_quaternion, quaternion_to_matrix
from facelib.models.blocks import check_training_batch, scaled
from facelib.models.depth_settings import DepthNetworkSettings

DOMAINS = 2
SOURCE, TARGET = range(DOMAINS)
QUATERNION, TRANSLATION = 4, 3
# Standard deviations of the first weights, of the published code of "Generate To Adapt".
CONV_SPREAD, NORM_SPREAD, LINEAR_SPREAD = 0.02, 0.02, 0.1


class HeadPose(NamedTuple):
    """Where heads are, in the axes of the camera from each frame's centre.

    Args:
        quaternion: (B, 4) x, y, z, w of R_head, unit, w >= 0.
        translation: (B, 3) mm, of the face frame's origin.
    """

    quaternion: torch.Tensor
    translation: torch.Tensor

    @property
    def motion(self) -> Similarity:
        """Phi of eq. 7, from the face frame to the camera's axes, mm; of scale 1."""
        frontal = self.quaternion.new_tensor(FACE_TO_CAMERA)
        scale = self.quaternion.new_ones(len(self.quaternion))
        return Similarity(scale, frontal @ quaternion_to_matrix(self.quaternion), self.translation)


class FeatureExtractor(nn.Module):
    """F: position images (B, 3, S, S) in [-1, 1] -> embeddings (B, E).

    Raises:
        BadInput: for a size that cannot be halved so often, or fewer channels than halvings.
    """

    def __init__(self, settings: DepthNetworkSettings) -> None:
        super().__init__()
        after, left = _channels(settings), _left(settings)
        channels = 3
        layers: list[nn.Module] = []
        for outputs in after:
            layers += _normed(nn.Conv2d(channels, outputs, 4, 2, padding=1, bias=False), settings.slope)
            layers += _normed(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), settings.slope)
            channels = outputs
        layers.append(nn.Conv2d(channels, settings.embedding, left))
        if settings.last_activation:
            layers.append(nn.LeakyReLU(settings.slope))
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.image_size = settings.image_size
        start(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """NaN is not looked for.

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.image_size, self.image_size))
        check_training_batch(self, len(images))
        return self.layers(images)


class Regressor(nn.Sequential):
    """R: embeddings (B, E) -> (B, outputs); zero at first, the mean face.

    Args:
        inputs: E.
        hidden: units of the layers between.
        outputs: displacements of vertices (3 V), or coefficients of a face model.
        slope: of the leaky ReLUs between layers.
        unit: what an output of the last layer of 1 means.
    """

    def __init__(self, inputs: int, hidden: Iterable[int], outputs: int, slope: float, unit: float = 1.0) -> None:
        layers: list[nn.Module] = []
        for units in hidden:
            layers += [nn.Linear(inputs, units), nn.LeakyReLU(slope)]
            inputs = units
        last = nn.Linear(inputs, outputs)
        super().__init__(*layers, last)
        self.unit = unit
        start(self)
        nn.init.zeros_(last.weight)

    def forward(self, embedding: torch.Tensor) -> torch.Tensor:
        return self.unit * super().forward(embedding)


class DASHapeNet(nn.Sequential):
    """F and R: position images (B, 3, S, S) in [-1, 1] -> shapes (B, outputs); the mean face at first.

    Args:
        settings: sizes.
        outputs: of the shape, as `Regressor`'s.
    """

    def __init__(self, settings: DepthNetworkSettings, outputs: int) -> None:
        features = FeatureExtractor(settings)
        regressor = Regressor(settings.embedding, settings.hidden, outputs, settings.slope, settings.shape_unit)
        super().__init__(OrderedDict(features=features, regressor=regressor))
        self.outputs = outputs


class Generator(nn.Module):
    """G: embeddings (B, E), noise and the domain -> position images (B, 3, S, S) in [-1, 1], F's layers backwards.

    Raises:
        BadInput: as `FeatureExtractor`.
    """

    def __init__(self, settings: DepthNetworkSettings) -> None:
        super().__init__()
        channels, left = _channels(settings), _left(settings)
        inputs = settings.embedding + settings.noise + DOMAINS
        layers = [*_normed(nn.ConvTranspose2d(inputs, channels[-1], left, bias=False), settings.slope)]
        for here, after in zip(reversed(channels), (*reversed(channels[:-1]), 3), strict=True):
            layers += _normed(nn.Conv2d(here, here, 3, padding=1, bias=False), settings.slope)
            last = after == 3
            doubling = nn.ConvTranspose2d(here, after, 4, 2, padding=1, bias=last)
            layers += [doubling, nn.Tanh()] if last else _normed(doubling, settings.slope)
        self.layers = nn.Sequential(*layers)
        self.embedding, self.noise = settings.embedding, settings.noise
        start(self)

    def forward(self, embedding: torch.Tensor, domain: int) -> torch.Tensor:
        """An image for each embedding; the noise comes from torch's own generator.

        Args:
            embedding: (B, E), of images of one domain.
            domain: SOURCE or TARGET, where they are from.

        Raises:
            BadInput: on another shape, another domain, or a batch of one in training mode.
        """
        check_shape("embedding", embedding, (None, self.embedding))
        check_training_batch(self, len(embedding))
        if domain not in (SOURCE, TARGET):
            raise BadInput(f"domain {domain}: expected {SOURCE} (source) or {TARGET} (target)")
        code = embedding.new_zeros(len(embedding), DOMAINS)
        code[:, domain] = 1
        noise = torch.randn(len(embedding), self.noise, device=embedding.device, dtype=embedding.dtype)
        return self.layers(torch.cat((code, embedding, noise), dim=1)[:, :, None, None])


class Judgement(NamedTuple):
    """What D says of images.

    Args:
        logit: (B,), of being rendered and not drawn by G.
        shape: (B, outputs), as R's.
    """

    logit: torch.Tensor
    shape: torch.Tensor


class Discriminator(nn.Module):
    """D: position images (B, 3, S, S) in [-1, 1] -> whether they are rendered ones, and whose shape they show.

    Args:
        settings: sizes.
        outputs: of the shape.
    """

    def __init__(self, settings: DepthNetworkSettings, outputs: int) -> None:
        super().__init__()
        self.features = FeatureExtractor(settings)
        self.real = nn.Linear(settings.embedding, 1)
        start(self.real)
        self.shape = Regressor(settings.embedding, settings.hidden, outputs, settings.slope, settings.shape_unit)

    def forward(self, images: torch.Tensor) -> Judgement:
        embedding = self.features(images)
        return Judgement(self.real(embedding)[:, 0], self.shape(embedding))


class DAPoseNet(nn.Module):
    """Position images (B, 3, S, S) in [-1, 1] -> HeadPose; a frontal head in the frame's centre at first."""

    def __init__(self, settings: DepthNetworkSettings) -> None:
        super().__init__()
        self.features = FeatureExtractor(settings)
        outputs = QUATERNION + TRANSLATION
        self.regressor = Regressor(settings.embedding, settings.pose_hidden, outputs, settings.slope)
        self.translation_unit = settings.translation_unit

    def forward(self, images: torch.Tensor) -> HeadPose:
        quaternion, translation = self.regressor(self.features(images)).split((QUATERNION, TRANSLATION), dim=1)
        no_turn = quaternion.new_tensor((0.0, 0.0, 0.0, 1.0))
        return HeadPose(normalise_quaternion(quaternion + no_turn), self.translation_unit * translation)


def start(network: nn.Module) -> None:
    """Draw first weights as the published code of "Generate To Adapt" does; biases are zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, CONV_SPREAD)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, NORM_SPREAD)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, LINEAR_SPREAD)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d, slope: float) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(convolution.out_channels), nn.LeakyReLU(slope, inplace=True)]


def _channels(settings: DepthNetworkSettings) -> list[int]:
    """After each halving."""
    if not 1 <= settings.halvings <= len(settings.channels):
        raise BadInput(
            f"{settings.halvings} halvings: expected 1 to {len(settings.channels)}, as many as channels are named"
        )
    return [scaled(channels, settings.width) for channels in settings.channels[: settings.halvings]]


def _left(settings: DepthNetworkSettings) -> int:
    """Pixels a side after all halvings."""
    left, rest = divmod(settings.image_size, 2**settings.halvings)
    if rest or not left:
        raise BadInput(
            f"image_size {settings.image_size}: expected a multiple of {2**settings.halvings}, as images are halved "
            f"{settings.halvings} times"
        )
    return left
