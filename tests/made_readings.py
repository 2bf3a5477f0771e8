"""Photographs of paper 5's pictures and methods that know, or do not know, what is on them; no training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import Aflw2000Settings, CelebaCasesSettings, open_aflw2000, open_celeba_cases
from facelib.papers.msma.networks import mean_coefficients
from facelib.report.msma.readings import Photographs, PlacedFace, fitted_faces, photographs_of

SIZE = 64


@cache
def tiny_web() -> FaceArchive:
    """20 photographs of AFLW2000-3D's counterpart."""
    usual = Aflw2000Settings(identities=10, images=2)
    return open_aflw2000(replace(usual, scene=replace(usual.scene, image_size=SIZE)))


@cache
def tiny_cases() -> FaceArchive:
    """Two people in the cases of the ablation."""
    usual = CelebaCasesSettings(2, 3000)
    return open_celeba_cases(replace(usual, scene=replace(usual.scene, image_size=SIZE)))


@cache
def two_photographs() -> Photographs:
    """A plain photograph and one with covered eyes."""
    return photographs_of(tiny_cases(), {"plain": 0, "covered eyes": 1})


@cache
def mean_faces() -> tuple[PlacedFace, ...]:
    """What a method that tells nothing reads off them."""
    return tuple(fitted_faces(two_photographs().faces, lambda crops: mean_coefficients(len(crops)), "mean_face"))


def moved(faces: Sequence[PlacedFace], pixels: float) -> list[PlacedFace]:
    """Faces so many pixels to the right."""
    right = torch.tensor([pixels, 0.0, 0.0])
    return [replace(face, points=face.points + right, landmarks=face.landmarks + right[:2]) for face in faces]
