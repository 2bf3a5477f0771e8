"""A method's task, ready for the training loop, and the evaluation of its trained network."""

from __future__ import annotations

import numpy as np
from torch import nn

from facelib.data.posed_faces import PosedFaces
from facelib.data.protocol import rows_of
from facelib.papers.failures import failed_metric
from facelib.papers.paper import Metrics, RunInputs, Scores
from facelib.papers.photograph_task import Photographs
from facelib.papers.sadrnet.data_sets import split_people, stream_settings
from facelib.papers.sadrnet.encoded_face import EncodedFace
from facelib.papers.sadrnet.encoder_task import EncoderTask
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.networks import face_model, full_size_mib, start
from facelib.papers.sadrnet.photographs import (
    ArchivePhotographs,
    held_out_of_archive,
    held_out_of_stream,
    streamed,
)
from facelib.papers.sadrnet.protocol import (
    Predictor,
    evaluate_alignment,
    evaluate_florence,
    evaluate_landmarks,
    mean_face_in_box,
    metrics_of,
)
from facelib.papers.sadrnet.recognition import evaluate_recognition
from facelib.papers.sadrnet.settings import EMBEDDED, ReconstructionSettings
from facelib.papers.sadrnet.shipped import take_shipped
from facelib.papers.sadrnet.tasks import ReconstructionTask
from facelib.runs.tasks import Task

Inputs = RunInputs[Reconstructor, ReconstructionSettings]


def build_task(inputs: Inputs, network: nn.Module) -> Task | None:
    """The task of a method's network, which starts in the pretrained ones that its run needs.

    None for a pretrained one that comes with the package, which it has become.
    """
    settings = inputs.settings
    if inputs.method.is_pretraining and take_shipped(network, inputs.method, settings):
        return None
    if inputs.method.needed(settings):
        start(network, settings, inputs.weights)
    if inputs.method.is_pretraining:
        return _encoder_task(inputs, network)
    photographs, held_out = _photographs(inputs, settings.stream.batches, kept=settings.stream.kept)
    return ReconstructionTask(
        network,
        face_mapper(settings),
        photographs,
        held_out,
        settings.loss,
        settings.schedule,
        inputs.fingerprint,
    )


def _photographs(
    inputs: Inputs, batches: int, *, kept: bool = False
) -> tuple[Photographs[PosedFaces], list[PosedFaces]]:
    """What a network learns from, of a stream so many batches an epoch, and photographs of other people."""
    settings, batch_size = inputs.settings, getattr(inputs.settings, inputs.method.stage).batch_size
    if settings.data == EMBEDDED:
        chosen = stream_settings(settings)
        learnt = streamed(chosen, settings.stream, batch_size, batches, inputs.seed, kept=kept)
        return learnt, held_out_of_stream(chosen, settings.stream.held_out)
    archive = inputs.training_archive
    people, others = split_people(archive, settings.faces.validation)
    rows = rows_of(archive, people)
    return (
        ArchivePhotographs(archive, rows, batch_size, settings.augmentation),
        held_out_of_archive(archive, rows_of(archive, others)),
    )


def _encoder_task(inputs: Inputs, network: nn.Module) -> EncoderTask:
    settings = inputs.settings
    reads = settings.encoder.reader_batches if settings.network.unposes else settings.encoder.batches
    photographs, held_out = _photographs(inputs, reads)
    return EncoderTask(network, face_mapper(settings), photographs, held_out, settings.encoder.loss, inputs.fingerprint)


def face_mapper(settings: ReconstructionSettings) -> FaceMapper:
    """What makes the true maps that a run with these settings learns and is evaluated by; raises as `face_model`."""
    return FaceMapper(face_model(settings.data), settings.network.image_size, settings.loss.regions)


def evaluate(inputs: Inputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """The metrics, and the errors of every photograph of both data sets that the paper evaluates on.

    The face encoder is evaluated on AFLW2000-3D alone: its landmarks, and the face that its coefficients and pose make.
    Nobody is recognised where there are no people in several photographs.
    """
    mapper, aflw = face_mapper(inputs.settings), inputs.archives["aflw2000"]
    predict, rows = predictor_of(inputs.method, network, inputs.settings), np.arange(len(aflw))
    scores = evaluate_alignment(predict, mapper, aflw, rows)
    if "same_people" in inputs.archives:
        scores |= evaluate_recognition(predict, mapper, inputs.archives["same_people"])
    if inputs.method.is_pretraining:
        scores |= evaluate_landmarks(network, mapper, aflw, rows)  # in the place of those of the face that is made
        return metrics_of(scores) | failed_metric(scores), scores
    scores |= evaluate_florence(predict, mapper, inputs.archives["florence"])
    size = {"size_mb": {"value": full_size_mib(inputs.method), "unit": "MB"}}
    return metrics_of(scores) | size | failed_metric(scores), scores


def predictor_of(method: Reconstructor, network: nn.Module, settings: ReconstructionSettings) -> Predictor:
    """What predicts maps from photographs; a baseline is told the true landmarks."""
    if method.kind == "baseline":
        return mean_face_in_box(face_mapper(settings))
    draws, device = drawing_of(method, network, settings), next(network.parameters()).device
    return lambda faces, landmarks: draws(faces.images.to(device))


def drawing_of(method: Reconstructor, network: nn.Module, settings: ReconstructionSettings) -> nn.Module:
    """Images (B, 3, S, S) -> FaceMaps, whatever a method's network itself gives."""
    return EncodedFace(network, face_mapper(settings)).eval() if method.is_pretraining else network
