"""Ranks of probes by what networks make of images; a probe that cannot be compared is missed, and not left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.protocol import gallery_and_probes
from facelib.metrics.inputs import have_direction
from facelib.metrics.late_fusion import FUSED, fused_ranks
from facelib.runs.tasks import to_device

IMAGES_AT_ONCE = 128

Features = dict[str, np.ndarray]  # view -> (N, D), not of unit length
ImagesOf = Callable[[FaceArchive, np.ndarray], Any]  # what a network is given of some rows


@torch.no_grad()
def features_of(network: nn.Module, images_of: ImagesOf, archive: FaceArchive) -> Features:
    """What a recogniser, in eval mode, makes of all images of a data set."""
    device, parts = next(network.parameters()).device, list[Features]()
    for rows in np.array_split(np.arange(len(archive)), -(-len(archive) // IMAGES_AT_ONCE)):
        embeddings = network(to_device(images_of(archive, rows), device))
        parts.append({view: (unit * norm).float().cpu().numpy() for view, (unit, norm) in embeddings.items()})
    return {view: np.concatenate([part[view] for part in parts]) for view in parts[0]}


def places(
    features: Mapping[str, np.ndarray],
    usable: np.ndarray,
    identity: np.ndarray,
    gallery: np.ndarray,
    probes: np.ndarray,
    unit_length: bool = True,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The place of each probe's own identity by each view and by all together.

    Args:
        features: (N, D) by view.
        usable: (N,) bool, what can be compared at all.
        identity: (N,).
        gallery: rows that are enrolled, one of each person.
        probes: (P,) rows.
        unit_length: as `facelib.metrics.late_fusion.LateFusion.of`.

    Returns:
        Ranks (P,) by view and by `FUSED`, one more than there are people for a probe that is missed; and (P,) bool,
        which probes could not be compared: the probe itself, or what is enrolled of its person.
    """
    usable = usable & np.all([have_direction(each) for each in features.values()], axis=0)
    enrolled = gallery[usable[gallery]]
    compared = usable[probes] & np.isin(identity[probes], identity[enrolled])
    rows, missed = probes[compared], len(gallery) + 1
    found = {}
    if len(rows):
        of_probes, of_gallery = ({view: each[some] for view, each in features.items()} for some in (rows, enrolled))
        found = fused_ranks(of_probes, identity[rows], of_gallery, identity[enrolled], unit_length)
    ranks = {name: np.full(len(probes), missed) for name in (*features, FUSED)}
    for name, values in found.items():
        ranks[name][compared] = values
    return ranks, ~compared


def photograph_ranks(features: Features, archive: FaceArchive) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """`places` on photographs, everybody's most frontal one enrolled; and the rows (P,) of the probes.

    Raises:
        BadInput: where somebody has one photograph alone.
    """
    gallery, probes = gallery_and_probes(archive, archive.identities, gallery_size=1)
    everything = np.ones(len(archive), bool)
    ranks, _ = places(features, everything, np.asarray(archive.arrays["identity"]), gallery, probes)
    return ranks, probes
