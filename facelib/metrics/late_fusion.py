"""Late fusion of features: Euclidean distances from probes to a gallery for each feature of a face, and their mean.

Paper 2 compares what three networks make of the x, y and z components of normals, and averages the distances. Whether
features are brought to unit length first it does not say. Raw ones let the feature of the largest scale decide alone,
so unit length is the default.

Source: paper 2, section 2.4, eqs. 12 to 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.spatial.distance import cdist

from facelib.errors import BadInput
from facelib.metrics.identification import probe_ranks
from facelib.metrics.inputs import Array, as_array, have_direction, point_array, unit_rows

FUSED = "fused"  # name of the mean over all features
AT_ONCE = 1024  # probes whose distances are held together


@dataclass(frozen=True)
class LateFusion:
    """Distances of every probe to every gallery sample. `rank1` and `probe_ranks` take them negated, as scores.

    Example:
        fusion = LateFusion.of({"x": probes_x, "y": probes_y}, {"x": gallery_x, "y": gallery_y})
        accuracy = rank1(-fusion.mean, probe_ids, gallery_ids)

    Args:
        distances: for each feature, by name, (P, G).
    """

    distances: dict[str, np.ndarray]

    @classmethod
    def of(cls, probes: Mapping[str, Array], gallery: Mapping[str, Array], unit_length: bool = True) -> Self:
        """Distances between features, eqs. 12 to 14.

        Args:
            probes: for each feature, by name, (P, D) of all probes in one order.
            gallery: for the same names, (G, D).
            unit_length: whether features are brought to unit length first; else distances are in the features' units.

        Raises:
            BadInput: for no feature, other names in the gallery, or shapes that do not fit.
            DegenerateInput: for features that are not finite, or zero where they are brought to unit length.
        """
        if not probes or probes.keys() != gallery.keys():
            raise BadInput(
                f"features {sorted(probes)} of probes, {sorted(gallery)} of the gallery: expected one or more, the same"
            )
        distances = {name: _distances(name, each, gallery[name], unit_length) for name, each in probes.items()}
        shapes = {name: each.shape for name, each in distances.items()}
        if len(set(shapes.values())) > 1:
            raise BadInput(f"distances (P, G) of shapes {shapes}: expected every feature of all probes and the gallery")
        return cls(distances)

    @property
    def mean(self) -> np.ndarray:
        """The mean over all features (P, G), eq. 15."""
        return np.mean(list(self.distances.values()), axis=0)


def fused_ranks(
    probes: Mapping[str, Array],
    probe_ids: Array,
    gallery: Mapping[str, Array],
    gallery_ids: Array,
    unit_length: bool = True,
    at_once: int = AT_ONCE,
) -> dict[str, np.ndarray]:
    """The place of each probe's own identity by each feature and by their mean, with few distances held at a time.

    Args:
        probes, gallery, unit_length: as `LateFusion.of`.
        probe_ids: (P,), all of them enrolled.
        gallery_ids: (G,), one sample of each identity.
        at_once: probes whose distances are held together.

    Returns:
        (P,) integers from 1 to G by the feature's name, and by `FUSED` those of the mean distance, eq. 15.

    Raises:
        BadInput: as `LateFusion.of` and `facelib.metrics.identification.probe_ranks`.
        DegenerateInput: as `LateFusion.of`.
    """
    ids, parts = as_array(probe_ids), list[dict[str, np.ndarray]]()
    for first in range(0, max(len(ids), 1), at_once):
        rows = slice(first, first + at_once)
        some = {name: as_array(features)[rows] for name, features in probes.items()}
        fusion = LateFusion.of(some, gallery, unit_length)
        every = {**fusion.distances, FUSED: fusion.mean}
        parts.append({name: probe_ranks(-each, ids[rows], gallery_ids) for name, each in every.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def places(
    features: Mapping[str, np.ndarray],
    usable: np.ndarray,
    identity: np.ndarray,
    gallery: np.ndarray,
    probes: np.ndarray,
    unit_length: bool = True,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """`fused_ranks` of samples of which some cannot be compared: their probes are missed, and not left out.

    Args:
        features: (N, D) by name.
        usable: (N,) bool, what can be compared at all.
        identity: (N,).
        gallery: rows that are enrolled, one of each person.
        probes: (P,) rows.
        unit_length: as `LateFusion.of`.

    Returns:
        Ranks (P,) by the feature's name and by `FUSED`, one more than there are people for a probe that is missed; and
        (P,) bool, which probes could not be compared: the probe itself, or what is enrolled of its person.
    """
    usable = usable & np.all([have_direction(each) for each in features.values()], axis=0)
    enrolled = gallery[usable[gallery]]
    compared = usable[probes] & np.isin(identity[probes], identity[enrolled])
    rows, missed = probes[compared], len(gallery) + 1
    found = {}
    if len(rows):
        of_probes, of_gallery = ({name: each[some] for name, each in features.items()} for some in (rows, enrolled))
        found = fused_ranks(of_probes, identity[rows], of_gallery, identity[enrolled], unit_length)
    ranks = {name: np.full(len(probes), missed) for name in (*features, FUSED)}
    for name, values in found.items():
        ranks[name][compared] = values
    return ranks, ~compared


def _distances(name: str, probes: Array, gallery: Array, unit_length: bool) -> np.ndarray:
    both = [
        point_array(f"{part} {name!r}", features, (None, None))
        for part, features in (("probes", probes), ("gallery", gallery))
    ]
    if both[0].shape[1] != both[1].shape[1]:
        raise BadInput(
            f"probes {name!r} {both[0].shape}, gallery {both[1].shape}: expected (P, D) and (G, D) of one dimension"
        )
    if unit_length:
        both = [unit_rows(f"{part} {name!r}", each) for part, each in zip(("probes", "gallery"), both, strict=True)]
    return cdist(*both)
