"""A method's task, ready for the training loop, and the evaluation of its trained network."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from facelib.data.depth_faces import without_labels
from facelib.models.depth_networks import DAPoseNet, DASHapeNet
from facelib.papers.depth_adaptation.data_sets import ARCHIVES, frames_between, is_tested, left_out, target_of
from facelib.papers.depth_adaptation.domains import DomainFrames, held_out, parted
from facelib.papers.depth_adaptation.frames import DomainTraining
from facelib.papers.depth_adaptation.generative_task import shape_task
from facelib.papers.depth_adaptation.methods import SHAPE, DepthReader
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.pose_task import PoseTask
from facelib.papers.depth_adaptation.protocol import evaluate_poses, evaluate_shapes, metrics_of
from facelib.papers.depth_adaptation.readers import pose_reader, reach_of, shape_reader
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.depth_adaptation.truth import NINE_LANDMARKS
from facelib.papers.failures import failed_metric
from facelib.papers.paper import Metrics, RunInputs, Scores
from facelib.runs.tasks import Task

Inputs = RunInputs[DepthReader, DepthRunSettings]


def build_task(inputs: Inputs, network: nn.Module) -> Task:
    """The task of a method's network."""
    settings, surface = inputs.settings, face_surface(inputs.settings.faces)
    given = _given(inputs)
    if isinstance(network, DASHapeNet):
        return shape_task(network, given, settings.adaptation)
    assert isinstance(network, DAPoseNet)
    # Figure 1, which shows the landmarks of eq. 7, is in the paper's main part: we take those of figure 4.
    landmarks = surface.mean[surface.landmarks[list(NINE_LANDMARKS)]]
    return PoseTask(network, given, settings.pose, landmarks)


def _given(inputs: Inputs) -> DomainTraining:
    """What is learnt from: labelled people but for the last ones, and target frames but for those that are tested."""
    method, settings = inputs.method, inputs.settings
    source, target = inputs.training_archive, inputs.archives[target_of(method, settings)]
    tested = is_tested(method, settings, target)
    labelled = np.flatnonzero(~tested) if settings.frames.labels == "target" else np.arange(len(source))
    learnt, others = (labelled[each] for each in parted(source.arrays["identity"][labelled], settings.frames.held_out))
    frames = DomainFrames(
        source,
        learnt,
        without_labels(target),
        np.flatnonzero(~tested),
        face_surface(settings.faces),
        reach_of(settings),
        getattr(settings, method.stage).batch_size,
    )
    watched = held_out(frames, others, np.flatnonzero(tested))
    return DomainTraining(settings.network, frames, watched, inputs.fingerprint)


@torch.no_grad()
def evaluate(inputs: Inputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every frame that is evaluated."""
    method, settings, archives = inputs.method, inputs.settings, inputs.archives
    if method.reads == SHAPE:
        archive = archives["depth_facewarehouse"]
        reader = shape_reader(method, settings, network)
        surface = face_surface(settings.faces)
        scores = evaluate_shapes(reader, archive, is_tested(method, settings, archive), surface)
    else:
        scores = {}
        for name in method.pose_sets:
            archive = archives[ARCHIVES[name]]
            rows = np.flatnonzero(left_out(name, archive))
            read, step = pose_reader(method, settings, network), frames_between(method, settings)
            scores |= evaluate_poses(read, archive, rows, name, reach_of(settings), step)
    return metrics_of(scores) | failed_metric(scores), scores
