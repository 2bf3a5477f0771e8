"""A method's task, ready for the training loop, and the evaluation of its trained network."""

from __future__ import annotations

import numpy as np
from torch import nn

from facelib.data.protocol import rows_of
from facelib.models.sadrnet import SADRNet
from facelib.papers.failures import failed_metric
from facelib.papers.paper import Metrics, RunInputs, Scores
from facelib.papers.sadrnet.data_sets import split_people
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import ENCODER, Reconstructor
from facelib.papers.sadrnet.networks import face_model, full_size_mib, start_encoder
from facelib.papers.sadrnet.protocol import (
    Predictor,
    evaluate_alignment,
    evaluate_florence,
    evaluate_landmarks,
    landmark_metrics,
    mean_face_in_box,
    metrics_of,
)
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.papers.sadrnet.tasks import LandmarkTask, ReconstructionTask

Inputs = RunInputs[Reconstructor, ReconstructionSettings]


def build_task(inputs: Inputs, network: nn.Module) -> ReconstructionTask:
    """The task of a method's network, whose encoder starts in that of the landmark reader where the settings say so."""
    settings, archive, pretraining = inputs.settings, inputs.training_archive, inputs.method.is_pretraining
    if isinstance(network, SADRNet) and settings.warm_start:
        start_encoder(network, settings, inputs.weights[ENCODER])
    learnt, held_out = split_people(archive, settings.faces.validation)
    stage = settings.pretraining if pretraining else settings.training
    return (LandmarkTask if pretraining else ReconstructionTask)(
        network,
        face_mapper(settings),
        archive,
        rows_of(archive, learnt),
        rows_of(archive, held_out),
        stage.batch_size,
        settings.loss,
        settings.augmentation,
        inputs.fingerprint,
    )


def face_mapper(settings: ReconstructionSettings) -> FaceMapper:
    """What makes the true maps that a run with these settings learns and is evaluated by."""
    return FaceMapper(face_model(), settings.network.image_size, settings.loss.regions)


def evaluate(inputs: Inputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every photograph of both data sets that the paper evaluates on.

    A landmark reader is evaluated on the landmarks of AFLW2000-3D alone.
    """
    mapper, aflw = face_mapper(inputs.settings), inputs.archives["aflw2000"]
    rows = np.arange(len(aflw))
    if inputs.method.is_pretraining:
        scores = evaluate_landmarks(network, mapper, aflw, rows)
        return landmark_metrics(scores) | failed_metric(scores), scores
    predict = predictor_of(inputs.method, network, mapper)
    scores = evaluate_alignment(predict, mapper, aflw, rows)
    scores |= evaluate_florence(predict, mapper, inputs.archives["florence"])
    size = {"size_mb": {"value": full_size_mib(inputs.method, inputs.settings), "unit": "MB"}}
    return metrics_of(scores) | size | failed_metric(scores), scores


def predictor_of(method: Reconstructor, network: nn.Module, mapper: FaceMapper) -> Predictor:
    """What predicts maps from photographs; a baseline is told the true landmarks."""
    if method.kind == "baseline":
        return mean_face_in_box(mapper)
    device = next(network.parameters()).device
    return lambda faces, true: network(faces.images.to(device))
