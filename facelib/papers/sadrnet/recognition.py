"""Whether people are told apart by the shapes that a network predicts: what paper 2 will live on (ours)."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.metrics.identification import probe_ranks
from facelib.papers.failures import all_judged
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.protocol import Predictor, mean_face_in_box
from facelib.papers.sadrnet.shape_protocol import own_shape


@torch.no_grad()
def evaluate_recognition(predict: Predictor, mapper: FaceMapper, archive: FaceArchive) -> dict[str, np.ndarray]:
    """Whether people are recognised by the neutral faces that the model's fit sees in the predicted shapes.

    Everybody's most frontal photograph is enrolled, the others are probes; scores are cosines of the neutral faces'
    deformations. A face that cannot be judged, or that is the mean face, is like nobody.

    Returns:
        recognition (P,), 1 or 0 for each probe, and recognition_identity (P,).

    Raises:
        BadInput: where somebody has one photograph alone.
    """
    mean = mapper.template.mean_map[:, mapper.evaluated].T
    mean_face = mean_face_in_box(mapper)

    def embeddings(chosen: Predictor, rows: np.ndarray) -> dict[str, np.ndarray]:
        faces = posed_faces(archive, rows)
        maps = chosen(faces, mapper.template.landmarks_of(mapper(faces).geometry))
        identity, _ = mapper.fit.coefficients(own_shape(maps, mapper) - mean)
        return {"embedding": functional.normalize(mapper.fit.embedding(identity)).numpy()}

    rows = np.arange(len(archive))
    found = all_judged(embeddings, predict, mean_face, rows)["embedding"]
    identity, yaw = (np.asarray(values) for values in (archive.arrays["identity"], archive.arrays["pose"][:, 0]))
    order = np.lexsort((np.abs(yaw), identity))
    enrolled = np.zeros(len(rows), bool)
    enrolled[order[np.unique(identity[order], return_index=True)[1]]] = True
    if not set(identity[enrolled]) == set(identity[~enrolled]):
        raise BadInput(f"data set {archive.name} has people of one photograph: expected one to enrol and one to probe")
    ranks = probe_ranks(found[~enrolled] @ found[enrolled].T, identity[~enrolled], identity[enrolled])
    return {"recognition": (ranks == 1).astype(np.float64), "recognition_identity": identity[~enrolled]}
