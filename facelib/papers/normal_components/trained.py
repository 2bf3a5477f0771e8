"""ExpNet as it ships: it reads shapes off photographs, and the face encoder of paper 3 says where the face lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from torch import nn

from facelib.data.embedded.aflw_300wlp import CROP
from facelib.errors import BadInput
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.models.sadrnet import FaceMaps
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.methods import EXPNET, SHAPE_READER, NormalRecogniser
from facelib.papers.normal_components.networks import build_network
from facelib.papers.normal_components.reconstructors import WEB_CROP, recropped
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.sadrnet.encoded_face import EncodedFace
from facelib.papers.sadrnet.trained import TrainedNetwork
from facelib.papers.sadrnet.trained import load_shipped as load_encoder
from facelib.papers.trained import Models, Trained

USUAL = "expnet"  # what the shipped model is called
ENCODER = "face_encoder"  # the shipped model of paper 3 that gives poses


class PlacedShape(nn.Module):
    """Images (B, 3, S, S) in [0, 1] -> FaceMaps without attention: ExpNet's shape in the pose that an encoder reads.

    Args:
        expnet: that reads shapes.
        size: of its images.
        encoded: that reads poses, off images of S x S pixels.
    """

    def __init__(self, expnet: nn.Module, size: int, encoded: EncodedFace) -> None:
        super().__init__()
        self.expnet, self.size, self.encoded = expnet, size, encoded

    def forward(self, images: torch.Tensor) -> FaceMaps:
        found = self.expnet(recropped(images, CROP, WEB_CROP, self.size))
        expression = (EXPRESSION_SPREAD * found.expression).clamp(0, 1)
        placed = self.encoded.encoder(images)._replace(identity=found.identity, expression=expression)
        return self.encoded.drawn(placed)


@dataclass(frozen=True)
class TrainedExpNet(Trained[NormalRecogniser, RecognitionSettings]):
    """ExpNet, as `facelib.reconstruct` takes networks."""

    @property
    def image_size(self) -> int:
        """Pixels a side of what `draws` takes, the encoder's."""
        return self._encoder.image_size

    @property
    def model(self) -> MorphableModel:
        """The face model whose maps `draws` gives."""
        return self._encoder.model

    @cached_property
    def draws(self) -> nn.Module:
        """Images (B, 3, S, S) -> FaceMaps."""
        encoded = self._encoder.draws
        assert isinstance(encoded, EncodedFace)
        return PlacedShape(self.network, self.settings.preparation.size, encoded).eval()

    @property
    def _encoder(self) -> TrainedNetwork:
        return load_encoder(ENCODER)


@lru_cache(maxsize=2)
def load_shipped(name: str = USUAL) -> TrainedExpNet:
    """ExpNet as it comes with the package; raises as `Models.shipped`."""
    return TrainedExpNet(**vars(MODELS.shipped(name)))


def _check_reads(method: NormalRecogniser) -> None:
    if method.name != EXPNET:
        raise BadInput(f"{method.name} is not ExpNet: choose a run such as {EXPNET}'s")


MODELS = Models(
    PAPER,
    SHAPE_READER,
    USUAL,
    "shapes are read",
    build_network,
    lambda method, settings: settings.taught.identities,
    _check_reads,
)
