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
from facelib.data.licensed.arcface import arcface_settings
from facelib.errors import MissingPart
from facelib.papers.msma.detected_sets import evaluation_photographs, training_photographs
from facelib.papers.msma.methods import RECOGNISER, SUPERVISED, FaceReader
from facelib.papers.msma.photographs import stream_settings
from facelib.papers.msma.settings import EMBEDDED, MSMARunSettings
from facelib.papers.paper import BASELINE


def data_sets(method: FaceReader, settings: MSMARunSettings) -> dict[str, GeneratedSettings]:
    """The data sets that a run reads, first the one it learns from.

    Raises:
        MissingPart: when the settings ask for licensed data that are not there, or were not checked, or for 3D labels
            of photographs, which nobody has.
        BadInput, UnknownName: as `training_photographs`.
    """
    return _embedded(method, settings) if settings.data == EMBEDDED else _licensed(method, settings)


def _licensed(method: FaceReader, settings: MSMARunSettings) -> dict[str, GeneratedSettings]:
    """Without the cases of the ablation, as CelebA has no scans."""
    if method.kind == SUPERVISED:
        raise MissingPart(
            f"{method.name} learns from 3D labels, which no photograph of {', '.join(settings.photographs.sets)} has: "
            "use --tier gpu, which has them of embedded faces"
        )
    size = settings.network.image_size
    sets: dict[str, GeneratedSettings] = {}
    if method.kind != BASELINE:
        sets["photographs"] = training_photographs(settings.photographs, size)
    evaluated = ("aflw2000",) if method.is_pretraining else ("florence_clips", "facewarehouse", "aflw2000")
    sets |= {name: evaluation_photographs(name, size) for name in evaluated}
    if RECOGNISER in method.shipped and settings.loss.perceptual:
        sets["arcface"] = arcface_settings()
    return sets


def _embedded(method: FaceReader, settings: MSMARunSettings) -> dict[str, GeneratedSettings]:
    sizes: dict[str, Any] = {} if method.kind == BASELINE else {"people_stream": stream_settings(settings)}
    evaluation = settings.evaluation
    if not method.is_pretraining:
        points, fewer = evaluation.points, min(evaluation.points, FaceWarehouseSettings.points)
        sizes["florence_clips"] = FlorenceClipsSettings(evaluation.florence, evaluation.frames, points)
        sizes["facewarehouse"] = FaceWarehouseSettings(evaluation.facewarehouse, points=fewer)
        sizes["celeba_cases"] = CelebaCasesSettings(evaluation.cases, points=fewer)
    sizes["aflw2000"] = Aflw2000Settings(identities=evaluation.aflw, images=2)
    pixels = settings.network.image_size
    return {name: replace(each, scene=replace(each.scene, image_size=pixels)) for name, each in sizes.items()}
