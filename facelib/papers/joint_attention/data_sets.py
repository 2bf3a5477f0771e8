"""The data sets of paper 1 at the sizes of a tier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    ArlVtfSettings,
    FaceScapeSettings,
    WebFacesSettings,
    fingerprint_of,
    open_arl_vtf,
    open_facescape,
    open_web_faces,
)
from facelib.data.protocol import Fold, Role, roles_of, split_identities
from facelib.errors import MissingPart
from facelib.faces.population import EXPRESSIONS
from facelib.papers.joint_attention.methods import DataSet, Method
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.runs.progress import progress_bar
from facelib.storage import digest_of

DataSettings = WebFacesSettings | FaceScapeSettings | ArlVtfSettings

WEB_FOLDS = 10  # a tenth of the web identities is held out to evaluate the pretraining
ARCHIVE_NAMES: dict[DataSet, str] = {
    "web_faces": "embedded_web_faces",
    "facescape": "embedded_facescape",
    "arl_vtf": "embedded_arl_vtf",
}


def data_sets_of(method: Method) -> tuple[DataSet, ...]:
    """Data sets that a method's run reads, the one it learns from first."""
    if method.kind == "pretraining":
        return (method.learns_from,)
    evaluated: tuple[DataSet, ...] = ("facescape",) if method.kind == "cloud" else ("facescape", "arl_vtf")
    return (method.learns_from, *(name for name in evaluated if name != method.learns_from))


def open_data(settings: RecognitionSettings, name: DataSet) -> FaceArchive:
    """A data set from the cache, generated where it is missing."""
    source = data_settings(settings, name)
    if isinstance(source, WebFacesSettings):
        with progress_bar("web faces", source.identities * source.images, "images") as bar:
            return open_web_faces(source, bar.advance)
    if isinstance(source, FaceScapeSettings):
        count = source.identities * source.views * len(EXPRESSIONS)
        with progress_bar("FaceScape counterpart", count, "images") as bar:
            return open_facescape(source, bar.advance)
    count = source.identities * (source.gallery + 2 * source.probes)
    count += source.training_identities * source.training_images
    with progress_bar("ARL-VTF counterpart", count, "images") as bar:
        return open_arl_vtf(source, bar.advance)


def data_settings(settings: RecognitionSettings, name: DataSet) -> DataSettings:
    """The generated data set that stands for a name.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    if settings.data != "embedded":
        raise MissingPart(
            "the paper tier reads FaceScape and ARL-VTF, which their owners license: no reader is configured here; "
            "use --tier gpu for the same sizes on embedded faces"
        )
    source: DataSettings
    if name == "web_faces":
        source = WebFacesSettings(identities=settings.web.identities, images=settings.web.images)
    elif name == "facescape":
        size = settings.facescape
        source = FaceScapeSettings(identities=size.identities, views=size.views, fixed_albedo=size.fixed_albedo)
    else:
        arl_vtf = settings.arl_vtf
        source = ArlVtfSettings(
            identities=arl_vtf.identities,
            training_identities=arl_vtf.training_identities,
            training_images=arl_vtf.training_images,
        )
    return replace(source, scene=replace(source.scene, image_size=settings.network.image_size))


def fingerprint_of_data(method: Method, settings: RecognitionSettings) -> str:
    """The fingerprint of all data that a method's run reads, as it would be generated today."""
    return combined_fingerprint(
        {name: fingerprint_of(ARCHIVE_NAMES[name], data_settings(settings, name)) for name in data_sets_of(method)}
    )


def combined_fingerprint(fingerprints: dict[DataSet, str]) -> str:
    """One fingerprint of several data sets; a single one keeps its own."""
    return next(iter(fingerprints.values())) if len(fingerprints) == 1 else digest_of(fingerprints)


def split_of(name: DataSet, archive: FaceArchive, fold: int) -> Fold:
    """Identities to learn from, to choose the epoch by, and to evaluate on (but ARL-VTF is evaluated by its roles).

    Raises:
        BadInput: on too few identities.
    """
    if name == "web_faces":
        return split_identities(archive.identities, fold, folds=WEB_FOLDS)
    if name == "facescape":
        return split_identities(archive.identities, fold)
    people = np.unique(archive.arrays["identity"][roles_of(archive, Role.TRAINING)])
    split = split_identities(people, fold)
    # Nobody of them is evaluated on, so a fold's evaluation third is learnt from too.
    return replace(split, training=np.sort(np.concatenate((split.training, split.evaluation))))
