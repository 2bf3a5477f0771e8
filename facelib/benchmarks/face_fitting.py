"""Direct fitting of a face model to photographs, as `facelib fit` ends: together, against one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facelib.benchmarks.measure import Case
from facelib.data.embedded import LandmarkedStream, landmarked_faces_of
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.papers.msma import PAPER
from facelib.papers.msma.fitting import fit
from facelib.papers.msma.networks import mean_coefficients, standard_landmarks, weak_objective
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.msma.photograph_fit import REFINEMENT
from facelib.papers.msma.photographs import stream_settings

TIER = "laptop"
SKINS = 40
TOGETHER = 4
SAME_PIXELS = 0.5  # of landmarks: Adam makes steps of the last digits, and those of all photographs differ in them


@dataclass(frozen=True)
class Photographs:
    """Faces to be fitted, and the losses that say how well."""

    faces: LandmarkedFaces
    objective: WeakObjective


def photographs(count: int, tier: str = TIER) -> Photographs:
    """So many of the web counterpart."""
    settings = PAPER.run_settings("msma", tier, changes={"stream.skins": SKINS})
    stream = LandmarkedStream.open(stream_settings(settings), standard_landmarks(settings.network.image_size))
    return Photographs(landmarked_faces_of(stream.batch(0, count)), weak_objective(settings))


def fitted(given: Photographs) -> torch.Tensor:
    """Ours: all together, from the mean face; landmarks (B, 68, 2) pixels."""
    found = fit(given.objective, given.faces, mean_coefficients(len(given.faces)), REFINEMENT)
    return given.objective.renderer.landmarks_of(found)


def one_by_one(given: Photographs) -> torch.Tensor:
    """The same, each photograph alone."""
    singles = (given.faces.part(slice(row, row + 1)) for row in range(len(given.faces)))
    return torch.cat([fitted(Photographs(face, given.objective)) for face in singles])


def same_faces(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Whether landmarks lie in the same places."""
    return bool((ours - theirs).norm(dim=2).max() < SAME_PIXELS)


CASES = (
    Case(
        name="fit-photographs",
        kernel="fit-photographs",
        size=f"{TOGETHER} photographs at the {TIER} tier, {REFINEMENT.landmark_steps + REFINEMENT.steps} steps",
        peer="one photograph after the other",
        prepare=photographs,
        n=TOGETHER,
        counted="photographs",
        ours=fitted,
        load_peer=lambda: one_by_one,
        agree=same_faces,
        images=TOGETHER,
        growth=(1, 4, 16),
    ),
)
