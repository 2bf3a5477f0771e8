"""Which photographs the pictures of paper 5 show: one typical of each condition, chosen by rule and never by eye.

A condition is a group of photographs, made by what is known of them and not by how well they are read. Of each group
the photograph with the median error of one method is shown, or of the difference of two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded import Aflw2000Settings
from facelib.faces.occluders import Occluder
from facelib.faces.population import sample_people
from facelib.metrics.landmark_error import yaw_bin_masks
from facelib.papers.datasets import open_data_set
from facelib.papers.failures import FAILED
from facelib.papers.msma.fitted_face import encoded, finer_mesh
from facelib.papers.msma.metrics import CASES
from facelib.papers.msma.networks import face_model, face_renderer, mean_coefficients
from facelib.report.msma.readings import Photographs, photographs_of
from facelib.report.sadrnet.predictions import median_place

STRONGEST = 0.9  # quantile of a quantity from which on a photograph counts as extreme
GREY = "grey image"  # the group whose photograph is shown without colours
OF_AFLW = ("extreme light", "occlusion", GREY, "strong expression", "large pose")  # of figure 6, in its order
MOFA_PEOPLE, MOFA_SEED = 5, 11  # of people of no other data set


def mofa_photographs(image_size: int, people: int = MOFA_PEOPLE) -> Photographs:
    """The MoFA-Test counterpart: people of their own with nothing worn, within 30 degrees of yaw; all are shown.

    They are made as AFLW2000-3D's are, since MoFA-Test too has web photographs of people with all kinds of
    expressions; the cases of the ablation smile or look still.
    """
    usual = Aflw2000Settings(people, images=1, seed=MOFA_SEED, yaw_shares=(1, 0, 0), worn_share=0.0)
    archive = open_data_set("aflw2000", replace(usual, scene=replace(usual.scene, image_size=image_size)))
    return photographs_of(archive, {f"person {number + 1}": number for number in range(people)})


def mofa_albedo(image_size: int, people: int = MOFA_PEOPLE) -> torch.Tensor:
    """Their albedo as a screen shows it, (people, N, 3) in [0, 1], of the points of `PlacedFace`; without beards."""
    renderer = face_renderer(image_size)
    texture = sample_people(face_model(), people, MOFA_SEED).texture
    albedo = renderer.albedo_of(mean_coefficients(people)._replace(albedo=texture))
    fine, _ = finer_mesh(renderer)
    return encoded(torch.stack([torch.from_numpy(fine @ each.numpy()) for each in albedo]))


def aflw_groups(archive: FaceArchive) -> dict[str, np.ndarray]:
    """The conditions of figure 6 among photographs of AFLW2000-3D: title -> (N,) bool; and "both", an expression under
    something worn."""
    arrays = archive.arrays
    yaw = yaw_bin_masks(arrays["pose"][:, 0])
    worn = np.asarray(arrays["occluder"]) != Occluder.NOTHING
    plain = yaw["0-30"] & ~worn
    strength = np.linalg.norm(arrays["action"], axis=1)
    return {
        "extreme light": extreme(unevenness(archive), plain),
        "occlusion": yaw["0-30"] & worn,
        GREY: plain,
        "strong expression": extreme(strength, plain),
        "large pose": yaw["60-90"] & ~worn,
        "expression and occlusion": extreme(strength, ~yaw["60-90"] & worn),
    }


def case_groups(archive: FaceArchive) -> dict[str, np.ndarray]:
    """The cases of the ablation: title -> (N,) bool."""
    case = np.asarray(archive.arrays["case"])
    return {name.replace("_", " "): case == number for number, name in enumerate(CASES)}


def unevenness(archive: FaceArchive) -> np.ndarray:
    """How much the brightness of the skin varies over each photograph (N,): its standard deviation over its mean."""
    found = []
    for image, skin in zip(archive.arrays["images"], archive.arrays["skin"], strict=True):
        brightness = np.asarray(image, np.float32).mean(axis=0)[np.asarray(skin) > 0]
        found.append(brightness.std() / max(brightness.mean(), 1.0) if len(brightness) else 0.0)
    return np.array(found)


def extreme(values: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which photographs (N,) of a group have the largest tenth of these values; all false for an empty group."""
    if not among.any():
        return among
    return among & (values >= np.quantile(values[among], STRONGEST))


def typical(groups: Mapping[str, np.ndarray], errors: np.ndarray, failed: np.ndarray) -> dict[str, int]:
    """The row with the median error of each group, without those that were not judged; empty groups are left out.

    Args:
        groups: title -> (N,) bool.
        errors: (N,), or differences of two methods' errors.
        failed: (N,) bool.
    """
    judged = {title: chosen & ~failed for title, chosen in groups.items()}
    return {title: median_place(errors, chosen) for title, chosen in judged.items() if chosen.any()}


def typical_of(
    groups: Mapping[str, np.ndarray],
    data_set: str,
    scores: Mapping[str, np.ndarray],
    others: Mapping[str, np.ndarray] | None = None,
) -> dict[str, int]:
    """`typical` by the scores of a run, or by how much larger the errors of another run are.

    Args:
        groups: of the data set's photographs.
        data_set: "aflw", "cases" or "facewarehouse".
        scores, others: of runs.
    """
    errors, failed = scores[data_set], np.asarray(scores[f"{data_set}_{FAILED}"], bool)
    if others is not None:
        errors, failed = others[data_set] - errors, failed | np.asarray(others[f"{data_set}_{FAILED}"], bool)
    return typical(groups, errors, failed)
