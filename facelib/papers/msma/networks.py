"""The networks of paper 5's methods at the size that the settings give."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from facelib.conventions import LANDMARK_COUNT
from facelib.data.five_point_crop import five_point_crops
from facelib.data.licensed.arcface import load_arcface
from facelib.errors import check_shape
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.models.blocks import take_fastest_layout, zero_linear
from facelib.models.msma import ANGLES, LIGHT, MSMA, TRANSLATION, FaceCoefficients
from facelib.models.msma_settings import MSMASettings
from facelib.models.resnet import ResNetBody
from facelib.papers.joint_attention.shipping import load_shipped
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.methods import RECOGNISER, FaceReader
from facelib.papers.msma.objective import Recogniser, WeakObjective
from facelib.papers.msma.settings import EMBEDDED, MSMARunSettings
from facelib.papers.paper import BASELINE
from facelib.runs.checkpoints import load_weights
from facelib.weights import read_card

IDENTITIES, ALBEDOS = 80, 80  # coefficients that are read; of the expression, all


def face_model() -> MorphableModel:
    """The model that all faces of this paper are made of."""
    return load_face_model("coarse")


@lru_cache(maxsize=4)
def face_renderer(size: int) -> FaceRenderer:
    """Draws them on images of size x size pixels."""
    return FaceRenderer(face_model(), size)


def mean_coefficients(count: int = 1) -> FaceCoefficients:
    """Of the mean face, so many times: all zero."""
    sizes = (IDENTITIES, len(face_model().expression_names), ALBEDOS, ANGLES, TRANSLATION, LIGHT)
    return FaceCoefficients(*(torch.zeros(count, size) for size in sizes))


def standard_landmarks(size: int) -> torch.Tensor:
    """Where photographs are cropped to: the mean face's landmarks (68, 2), in pixels of size x size."""
    return face_renderer(size).landmarks_of(mean_coefficients())[0]


def build_network(method: FaceReader, settings: MSMARunSettings) -> nn.Module:
    """The network of a method with fresh weights; a baseline's has none."""
    if method.kind == BASELINE:
        return nn.Identity()
    return LandmarkReader(settings.network) if method.is_pretraining else build_msma(settings.network)


def start(network: MSMA, settings: MSMARunSettings, weights: Path) -> None:
    """Copy the ResNet in which a network starts from the landmark reader's weights."""
    reader = LandmarkReader(settings.network)
    load_weights(weights, {"network": reader})
    network.body.load_state_dict(reader.body.state_dict())


def weak_objective(settings: MSMARunSettings) -> WeakObjective:
    """The losses of a run, with a recogniser where one of them asks it; raises as `recogniser_of`."""
    recogniser = recogniser_of(settings.data) if settings.loss.perceptual else None
    return WeakObjective(face_renderer(settings.network.image_size), settings.loss, recogniser)


def recogniser_of(data: str) -> Recogniser:
    """Gamma of eq. 16: on embedded faces the recogniser of paper 1, on photographs the user's ArcFace.

    Raises:
        MissingPart, BadInput, CorruptFile: as `facelib.data.licensed.arcface.load_arcface`, on photographs.
    """
    if data == EMBEDDED:
        embedding = shipped_recogniser()
        return lambda images, landmarks: embedding(images)
    network = load_arcface()

    def cropped_embedding(images: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
        return network.to(images.device)(five_point_crops(images, landmarks))

    return cropped_embedding


@lru_cache(maxsize=1)
def shipped_recogniser() -> Callable[[torch.Tensor], torch.Tensor]:
    """Images (B, 3, S, S) of any size, RGB in [0, 1], to embeddings of unit length.

    Raises:
        UnknownName, CorruptFile, BadInput: as `facelib.papers.joint_attention.shipping.load_shipped`.
    """
    network = load_shipped(RECOGNISER).requires_grad_(False)
    size = read_card(RECOGNISER)["parameters"]["network"]["image_size"]

    def embedding(images: torch.Tensor) -> torch.Tensor:
        network.to(images.device)
        return network(resized(images, size)).unit

    return embedding


def resized(images: torch.Tensor, size: int) -> torch.Tensor:
    """Square images (B, C, S, S) as (B, C, size, size), by bilinear interpolation without aliases.

    As products with a matrix, since torch has no deterministic gradient of that interpolation on a GPU.
    """
    side = images.shape[-1]
    shares = functional.interpolate(torch.eye(side)[None, None], (size, side), mode="bilinear", antialias=True)[0, 0]
    shares = shares.to(images)
    return shares @ images @ shares.T


def build_msma(settings: MSMASettings) -> MSMA:
    """The network, or one of its ablations, with fresh weights."""
    return MSMA(settings, IDENTITIES, len(face_model().expression_names), ALBEDOS)


class LandmarkReader(nn.Module):
    """The ResNet of all networks of this paper with one linear layer, which reads landmarks.

    What it learns without any pose or shape is what they start from, as the printed ones start from another data set.

    Args:
        settings: of the network.
    """

    def __init__(self, settings: MSMASettings) -> None:
        super().__init__()
        self.size = settings.image_size
        self.body = ResNetBody(settings.depth, settings.small_stem, settings.width)
        self.head = zero_linear(self.body.channels, 2 * LANDMARK_COUNT)
        take_fastest_layout(self)
        self.register_buffer("standard", standard_landmarks(self.size), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> landmarks (B, 68, 2) pixels."""
        check_shape("images", images, (None, 3, self.size, self.size))
        moved = self.head(self.body(2 * images - 1).mean(dim=(2, 3))).float()
        standard: torch.Tensor = self.standard  # type: ignore[assignment]
        return standard + self.size * moved.unflatten(1, (LANDMARK_COUNT, 2))
