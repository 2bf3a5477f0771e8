"""Heads that our face model did not make: those of the imported ICT-FaceKit before the same sensor (ours).

Shapes are read off frames near the front, of which they were learnt, and laid onto the true surface by landmarks and
ICP, rigidly, since the topologies differ; poses off the others. `facelib.papers.depth_adaptation.other_sensor` judges
frames of another sensor alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import labelled_depth
from facelib.data.embedded.ict_depth import IctDepthSettings, open_ict_depth
from facelib.data.embedded.ict_faces import imported_heads
from facelib.errors import DegenerateInput
from facelib.faces.ict_model import load_ict_model
from facelib.faces.skin_surface import SkinSurface, skin_surface
from facelib.metrics.scan_protocols import ScanProtocol, scan_error
from facelib.papers.depth_adaptation.data_sets import as_seen
from facelib.papers.depth_adaptation.methods import ICP_TRACKING, SHAPE, DepthReader
from facelib.papers.depth_adaptation.metrics import ICT
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.protocol import evaluate_poses, metrics_of
from facelib.papers.depth_adaptation.readers import (
    ShapeReader,
    laid_alone,
    mean_heads,
    pose_reader,
    reach_of,
    shape_reader,
)
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.failures import FAILED, all_judged, failed_metric
from facelib.papers.paper import Metrics, Scores

RIGID = ScanProtocol(radius=95.0, forehead=15.0, landmark_scale=False, icp_scale=False)


def data_set(settings: DepthRunSettings) -> IctDepthSettings:
    """The frames that runs of a tier are judged by.

    Raises:
        MissingPart: when ICT-FaceKit was not imported.
    """
    return as_seen(IctDepthSettings(heads=imported_heads(), identities=settings.evaluation.ict), settings)


def open_archive(sizes: IctDepthSettings, on_images: Callable[[int], None]) -> FaceArchive:
    """The frames from the cache, generated where they are missing."""
    return open_ict_depth(sizes, on_images)


@torch.no_grad()
def evaluate(
    method: DepthReader, settings: DepthRunSettings, network: nn.Module, archive: FaceArchive
) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every frame, of a method's network."""
    return evaluate_as(ICT, method, settings, network, archive)


def evaluate_as(
    name: str, method: DepthReader, settings: DepthRunSettings, network: nn.Module, archive: FaceArchive
) -> tuple[Metrics, Scores]:
    """As `evaluate`, of metrics and errors with this name; of a tracker what it lays single frames onto."""
    near_frontal = np.asarray(archive.arrays["near_frontal"])
    if method.reads == SHAPE:
        read, surface = shape_reader(method, settings, network), face_surface(settings.faces)
        scores = evaluate_heads(name, read, archive, np.flatnonzero(near_frontal), surface)
    else:
        alone = method.name == ICP_TRACKING
        poses = (lambda frames: laid_alone(frames, settings)) if alone else pose_reader(method, settings, network)
        scores = evaluate_poses(poses, archive, np.flatnonzero(~near_frontal), name, reach_of(settings))
    return metrics_of(scores) | failed_metric(scores), scores


def evaluate_heads(
    name: str, reader: ShapeReader, archive: FaceArchive, rows: np.ndarray, surface: SkinSurface
) -> Scores:
    """Distance of the true surface of the heads in these frames (N,) from the one that was read.

    Args:
        name: before those of the errors.
        reader: a method's.
        archive: the data set.
        rows: of it.
        surface: of the heads that are read.

    Returns:
        plane (N,) mm, identity and failed (N,), all after the name.
    """
    theirs = skin_surface(load_ict_model())

    def errors_of(read: ShapeReader, some: np.ndarray) -> Scores:
        labelled = labelled_depth(archive, some)
        found, true = read(labelled.frames), theirs.heads(theirs.displacements(labelled.shape, labelled.action))
        if not found.isfinite().all():
            raise DegenerateInput("the head that was read is not finite: look at the weights")
        pairs = zip(found, true, strict=True)
        errors = [
            scan_error(head, surface.triangles, head[surface.landmarks], other, other[theirs.landmarks], RIGID)
            for head, other in pairs
        ]
        return {f"{name}_plane": np.array(errors)}

    errors = all_judged(errors_of, reader, mean_heads(surface), rows)
    known = {"identity": np.asarray(archive.arrays["identity"])[rows], FAILED: errors.pop(FAILED)}
    return errors | {f"{name}_{key}": values for key, values in known.items()}
