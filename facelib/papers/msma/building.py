"""A method's task, ready for the training loop, and the evaluation of its trained network."""

from __future__ import annotations

import torch
from torch import nn

from facelib.models.msma import MSMA
from facelib.papers.failures import failed_metric
from facelib.papers.msma.methods import READER, SUPERVISED, FaceReader
from facelib.papers.msma.networks import LandmarkReader, face_renderer, start, weak_objective
from facelib.papers.msma.photographs import held_out_labelled, labelled, without_labels
from facelib.papers.msma.protocol import evaluate_clips, evaluate_expressions, evaluate_landmarks, metrics_of
from facelib.papers.msma.readers import mean_faces, reader_of
from facelib.papers.msma.settings import MSMARunSettings
from facelib.papers.msma.supervised import SupervisedTask
from facelib.papers.msma.tasks import LandmarkTask, WeakTask
from facelib.papers.paper import Metrics, RunInputs, Scores
from facelib.runs.tasks import Task

Inputs = RunInputs[FaceReader, MSMARunSettings]


def build_task(inputs: Inputs, network: nn.Module) -> Task:
    """The task of a method's network, which starts in the landmark reader's ResNet."""
    settings, method, fingerprint = inputs.settings, inputs.method, inputs.fingerprint
    archive, batch_size = inputs.training_archive, getattr(settings, method.stage).batch_size
    if isinstance(network, LandmarkReader):
        return LandmarkTask(network, *without_labels(archive, settings, batch_size, inputs.seed), fingerprint)
    assert isinstance(network, MSMA)
    start(network, settings, inputs.weights[READER])
    if method.kind == SUPERVISED:
        photographs = labelled(settings, batch_size, inputs.seed)
        others, renderer = held_out_labelled(settings), face_renderer(settings.network.image_size)
        return SupervisedTask(network, photographs, others, fingerprint, renderer)
    learnt = without_labels(archive, settings, batch_size, inputs.seed, kept=settings.stream.kept)
    return WeakTask(network, weak_objective(settings), *learnt, fingerprint)


@torch.no_grad()
def evaluate(inputs: Inputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every photograph of the data sets; of the landmark reader, its landmarks.

    The cases of the ablation have scans on embedded faces only.
    """
    settings, archives = inputs.settings, inputs.archives
    renderer, stand_in = face_renderer(settings.network.image_size).cpu(), mean_faces(settings)
    reader = reader_of(inputs.method, settings, network)
    scores = evaluate_landmarks(reader, stand_in, archives["aflw2000"])
    if not inputs.method.is_pretraining:
        scores |= evaluate_clips(reader, stand_in, renderer, archives["florence_clips"])
        with_own_scans = {"facewarehouse": "facewarehouse", "cases": "celeba_cases"}
        for name in (each for each in with_own_scans if with_own_scans[each] in archives):
            scores |= evaluate_expressions(reader, stand_in, renderer, archives[with_own_scans[name]], name)
    return metrics_of(scores) | failed_metric(scores), scores
