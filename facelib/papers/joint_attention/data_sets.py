"""The data sets of paper 1 at the sizes of a tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.data.embedded import ArlVtfSettings, FaceScapeSettings, GeneratedSettings, WebFacesSettings
from facelib.data.protocol import Fold, Role, roles_of, split_identities
from facelib.papers.datasets import licensed_sets
from facelib.papers.joint_attention.methods import DataSet, Recogniser
from facelib.papers.joint_attention.settings import RecognitionSettings

WEB_FOLDS = 10  # a tenth of the web identities is held out to evaluate the pretraining


def data_sets(method: Recogniser, settings: RecognitionSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a method's run reads, the one it learns from first.

    Raises:
        MissingPart: when the settings ask for licensed data that are not there, or were not checked.
    """
    evaluated: tuple[DataSet, ...] = ("facescape",) if method.kind == "cloud" else ("facescape", "arl_vtf")
    names = (method.learns_from, *(() if method.is_pretraining else evaluated))
    pixels = settings.network.image_size
    if settings.data == "licensed":
        return licensed_sets(names, pixels)
    facescape, arl_vtf = settings.facescape, settings.arl_vtf
    sizes: dict[DataSet, Any] = {
        "web_faces": WebFacesSettings(identities=settings.web.identities, images=settings.web.images),
        "facescape": FaceScapeSettings(
            identities=facescape.identities + facescape.pool,
            views=facescape.views,
            fixed_albedo=facescape.fixed_albedo,
        ),
        "arl_vtf": ArlVtfSettings(
            identities=arl_vtf.identities,
            training_identities=arl_vtf.training_identities,
            training_images=arl_vtf.training_images,
        ),
    }
    return {name: replace(sizes[name], scene=replace(sizes[name].scene, image_size=pixels)) for name in names}


def split_of(name: DataSet, archive: FaceArchive, fold: int, pool: int = 0) -> Fold:
    """Identities to learn from, to watch the training by, and to evaluate on (but ARL-VTF is evaluated by its roles).

    Args:
        name: of the data set.
        archive: the data set.
        fold: which one.
        pool: how many of FaceScape's people, the last ones, belong to no fold; all folds are evaluated on them too.

    Raises:
        BadInput: on too few identities.
    """
    if name == "web_faces":
        return split_identities(archive.identities, fold, folds=WEB_FOLDS)
    if name == "facescape":
        in_folds = len(archive.identities) - pool
        split = split_identities(archive.identities[:in_folds], fold)
        return replace(split, evaluation=np.concatenate((split.evaluation, archive.identities[in_folds:])))
    people = np.unique(archive.arrays["identity"][roles_of(archive, Role.TRAINING)])
    split = split_identities(people, fold)
    # Nobody of them is evaluated on, so a fold's evaluation third is learnt from too.
    return replace(split, training=np.sort(np.concatenate((split.training, split.evaluation))))
