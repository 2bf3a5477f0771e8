"""One photograph in, one fitted face out: what a network reads, brought nearer to the photograph by direct fitting."""

from __future__ import annotations

from collections.abc import Callable

import torch

from facelib.data.photographs import FaceBox, Photograph
from facelib.papers.msma import PAPER
from facelib.papers.msma.detection import detected_face, detected_landmarks
from facelib.papers.msma.fitted_face import FittedFace
from facelib.papers.msma.fitting import fit
from facelib.papers.msma.networks import weak_objective
from facelib.papers.msma.settings import EMBEDDED, FittingSettings
from facelib.papers.msma.trained import TrainedReader

REFINEMENT = FittingSettings(landmark_steps=100, steps=60)


def fit_photograph(
    trained: TrainedReader,
    photograph: Photograph,
    box: FaceBox,
    *,
    refine: bool = True,
    on_step: Callable[[], None] = lambda: None,
) -> FittedFace:
    """The face in a box of a photograph.

    Args:
        trained: the network that reads it.
        photograph: whole or part of the face.
        box: around the face's landmarks, from brows to chin.
        refine: whether direct fitting goes on from what the network reads, by the losses of its tier, whichever of
            them its method left out.
        on_step: called after each step of that, of which there are landmark_steps and steps of `REFINEMENT`.

    Raises:
        BadInput: for a box outside the photograph, or fewer than 16 pixels a side of either.
        DegenerateInput: when the landmarks make no face, or the network's answer is not finite.
    """
    size = trained.settings.network.image_size
    crop, faces = detected_face(photograph, detected_landmarks(photograph, box), size)
    with torch.no_grad():
        found = trained.network(faces.images)
    if refine:
        # Whoever has a photograph need not have the data of that tier: the recogniser is the one that comes along.
        objective = weak_objective(PAPER.settings(trained.tier, {"network.image_size": size, "data": EMBEDDED}))
        found = fit(objective, faces, found, REFINEMENT, lambda step, terms: on_step())
    made = {"weights_sha256": trained.weights_sha256, "refined": refine}
    return FittedFace(found, crop, box, photograph, {**trained.origin, **made})
