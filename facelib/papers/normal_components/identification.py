"""What recognisers make of images, and the ranks of photographs by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.protocol import gallery_and_probes
from facelib.metrics.late_fusion import places
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


def photograph_ranks(features: Features, archive: FaceArchive) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """`places` on photographs, everybody's most frontal one enrolled; and the rows (P,) of the probes.

    Raises:
        BadInput: where somebody has one photograph alone.
    """
    gallery, probes = gallery_and_probes(archive, archive.identities, gallery_size=1)
    everything = np.ones(len(archive), bool)
    ranks, _ = places(features, everything, np.asarray(archive.arrays["identity"]), gallery, probes)
    return ranks, probes
