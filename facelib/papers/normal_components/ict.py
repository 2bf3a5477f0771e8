"""The protocol of paper 2 once more, on people whom our face model did not make: heads of the imported ICT-FaceKit.

Networks have learnt from faces of our own model, and all other scans are of more people of it. These are statistics of
real scans in another topology, so their rate says more of what real scans would give.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import IctScansSettings, open_ict_scans
from facelib.data.embedded.ict_faces import imported_heads
from facelib.papers.failures import failed_metric
from facelib.papers.normal_components.methods import NormalRecogniser
from facelib.papers.normal_components.metrics import ICT
from facelib.papers.normal_components.protocol import evaluate_scans, metrics_of
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.paper import Metrics, Scores


def data_set(settings: RecognitionSettings) -> IctScansSettings:
    """The scans that runs of a tier are judged by.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
    """
    heads, scans = settings.evaluation.ict, settings.evaluation.ict_scans
    return IctScansSettings(heads=imported_heads(), identities=heads, scans=scans, expressive=scans - heads)


def open_archive(sizes: IctScansSettings, on_images: Callable[[int], None]) -> FaceArchive:
    """The scans from the cache, generated where they are missing."""
    return open_ict_scans(sizes, on_images)


def evaluate(
    method: NormalRecogniser, settings: RecognitionSettings, network: nn.Module, archive: FaceArchive
) -> tuple[Metrics, Scores]:
    """The metrics, and the ranks of all probes, of a method's trained network."""
    scores = evaluate_scans(network, {ICT: archive}, settings.preparation)
    return metrics_of(scores) | failed_metric(scores), scores
