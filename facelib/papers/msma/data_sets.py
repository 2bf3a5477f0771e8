"""The data sets of paper 5 at the sizes of a tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from facelib.data.embedded import (
    Aflw2000Settings,
    CelebaCasesSettings,
    FaceWarehouseSettings,
    FlorenceClipsSettings,
    GeneratedSettings,
)
from facelib.papers.datasets import require_embedded
from facelib.papers.msma.methods import FaceReader
from facelib.papers.msma.photographs import stream_settings
from facelib.papers.msma.settings import MSMARunSettings
from facelib.papers.paper import BASELINE


def data_sets(method: FaceReader, settings: MSMARunSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    sizes: dict[str, Any] = {} if method.kind == BASELINE else {"people_stream": stream_settings(settings)}
    evaluation = settings.evaluation
    if not method.is_pretraining:
        points, fewer = evaluation.points, min(evaluation.points, FaceWarehouseSettings.points)
        sizes["florence_clips"] = FlorenceClipsSettings(evaluation.florence, evaluation.frames, points)
        sizes["facewarehouse"] = FaceWarehouseSettings(evaluation.facewarehouse, points=fewer)
        sizes["celeba_cases"] = CelebaCasesSettings(evaluation.cases, points=fewer)
    sizes["aflw2000"] = Aflw2000Settings(identities=evaluation.aflw, images=2)
    require_embedded(settings.data, tuple(sizes))
    pixels = settings.network.image_size
    return {name: replace(each, scene=replace(each.scene, image_size=pixels)) for name, each in sizes.items()}
