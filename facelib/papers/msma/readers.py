"""What the methods of paper 5 read off photographs, whatever each of them does: a shape, an expression and landmarks.

Photographs come as a detector sees them; each method crops them as it was taught.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from facelib.data.landmarked_faces import LandmarkedFaces, aligned, moved_back
from facelib.data.photographs import FaceBox, Photograph
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.fitting import fit
from facelib.papers.msma.methods import DIRECT_FIT, MEAN_FACE, FaceReader
from facelib.papers.msma.networks import (
    face_renderer,
    mean_coefficients,
    standard_landmarks,
    weak_objective,
)
from facelib.papers.msma.settings import MSMARunSettings
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.reconstruction import bounds, reconstruct
from facelib.papers.sadrnet.trained import TrainedNetwork, load_shipped
from facelib.runs.tasks import to_device


@dataclass(frozen=True)
class FoundFaces:
    """What was read off B photographs.

    Args:
        identity: (B, up to K) standard deviations.
        expression: (B, E) standard deviations.
        landmarks: (B, 68, 2) pixels of the photographs.
    """

    identity: torch.Tensor
    expression: torch.Tensor
    landmarks: torch.Tensor

    def shapes(self, renderer: FaceRenderer, *, neutral: bool) -> torch.Tensor:
        """The faces (B, V, 3) in mm, with or without their expressions."""
        expression = torch.zeros_like(self.expression) if neutral else self.expression
        nothing = self.identity[:, :0]
        return renderer.shape_of(FaceCoefficients(self.identity, expression, nothing, nothing, nothing, nothing))


Reader = Callable[[LandmarkedFaces], FoundFaces]


CropReader = Callable[[LandmarkedFaces], FaceCoefficients | torch.Tensor]  # off aligned crops


def reader_of(method: FaceReader, settings: MSMARunSettings, network: nn.Module) -> Reader:
    """What a method reads with its network, in eval mode; networks of paper 3 are the shipped ones.

    The landmark reader knows no shape: its faces are the mean face.
    """
    if is_of_paper_3(method):
        return _of_paper_3(load_shipped(method.name))
    return _read_crops(settings, crop_reader_of(method, settings, network))


def is_of_paper_3(method: FaceReader) -> bool:
    """Whether a method is a shipped network of paper 3, which crops photographs as it was taught."""
    return method.shipped == (method.name,)


def crop_reader_of(method: FaceReader, settings: MSMARunSettings, network: nn.Module) -> CropReader:
    """What a method of paper 5 reads off aligned crops: coefficients, or the landmark reader's landmarks."""
    if method.name == MEAN_FACE:
        return lambda crops: mean_coefficients(len(crops))
    if method.name == DIRECT_FIT:
        return lambda crops: _fitted(settings, crops)
    device = next(network.parameters()).device

    @torch.no_grad()
    def read(crops: LandmarkedFaces) -> FaceCoefficients | torch.Tensor:
        return _on_cpu(network(crops.images.to(device)))

    return read


def mean_faces(settings: MSMARunSettings) -> Reader:
    """The mean face, laid onto five of the detected landmarks."""
    return _read_crops(settings, lambda crops: mean_coefficients(len(crops)))


def _read_crops(settings: MSMARunSettings, read: CropReader) -> Reader:
    """What coefficients of aligned crops, or landmarks on them alone, say of the photographs."""
    size = settings.network.image_size
    renderer, standard = face_renderer(size), standard_landmarks(size)

    def reader(faces: LandmarkedFaces) -> FoundFaces:
        found = read(aligned(faces, standard))
        if isinstance(found, torch.Tensor):
            face, landmarks = mean_coefficients(len(found)), found
        else:
            face, landmarks = found, renderer.cpu().landmarks_of(found)
        return FoundFaces(face.identity, face.expression, moved_back(landmarks, faces.landmarks, standard))

    return reader


def _fitted(settings: MSMARunSettings, crops: LandmarkedFaces) -> FaceCoefficients:
    """On a GPU where torch sees one, as trainings are: at 224 pixels a photograph costs some 6 s of a core's time."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    objective = weak_objective(settings)
    objective.renderer.to(device)
    with torch.enable_grad():
        start = to_device(mean_coefficients(len(crops)), device)
        found = fit(objective, to_device(crops, device), start, settings.fitting)
    objective.renderer.cpu()  # all that evaluate share it
    return _on_cpu(found)


def _on_cpu(found: FaceCoefficients | torch.Tensor) -> Any:
    """Once they are there: copies that do not wait may be read before."""
    return found.cpu() if isinstance(found, torch.Tensor) else FaceCoefficients(*(each.cpu() for each in found))


def _of_paper_3(trained: TrainedNetwork) -> Reader:
    """A network of paper 3: the face model is fitted to the shape that it draws, which tells who it is from how he
    looks."""
    mapper = face_mapper(trained.settings)

    def reader(faces: LandmarkedFaces) -> FoundFaces:
        found = [_read_map(trained, mapper, *each) for each in zip(faces.images, faces.landmarks, strict=True)]
        identity, expression, landmarks = (torch.stack(each) for each in zip(*found, strict=True))
        return FoundFaces(identity, expression / EXPRESSION_SPREAD, landmarks)

    return reader


def _read_map(
    trained: TrainedNetwork, mapper: FaceMapper, image: torch.Tensor, landmarks: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Identity, strengths of the actions and landmarks of one photograph (3, H, W)."""
    low, high = bounds(landmarks)
    photograph = Photograph(image)
    box = FaceBox(*low.tolist(), *high.tolist())
    face = reconstruct(trained.draws, trained.model, mapper.template.size, photograph, box, looks=1)
    deformation = (face.vertices - mapper.mean.unflatten(0, (-1, 3)))[mapper.evaluated[mapper.template.mask]]
    identity, expression = mapper.fit.coefficients(deformation[None])
    return identity[0], expression[0], face.landmarks[:, :2]
