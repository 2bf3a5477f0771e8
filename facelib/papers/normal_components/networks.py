"""The networks of paper 2's methods at the size that the settings give.

A recogniser holds a Sphere20 for each of its views. Those of one component start in the recogniser of photographs with
its stem summed over the colours; the one of all components sees them as the colours of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from facelib.data.surface_images import SurfaceImages
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.losses.margins import AdaFaceHead, AdaFaceSettings, SoftmaxHead
from facelib.models.blocks import Embedding
from facelib.models.coefficient_diffusion import CoefficientDiffusion
from facelib.models.expnet import ExpNet
from facelib.models.sphereface import COMPONENT, PHOTOGRAPH, Sphere20, Sphere20Settings, one_channel
from facelib.papers.normal_components.methods import DIFFUSION, METHODS, RECOGNISER, NormalRecogniser
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.runs.checkpoints import load_weights

# What a Sphere20 sees of images: how many channels, and which.
VIEWS: dict[str, tuple[int, Callable[[Any], torch.Tensor]]] = {
    "photograph": (PHOTOGRAPH, lambda photographs: photographs),
    "x": (COMPONENT, lambda faces: faces.normals[:, :1]),
    "y": (COMPONENT, lambda faces: faces.normals[:, 1:2]),
    "z": (COMPONENT, lambda faces: faces.normals[:, 2:]),
    "xyz": (PHOTOGRAPH, lambda faces: (faces.normals + 1) / 2),
    "relief": (COMPONENT, lambda faces: faces.relief),
}


def face_model() -> MorphableModel:
    """The model that photographs are taken of and faces are reconstructed by."""
    return load_face_model("coarse")


class Recogniser(nn.Module):
    """Images to an embedding of each view; nothing is shared between views.

    Args:
        views: names of `VIEWS`.
        size: of each Sphere20; its channels follow from the view.
    """

    def __init__(self, views: tuple[str, ...], size: Sphere20Settings) -> None:
        super().__init__()
        self.views = nn.ModuleDict({name: Sphere20(replace(size, channels=VIEWS[name][0])) for name in views})

    def forward(self, images: torch.Tensor | SurfaceImages) -> dict[str, Embedding]:
        """Photographs (B, 3, S, S), RGB in [0, 1], or B faces -> embeddings by view."""
        return {name: network(VIEWS[name][1](images)) for name, network in self.views.items()}


def build_network(method: NormalRecogniser, settings: RecognitionSettings) -> nn.Module:
    """The network of a method with fresh weights."""
    size = settings.preparation.size
    if not method.reads:
        network = settings.network
        sphere = Sphere20Settings(size, width=network.width, embedding=network.embedding)
        return Recogniser(method.views, sphere)
    counts = settings.taught.identities, len(face_model().expression_names)
    if method.name == DIFFUSION:
        encoder = replace(settings.diffusion.encoder, image_size=size)
        return CoefficientDiffusion(replace(settings.diffusion, encoder=encoder), *counts)
    return ExpNet(replace(settings.expnet, image_size=size), *counts)


def start(network: Recogniser, settings: RecognitionSettings, weights: Mapping[str, Path]) -> None:
    """Copy the recogniser of photographs, where its weights are given, into the network of each view."""
    if RECOGNISER not in weights:
        return
    pretrained = build_network(METHODS[RECOGNISER], settings)
    load_weights(weights[RECOGNISER], {"network": pretrained})
    assert isinstance(pretrained, Recogniser)
    (photograph,) = pretrained.views.values()
    assert isinstance(photograph, Sphere20)
    single = one_channel(photograph)
    for name, view in network.views.items():
        view.load_state_dict((photograph if VIEWS[name][0] == PHOTOGRAPH else single).state_dict())


def build_heads(method: NormalRecogniser, settings: RecognitionSettings, classes: int) -> dict[str, nn.Module]:
    """A fresh classifier of so many people for each view, by its name."""
    embedding, loss = settings.network.embedding, settings.loss
    if method.loss == "cross_entropy":
        return {view: SoftmaxHead(embedding, classes) for view in method.views}
    margin = AdaFaceSettings(margin=loss.margin, h=0.0, scale=loss.scale)
    return {view: AdaFaceHead(embedding, classes, margin) for view in method.views}
