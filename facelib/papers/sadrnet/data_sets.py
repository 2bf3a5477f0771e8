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
    W300LpSettings,
)
from facelib.errors import BadInput
from facelib.papers.datasets import require_embedded
from facelib.papers.sadrnet.left_out import without
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.settings import ReconstructionSettings

# Of whom one photograph is enrolled: others than those of AFLW2000-3D, up to 60 degrees of yaw, with nothing worn.
SAME_PEOPLE: dict[str, Any] = {"images": 3, "seed": 23, "yaw_shares": (2, 1, 0), "worn_share": 0.0}


def data_sets(method: Reconstructor, settings: ReconstructionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from: a stream of people, or 300W-LP under licence.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    evaluation, pixels = settings.evaluation, settings.network.image_size
    streams = learns_from_stream(method, settings)
    sizes: dict[str, Any] = (
        {"people_stream": stream_settings(settings)}
        if streams
        else {"300w_lp": W300LpSettings(identities=settings.faces.identities, images=settings.faces.images)}
    )
    sizes["aflw2000"] = Aflw2000Settings(identities=evaluation.identities, images=evaluation.images)
    sizes["same_people"] = Aflw2000Settings(evaluation.recognition, **SAME_PEOPLE)
    if not method.is_pretraining:
        sizes["florence"] = FlorenceSettings(identities=evaluation.florence, points=evaluation.points)
    require_embedded(settings.data, tuple(sizes))
    return {name: replace(each, scene=replace(each.scene, image_size=pixels)) for name, each in sizes.items()}


def learns_from_stream(method: Reconstructor, settings: ReconstructionSettings) -> bool:
    """Whether a run learns from the stream of people rather than from 300W-LP."""
    return settings.data == "embedded" or method.is_pretraining


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
