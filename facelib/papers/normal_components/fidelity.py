"""How faithful reconstructed faces are, on photographs of people whom no training has seen.

Two numbers, since a face may be near in mm and nobody's: the distance of the face from the true one, with the
expression, once the best similarity has laid it there, as a photograph shows no size; and how often people are found
among all by the neutral shape that is read.
"""

from __future__ import annotations

import numpy as np
import torch

from facelib.data.known_photographs import KnownPhotographs, Read
from facelib.data.reconstructed_faces import vertices_of
from facelib.data.scan_template import scanned_skin
from facelib.faces.model_fit import aligned_root
from facelib.geometry.alignment import lengths, similarity_transform
from facelib.models.expnet import ShapeCoefficients
from facelib.papers.normal_components.identification import photograph_ranks
from facelib.papers.normal_components.networks import face_model
from facelib.papers.paper import Scores


def fidelity(read: Read, photographs: KnownPhotographs) -> Scores:
    """What a reconstructor makes of N photographs.

    Returns:
        fidelity_mm and fidelity_identity (N,), mean distances over the skin that scanners see; fidelity_rank1 (P,), the
        rank of each photograph but everybody's most frontal one, which is enrolled, and fidelity_probe (P,), who is on
        it.
    """
    found, archive = photographs.all_read_by(read), photographs.archive
    ranks, probes = photograph_ranks({"shape": _embeddings(found.identity)}, archive)
    identity = np.asarray(archive.arrays["identity"])
    return {
        "fidelity_mm": distances(found, photographs.true).numpy(),
        "fidelity_identity": identity,
        "fidelity_rank1": ranks["shape"],
        "fidelity_probe": identity[probes],
    }


def fidelity_means(scores: Scores) -> dict[str, float]:
    """The mean distance and the rank-1 rate."""
    return {
        "fidelity_mm": float(scores["fidelity_mm"].mean()),
        "fidelity_rank1": float(np.mean(scores["fidelity_rank1"] == 1)),
    }


def _embeddings(identity: torch.Tensor) -> np.ndarray:
    """Vectors (N, K) whose products are those of the neutral faces' deformations, but for similarities."""
    model = face_model()
    skin = scanned_skin(model)
    root = aligned_root(model.identity_basis[:, skin], model.mean[skin])
    return (identity @ root[: identity.shape[1]]).numpy()


def distances(found: ShapeCoefficients, true: ShapeCoefficients) -> torch.Tensor:
    """Mean distances (N,) in mm over the skin that scanners see, once the best similarity has laid faces on true ones.

    Args:
        found, true: of N faces.
    """
    model = face_model()
    skin = scanned_skin(model)
    ours, theirs = (vertices_of(model, shape)[:, skin].double() for shape in (found, true))
    return lengths(similarity_transform(ours, theirs).apply(ours) - theirs, dim=2).mean(dim=1)
