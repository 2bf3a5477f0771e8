"""Direct fitting: the coefficients of single photographs, found by descent through the renderer.

What the losses say when no network stands between them and the coefficients: the limit of the information that a
weakly supervised network can use.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch

from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.msma.settings import FittingSettings

FINER = {"angles": 0.4, "translation": 0.4, "light": 0.2}
LAST_SHARE = 0.05  # of the rate


def fit(
    objective: WeakObjective,
    faces: LandmarkedFaces,
    start: FaceCoefficients,
    settings: FittingSettings,
    on_step: Callable[[int, dict[str, torch.Tensor]], None] = lambda step, terms: None,
) -> FaceCoefficients:
    """Fit each of B photographs.

    Args:
        objective: the losses.
        faces: the photographs.
        start: their first coefficients, such as zero or what a network read.
        settings: of the descent.
        on_step: told the number of each step and its terms.
    """
    found = FaceCoefficients(*(each.detach().clone().requires_grad_() for each in start))
    for terms_of, count in ((objective.placing_terms, settings.landmark_steps), (objective.terms, settings.steps)):
        groups = [
            {"params": [value], "lr": settings.rate * FINER.get(name, 1.0)} for name, value in found._asdict().items()
        ]
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, partial(_share, total=count))
        for step in range(count):
            terms = terms_of(found, faces)
            optimizer.zero_grad()
            # Each photograph moves as if it were fitted alone: means over the batch become sums.
            (len(faces) * torch.stack(list(terms.values())).sum()).backward()
            optimizer.step()
            schedule.step()
            on_step(step, {name: value.detach() for name, value in terms.items()})
    return FaceCoefficients(*(each.detach() for each in found))


def _share(step: int, total: int) -> float:
    """Of the rate at a step, along a cosine."""
    return LAST_SHARE + (1 - LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * step / max(total, 1)))
