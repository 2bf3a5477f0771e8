"""From photographs to coefficients of the face model, by whatever a row of the tables names.

All have one interface: photographs in, and what is true of them, which only the upper bound and the disturbed shapes
look at. Networks of other papers have learnt from wider crops than web photographs are, so these get a border first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from facelib.data.embedded import WebFacesSettings
from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.known_photographs import Read
from facelib.data.landmarked_faces import LandmarkedFaces, aligned
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.models.coefficient_diffusion import CoefficientDiffusion
from facelib.models.expnet import ExpNet, ShapeCoefficients
from facelib.papers.msma import networks as msma_networks
from facelib.papers.msma import trained as msma_trained
from facelib.papers.normal_components.methods import METHODS, TRUTH, NormalRecogniser
from facelib.papers.normal_components.networks import build_network
from facelib.papers.normal_components.settings import RecognitionSettings, SamplingSettings
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.shape_protocol import own_shape
from facelib.papers.sadrnet.trained import load_shipped
from facelib.runs.checkpoints import load_weights
from facelib.storage import digest_of, verify_once

WEB_CROP = WebFacesSettings().scene.crop  # of the photographs that are reconstructed; `CROP` is the other papers'


@dataclass(frozen=True)
class Reconstructor:
    """Reads faces off photographs.

    Args:
        read: photographs (B, 3, S, S), their true coefficients, and a generator -> coefficients.
        digest: of what it is, weights included.
    """

    read: Read
    digest: str


def reconstructor_of(
    method: NormalRecogniser, settings: RecognitionSettings, weights: Mapping[str, Path]
) -> Reconstructor:
    """What reconstructs the faces that a row learns from.

    Args:
        method: of the row.
        settings: of its run.
        weights: files of the runs that it needs, by method.
    """
    name = method.reconstructor
    if name == TRUTH:
        return Reconstructor(disturbed(method.disturbance), digest_of([TRUTH, method.disturbance]))
    if name in SHIPPED:
        trained, read = SHIPPED[name]()
        return Reconstructor(read, trained)
    network = build_network(METHODS[name], settings)
    load_weights(weights[name], {"network": network})
    sampling = settings.sampling if isinstance(network, CoefficientDiffusion) else None
    return Reconstructor(
        read_by_network(network.eval(), settings.sampling),
        digest_of([name, verify_once(weights[name]), repr(sampling)]),
    )


def read_by_network(network: nn.Module, sampling: SamplingSettings) -> Read:
    """What ExpNet reads, or the diffusion draws; the network is in eval mode."""
    device = next(network.parameters()).device

    def read(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        if isinstance(network, CoefficientDiffusion):
            condition = network.condition(images.to(device))
            found = network.sample(condition, sampling.steps, sampling.guidance, sampling.draws, generator=generator)
        else:
            assert isinstance(network, ExpNet)
            found = network(images.to(device))
        return ShapeCoefficients(*(values.cpu() for values in found))

    return read


def disturbed(disturbance: float) -> Read:
    """The truth, its identity off by noise of this standard deviation, anew on each photograph.

    What is off is shrunk so that faces stay as different from the mean face as people are.
    """

    def read(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        noise = torch.randn(true.identity.shape, generator=generator)
        return true._replace(identity=(true.identity + disturbance * noise) / (1 + disturbance**2) ** 0.5)

    return read


def _of_encoder(name: str) -> tuple[str, Read]:
    trained = load_shipped(name)

    def read(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        found = trained.network(widened(images, trained.settings.network.image_size))
        return ShapeCoefficients(found.identity, found.expression / EXPRESSION_SPREAD)

    return trained.weights_sha256, read


def _of_sadrnet() -> tuple[str, Read]:
    """The face model is fitted to the shape map, which tells who it is from how he looks."""
    trained = load_shipped("sadrnet")
    mapper = face_mapper(trained.settings)
    mean = mapper.template.mean_map[:, mapper.evaluated].T

    def read(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        maps = trained.draws(widened(images, trained.settings.network.image_size))
        identity, action = mapper.fit.coefficients(own_shape(maps, mapper) - mean)
        return ShapeCoefficients(identity, action / EXPRESSION_SPREAD)

    return trained.weights_sha256, read


def _of_msma() -> tuple[str, Read]:
    """Its crops follow landmarks, which the face encoder finds."""
    trained, encoder = msma_trained.load_shipped("msma"), load_shipped("face_encoder")
    size, other = trained.settings.network.image_size, encoder.settings.network.image_size
    standard = msma_networks.standard_landmarks(size)

    def read(images: torch.Tensor, true: ShapeCoefficients, generator: torch.Generator) -> ShapeCoefficients:
        landmarks = encoder.network(widened(images, other)).landmarks[..., :2] * size / other
        photographs = widened(images, size)
        crops = aligned(LandmarkedFaces(photographs, landmarks, torch.zeros_like(photographs[:, 0])), standard)
        found = trained.network(crops.images)
        return ShapeCoefficients(found.identity, found.expression)

    return digest_of([trained.weights_sha256, encoder.weights_sha256]), read


def widened(images: torch.Tensor, size: int) -> torch.Tensor:
    """Web photographs (B, 3, S, S) as networks of other papers take them, at their size."""
    return recropped(images, WEB_CROP, CROP, size)


def recropped(images: torch.Tensor, crop: float, wanted: float, size: int) -> torch.Tensor:
    """Photographs of faces as if they had been cropped more widely or more closely.

    Args:
        images: (B, 3, S, S).
        crop, wanted: sides of their crop and of the other over that of the landmarks' box.
        size: pixels a side of what is returned.
    """
    border = round(images.shape[-1] * (wanted / crop - 1) / 2)
    images = functional.pad(images, (border,) * 4, mode="replicate")  # a border below 0 is cut off
    return functional.interpolate(images, (size, size), mode="bilinear", align_corners=False, antialias=True)


SHIPPED: dict[str, Callable[[], tuple[str, Read]]] = {
    "face_encoder": partial(_of_encoder, "face_encoder"),
    "shape_reader": partial(_of_encoder, "shape_reader"),
    "sadrnet": _of_sadrnet,
    "msma": _of_msma,
}
