"""The same heads of ICT-FaceKit before a sensor that nothing was learnt of, drawn by another renderer (ours).

All that networks see, source and target, our rasterizer has drawn, and its structured light has measured. These frames
are of a time-of-flight camera, whose pixels are coarser and whose noise has no grain, by rays that Embree casts.
"""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.embedded.ict_depth import OTHER_CAMERA, IctDepthSettings
from facelib.faces.ray_casting import check_embree
from facelib.papers.depth_adaptation import ict
from facelib.papers.depth_adaptation.data_sets import as_seen
from facelib.papers.depth_adaptation.ict import open_archive
from facelib.papers.depth_adaptation.methods import DepthReader
from facelib.papers.depth_adaptation.metrics import FLIGHT
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.paper import Metrics, Scores

__all__ = ["data_set", "evaluate", "open_archive"]


def data_set(settings: DepthRunSettings) -> IctDepthSettings:
    """The frames that runs of a tier are judged by.

    Raises:
        MissingPart: when ICT-FaceKit was not imported, or embreex is not installed.
    """
    check_embree()
    return as_seen(replace(ict.data_set(settings), scene=OTHER_CAMERA), settings)


def evaluate(
    method: DepthReader, settings: DepthRunSettings, network: nn.Module, archive: FaceArchive
) -> tuple[Metrics, Scores]:
    """As that of `facelib.papers.depth_adaptation.ict`."""
    return ict.evaluate_as(FLIGHT, method, settings, network, archive)
