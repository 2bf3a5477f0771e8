"""The networks of paper 3's methods at the size that the settings give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from facelib.data.licensed.basel_posed import load_posed_basel
from facelib.faces.baking import load_face_model
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.models.face_encoder import FaceEncoder
from facelib.models.face_template import FaceTemplate
from facelib.models.sadrnet import FaceMaps, SADRNet
from facelib.models.shape_reader import ShapeReader
from facelib.models.trunks import TRUNKS
from facelib.papers.sadrnet.methods import ENCODER, READER, Reconstructor
from facelib.papers.sadrnet.settings import EMBEDDED, ReconstructionSettings
from facelib.runs.checkpoints import load_weights
from facelib.runs.settings import override

SMALLEST_MAP = 64  # texels; weights do not depend on the size of the maps


def face_model(data: str = EMBEDDED) -> MorphableModel:
    """The model that the faces of this paper are made of: ours, or for licensed data the user's Basel model of 2009.

    Raises:
        MissingPart, CorruptFile: as `facelib.data.licensed.basel_posed.load_posed_basel`.
    """
    return load_face_model("coarse") if data == EMBEDDED else load_posed_basel().model


def face_template(size: int, data: str = EMBEDDED) -> FaceTemplate:
    """The mean face on maps of size x size texels; raises as `face_model`."""
    model = face_model(data)
    return FaceTemplate(face_layout(model, size), model.mean, model.landmarks)


def build_network(method: Reconstructor, settings: ReconstructionSettings) -> nn.Module:
    """The network of a method with fresh weights; a baseline's has none.

    Args:
        method: which one.
        settings: of the run, with the method's changes.
    """
    network = settings.network
    if method.is_pretraining and not network.unposes:
        return _encoder(settings)
    template = face_template(network.image_size, settings.data)
    if method.is_pretraining:
        return _reader(_encoder(settings), template, settings)
    return MeanFace(template) if method.kind == "baseline" else _network(template, settings, network.width)


def start(network: nn.Module, settings: ReconstructionSettings, weights: Mapping[str, Path]) -> None:
    """Copy what a network starts from: the face encoder, and to unpose the image its landmarks and the shape reader.

    Args:
        network: of a run with these settings.
        settings: of the run.
        weights: files of those two, by method.
    """
    encoder = _encoder(settings)
    if isinstance(network, ShapeReader):
        load_weights(weights[ENCODER], {"network": network.encoder})
    elif isinstance(network, SADRNet):
        load_weights(weights[ENCODER], {"network": encoder})
        network.low.load_state_dict(encoder.low.state_dict())
        network.high.load_state_dict(encoder.high.state_dict())
        if network.hidden is not None:
            network.hidden.load_state_dict(encoder.hidden.state_dict())
        if network.unposed is not None:
            network.landmark_head.load_state_dict(encoder.landmark_reading())
            reader = _reader(encoder, network.template, settings)
            load_weights(weights[READER], {"network": reader})
            network.unposed.load_state_dict(reader.unposed.state_dict())
            network.unposed_code.load_state_dict(reader.hidden.state_dict())


def full_size_mib(method: Reconstructor) -> float:
    """Size in MiB of a method's network in float32, with all that its tier changes as printed (table V).

    The template of 256 x 256 texels is a part of it.
    """
    template_values = 3 * 256 * 256
    if method.kind == "baseline":
        return template_values * 4 / 2**20
    network = _network(face_template(SMALLEST_MAP), override(ReconstructionSettings(), method.changes), 1.0)
    values = sum(value.numel() for value in network.state_dict().values() if value.is_floating_point())
    return (values + template_values) * 4 / 2**20


class MeanFace(nn.Module):
    """The mean face, frontal, laid into the true box of the landmarks: what a network must beat.

    Args:
        template: the mean face.
    """

    def __init__(self, template: FaceTemplate) -> None:
        super().__init__()
        self.template = template

    def forward(self, landmarks: torch.Tensor) -> FaceMaps:
        """True landmarks (B, 68, 2 or 3) in pixels -> maps; the box has the mean face's proportions at best in area."""
        template = self.template
        mean_map = template.mean_map.expand(len(landmarks), -1, -1, -1)
        frontal = torch.diag(torch.tensor([1.0, -1.0, -1.0], device=landmarks.device)).expand(len(landmarks), 3, 3)
        mean = template.mean_landmarks @ frontal.mT
        (low, high), (mean_low, mean_high) = _box(landmarks[..., :2]), _box(mean[..., :2])
        scale = ((high - low).prod(dim=1) / (mean_high - mean_low).prod(dim=1)).sqrt()
        middle = (low + high) / 2 - scale[:, None] * (mean_low + mean_high) / 2
        translation = torch.nn.functional.pad(middle, (0, 1))
        posed = scale[:, None, None] * (frontal @ mean_map.flatten(2)) + translation[..., None]
        geometry = posed.unflatten(2, mean_map.shape[2:])
        return FaceMaps(geometry, None, mean_map, None, scale, frontal, translation)


def _encoder(settings: ReconstructionSettings) -> FaceEncoder:
    network, expressions = settings.network, len(face_model(settings.data).expression_names)
    trunk = TRUNKS[network.trunk]
    return FaceEncoder(network.image_size, network.width, settings.encoder.identities, expressions, trunk)


def _reader(encoder: FaceEncoder, template: FaceTemplate, settings: ReconstructionSettings) -> ShapeReader:
    return ShapeReader(encoder, template, settings.network.width, TRUNKS[settings.network.trunk].halvings)


def _network(template: FaceTemplate, settings: ReconstructionSettings, width: float) -> SADRNet:
    network = settings.network
    bases = None
    if network.shape == "coefficients":
        model = face_model(settings.data)
        layout = face_layout(model, template.size)
        bases = layout.position_map(torch.cat((model.identity_basis, model.expression_basis)))
    return SADRNet(
        template,
        width=width,
        trunk=TRUNKS[network.trunk],
        attention=network.attention,
        geometry=network.geometry,
        shape=network.shape,
        bases=bases,
        shared_layers=network.shared_layers,
        unposes=network.unposes,
    )


def _box(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return points.amin(dim=1), points.amax(dim=1)
