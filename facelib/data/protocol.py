"""Identity-disjoint folds, and gallery and probes (paper 1, section V.A).

The paper splits 140 identities into 70 % for training and about 47 for evaluation, three times: three folds of one
third each. Its validation set is not described; we hold a few training identities out, so no choice is made on the
identities that are reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput

FOLDS = 3
GALLERY_SIZE = 5


class Role(IntEnum):
    """What a photograph serves for in a data set with a protocol of its own (ARL-VTF's; paper 1, section V.A)."""

    GALLERY = 0
    FRONTAL_PROBE = 1
    POSE_PROBE = 2
    TRAINING = 3


@dataclass(frozen=True)
class Fold:
    """Identities of one fold, disjoint and ascending: training, validation (model selection) and evaluation."""

    training: np.ndarray
    validation: np.ndarray
    evaluation: np.ndarray


def split_identities(
    identities: np.ndarray, fold: int, *, folds: int = FOLDS, validation_share: float = 0.2, seed: int = 0
) -> Fold:
    """One fold; over all folds each identity is evaluated exactly once.

    Args:
        identities: all identities of the data set.
        fold: 0 to folds - 1.
        folds: number of folds.
        validation_share: share of the non-evaluated identities that is held out for model selection.
        seed: of the one shuffle that all folds share.

    Raises:
        BadInput: on a fold out of range, or when a part would hold fewer than two identities.
    """
    if not 0 <= fold < folds:
        raise BadInput(f"fold is {fold}: expected 0 to {folds - 1}")
    order = np.random.default_rng(seed).permutation(np.sort(identities))
    thirds = np.array_split(order, folds)
    rest = np.concatenate([part for i, part in enumerate(thirds) if i != fold])
    held_out = max(2, round(validation_share * len(rest)))
    result = Fold(np.sort(rest[held_out:]), np.sort(rest[:held_out]), np.sort(thirds[fold]))
    smallest = min(len(result.training), len(result.validation), len(result.evaluation))
    if smallest < 2:
        raise BadInput(
            f"{len(identities)} identities in {folds} folds leave a part with {smallest}: expected at least two in each"
        )
    return result


def rows_of(archive: FaceArchive, identities: np.ndarray) -> np.ndarray:
    """The rows of a data set that show these identities, ascending."""
    return np.flatnonzero(np.isin(archive.arrays["identity"], identities))


def gallery_and_probes(
    archive: FaceArchive, identities: np.ndarray, gallery_size: int = GALLERY_SIZE
) -> tuple[np.ndarray, np.ndarray]:
    """Split the samples of some identities into gallery and probe rows.

    The paper takes five gallery samples of each identity and does not say which: we enrol the most frontal ones, as
    it speaks of matching profile to frontal.

    Args:
        archive: the data set.
        identities: whose samples to split.
        gallery_size: samples enrolled for each identity.

    Raises:
        BadInput: when an identity has no sample left to probe with.
    """
    gallery = []
    for identity in identities:
        rows = rows_of(archive, np.array([identity]))
        if len(rows) <= gallery_size:
            raise BadInput(f"identity {identity} has {len(rows)} samples: a gallery of {gallery_size} leaves no probe")
        nearest = np.argsort(archive.arrays["angle"][rows], kind="stable")[:gallery_size]
        gallery.append(rows[nearest])
    enrolled = np.sort(np.concatenate(gallery))
    return enrolled, np.setdiff1d(rows_of(archive, identities), enrolled)


def roles_of(archive: FaceArchive, role: Role) -> np.ndarray:
    """The rows of a data set that serve for one thing, ascending.

    Args:
        archive: a data set with roles.
        role: which one.

    Raises:
        BadInput: when the data set has no roles, or no photograph has this one.
    """
    if "role" not in archive.arrays:
        raise BadInput(f"data set {archive.name} has no roles: split its photographs with gallery_and_probes")
    rows = np.flatnonzero(archive.arrays["role"] == role)
    if len(rows) == 0:
        raise BadInput(f"data set {archive.name} has no photograph with the role {Role(role).name}: generate some")
    return rows
