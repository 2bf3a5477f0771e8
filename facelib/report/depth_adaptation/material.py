"""The runs of a tier that pictures of single frames need: what they read, their scores, their frames."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import DepthFrames, LabelledDepth, labelled_depth
from facelib.errors import MissingPart
from facelib.geometry.depth import crop_about
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.data_sets import ARCHIVES
from facelib.papers.depth_adaptation.methods import DepthReader
from facelib.papers.depth_adaptation.networks import build_network, face_surface
from facelib.papers.depth_adaptation.readers import pose_reader, reach_of, shape_reader, view_of
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.paper import BASELINE
from facelib.papers.run import network_from, open_archive
from facelib.report.local_runs import LocalRuns
from facelib.report.records import TierRuns
from facelib.runs.settings import override

FACES = "depth_facewarehouse"  # the data set of shapes


class Material(LocalRuns):
    """What runs of paper 4 give; arguments and attributes are those of `LocalRuns`."""

    def __init__(self, runs: TierRuns) -> None:
        super().__init__(runs)
        self.network = cache(self._open_network)

    def method(self, label: str) -> DepthReader:
        """Of a run."""
        return PAPER.method(self.records[label].method)

    def settings(self, label: str) -> DepthRunSettings:
        """Of a run."""
        record = self.records[label]
        return override(PAPER.settings(record.tier), record.parameters)

    def archive(self, label: str, name: str) -> FaceArchive:
        """A data set that a method's run has read."""
        return open_archive(PAPER, self.records[label].method, self.settings(label), name)

    def faces(self, label: str, rows: np.ndarray) -> LabelledDepth:
        """Frames of FaceWarehouse's counterpart as a method of shapes has read them."""
        return labelled_depth(self.archive(label, FACES), rows)

    def sequence_frames(self, label: str, pose_set: str, rows: np.ndarray) -> LabelledDepth:
        """Frames of a set of poses as a method of poses has read them."""
        return labelled_depth(self.archive(label, ARCHIVES[pose_set]), rows)

    def heads(self, label: str, labelled: LabelledDepth) -> torch.Tensor:
        """What a method of shapes reads off frames, (B, V, 3) mm in the face frame."""
        return shape_reader(self.method(label), self.settings(label), self.network(label))(labelled.frames)

    def heads_in(self, label: str, labelled: LabelledDepth, other: str) -> torch.Tensor:
        """As `heads`, of frames as another method has read them: of each what this one would see is cut out of it."""
        frames, view = labelled.frames, view_of(self.settings(label))
        middle = view.middle(frames.middles(reach_of(self.settings(other))))
        crops, camera = crop_about(frames.depth, frames.camera, middle, view.reach, frames.depth.shape[1])
        return self.heads(label, replace(labelled, frames=DepthFrames.seen_by(crops, camera)))

    def placed(self, label: str, heads: torch.Tensor, labelled: LabelledDepth) -> torch.Tensor:
        """Heads (B, V, 3) where a method of poses reads that they are, mm in the camera frame."""
        settings = self.settings(label)
        found = pose_reader(self.method(label), settings, self.network(label))(labelled)
        return found.motion.apply(heads) + labelled.frames.middles(reach_of(settings))[:, None]

    def _open_network(self, label: str) -> nn.Module:
        record = self.records[label]
        if self.method(label).kind == BASELINE:
            return build_network(self.method(label), self.settings(label))
        return network_from(PAPER, record.method, self.settings(label), record.run.weights)


def true_heads(labelled: LabelledDepth) -> torch.Tensor:
    """(B, V, 3) mm in the face frame.

    Raises:
        MissingPart: of licensed frames, whose true heads are meshes of another topology, or not known.
    """
    if not labelled.action.shape[1]:
        raise MissingPart(
            "licensed frames come without coefficients of our face model, by which pictures compare vertices: draw "
            "runs on embedded faces, such as those of --tier gpu"
        )
    surface = face_surface()
    return surface.heads(surface.displacements(labelled.shape, labelled.action))
