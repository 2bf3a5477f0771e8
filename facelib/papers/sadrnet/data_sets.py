"""The data sets of paper 3 at the sizes of a tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    Aflw2000Settings,
    FlorenceSettings,
    W300LpSettings,
    fingerprint_of,
    open_aflw2000,
    open_florence,
    open_w300lp,
)
from facelib.errors import BadInput, MissingPart
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.runs.progress import progress_bar
from facelib.storage import digest_of

DataSet = Literal["training", "aflw2000", "florence"]
DATA_SETS: tuple[DataSet, ...] = get_args(DataSet)
ARCHIVE_NAMES: dict[DataSet, str] = {
    "training": "embedded_300w_lp",
    "aflw2000": "embedded_aflw2000",
    "florence": "embedded_florence",
}


def open_data(settings: ReconstructionSettings, name: DataSet) -> FaceArchive:
    """A data set from the cache, generated where it is missing."""
    source = data_settings(settings, name)
    if isinstance(source, FlorenceSettings):
        count = source.identities * len(source.pitches) * len(source.yaws)
        with progress_bar("Florence counterpart", count, "images") as bar:
            return open_florence(source, bar.advance)
    count = source.identities * source.images
    if isinstance(source, W300LpSettings):
        with progress_bar("300W-LP counterpart", count, "images") as bar:
            return open_w300lp(source, bar.advance)
    with progress_bar("AFLW2000-3D counterpart", count, "images") as bar:
        return open_aflw2000(source, bar.advance)


def data_settings(
    settings: ReconstructionSettings, name: DataSet
) -> W300LpSettings | Aflw2000Settings | FlorenceSettings:
    """The generated data set that stands for a name.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    if settings.data != "embedded":
        raise MissingPart(
            "the paper tier reads 300W-LP, AFLW2000-3D and Florence, which their owners license: no reader is "
            "configured here; use --tier gpu for the same sizes on embedded faces"
        )
    source: W300LpSettings | Aflw2000Settings | FlorenceSettings
    if name == "training":
        source = W300LpSettings(identities=settings.faces.identities, images=settings.faces.images)
    elif name == "aflw2000":
        source = Aflw2000Settings(identities=settings.evaluation.identities, images=settings.evaluation.images)
    else:
        source = FlorenceSettings(identities=settings.evaluation.florence)
    return replace(source, scene=replace(source.scene, image_size=settings.network.image_size))


def fingerprint_of_data(settings: ReconstructionSettings) -> str:
    """The fingerprint of all data that a run reads, as it would be generated today."""
    return combined_fingerprint(
        {name: fingerprint_of(ARCHIVE_NAMES[name], data_settings(settings, name)) for name in DATA_SETS}
    )


def combined_fingerprint(fingerprints: dict[DataSet, str]) -> str:
    """One fingerprint of all data sets."""
    return digest_of(fingerprints)


def split_people(archive: FaceArchive, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """People to learn from, and the last ones, by whom the epoch is chosen.

    Raises:
        BadInput: when one of the two would be nobody.
    """
    people = archive.identities
    if not 0 < validation < len(people):
        raise BadInput(
            f"{validation} of {len(people)} people are held out: expected at least one, and somebody to learn from"
        )
    return people[:-validation], people[-validation:]
