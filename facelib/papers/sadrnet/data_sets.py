"""The data sets of paper 3 at the sizes of a tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    Aflw2000Settings,
    FlorenceSettings,
    GeneratedSettings,
    PeopleStreamSettings,
)
from facelib.data.licensed.basel_posed import posed_photographs
from facelib.errors import BadInput
from facelib.papers.datasets import licensed_sets
from facelib.papers.sadrnet.left_out import without
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.settings import EMBEDDED, ReconstructionSettings

# Of whom one photograph is enrolled: others than those of AFLW2000-3D, up to 60 degrees of yaw, with nothing worn.
SAME_PEOPLE: dict[str, Any] = {"images": 3, "seed": 23, "yaw_shares": (2, 1, 0), "worn_share": 0.0}


def data_sets(method: Reconstructor, settings: ReconstructionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from: a stream of people, or 300W-LP under licence.

    Raises:
        MissingPart: when the settings ask for licensed data that are not there, or were not checked.
    """
    return _embedded(method, settings) if settings.data == EMBEDDED else _licensed(method, settings)


def _embedded(method: Reconstructor, settings: ReconstructionSettings) -> dict[str, GeneratedSettings]:
    evaluation, pixels = settings.evaluation, settings.network.image_size
    sizes: dict[str, Any] = {
        "people_stream": stream_settings(settings),
        "aflw2000": Aflw2000Settings(identities=evaluation.identities, images=evaluation.images),
        "same_people": Aflw2000Settings(evaluation.recognition, **SAME_PEOPLE),
    }
    if not method.is_pretraining:
        sizes["florence"] = FlorenceSettings(identities=evaluation.florence, points=evaluation.points)
    return {name: replace(each, scene=replace(each.scene, image_size=pixels)) for name, each in sizes.items()}


def _licensed(method: Reconstructor, settings: ReconstructionSettings) -> dict[str, GeneratedSettings]:
    """Without people in several photographs, of whom no licensed data set holds others than 300W-LP does."""
    faces, pixels = settings.faces, settings.network.image_size
    sets: dict[str, GeneratedSettings] = {
        "300w_lp": posed_photographs("300w_lp", pixels, faces.identities, faces.images),
        "aflw2000": posed_photographs("aflw2000", pixels),
    }
    return sets if method.is_pretraining else sets | licensed_sets(("florence",), pixels)


def stream_settings(settings: ReconstructionSettings) -> PeopleStreamSettings:
    """The stream at a tier's size; raises UnknownName where something else than it has is to be left out."""
    usual = PeopleStreamSettings()
    scene = replace(usual.scene, image_size=settings.network.image_size)
    return without(replace(usual, skins=settings.stream.skins, scene=scene), settings.stream.without)


def split_people(archive: FaceArchive, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """People to learn from, and the last ones, by whom training is watched.

    Raises:
        BadInput: when one of the two would be nobody.
    """
    people = archive.identities
    if not 0 < validation < len(people):
        raise BadInput(
            f"{validation} of {len(people)} people are held out: expected at least one, and somebody to learn from"
        )
    return people[:-validation], people[-validation:]
