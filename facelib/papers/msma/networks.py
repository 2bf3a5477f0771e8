"""The networks of paper 5's methods at the size that the settings give."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from facelib.conventions import LANDMARK_COUNT
from facelib.errors import check_shape
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.models.msma import ANGLES, LIGHT, MSMA, TRANSLATION, FaceCoefficients
from facelib.models.msma_settings import MSMASettings
from facelib.models.resnet import ResNetBody
from facelib.papers.msma.face_renderer import FaceRenderer

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
        self.head = nn.Linear(self.body.channels, 2 * LANDMARK_COUNT)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("standard", standard_landmarks(self.size), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> landmarks (B, 68, 2) pixels."""
        check_shape("images", images, (None, 3, self.size, self.size))
        moved = self.head(self.body(2 * images - 1).mean(dim=(2, 3))).float()
        standard: torch.Tensor = self.standard  # type: ignore[assignment]
        return standard + self.size * moved.unflatten(1, (LANDMARK_COUNT, 2))
