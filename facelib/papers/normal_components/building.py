"""A method's task, ready for the training loop, and the evaluation of its trained network."""

from __future__ import annotations

import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.known_photographs import KnownPhotographs, photographs_of
from facelib.data.reconstructed_faces import open_reconstructed_faces
from facelib.data.surface_images import surface_images
from facelib.data.told_apart import PhotographedPeople, ReconstructedPeople
from facelib.metrics.late_fusion import FUSED
from facelib.models.coefficient_diffusion import CoefficientDiffusion
from facelib.papers.failures import failed_metric
from facelib.papers.normal_components.data_sets import others_settings, web_settings
from facelib.papers.normal_components.fidelity import fidelity
from facelib.papers.normal_components.identification import features_of, photograph_ranks
from facelib.papers.normal_components.methods import NormalRecogniser
from facelib.papers.normal_components.metrics import TITLES
from facelib.papers.normal_components.networks import Recogniser, build_heads, start
from facelib.papers.normal_components.photographs import taught
from facelib.papers.normal_components.protocol import evaluate_scans, metrics_of
from facelib.papers.normal_components.reconstructors import (
    read_by_network,
    reconstructor_of,
)
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.normal_components.tasks import DrawingTask, ReadingTask, RecognitionTask
from facelib.papers.paper import BASELINE, Metrics, RunInputs, Scores
from facelib.progress import progress_bar
from facelib.runs.tasks import Task

Inputs = RunInputs[NormalRecogniser, RecognitionSettings]


def build_task(inputs: Inputs, network: nn.Module) -> Task | None:
    """The task of a method's network, which starts in the recogniser of photographs where it needs one.

    No data set of scans is looked at; of the row that is not fine-tuned nothing else is asked.
    """
    settings, method = inputs.settings, inputs.method
    if method.reads:
        kind = DrawingTask if isinstance(network, CoefficientDiffusion) else ReadingTask
        photographs, identities = taught(settings, inputs.seed), settings.taught.identities
        return kind(network, identities, photographs, _others(inputs), settings.sampling, inputs.fingerprint)
    assert isinstance(network, Recogniser)
    start(network, settings, inputs.weights)
    if method.kind == BASELINE:
        return None
    heads = build_heads(method, settings, len(inputs.archives["web_faces"].identities))
    if method.is_pretraining:
        photographed = PhotographedPeople(inputs.archives["web_faces"], settings.pretraining.batch_size)
        others = inputs.archives["web_faces_of_others"], photographs_of
        return RecognitionTask(network, heads, photographed, others, inputs.fingerprint)
    people = ReconstructedPeople(
        _reconstructed(inputs, KnownPhotographs.of(inputs.archives["web_faces"], web_settings(settings))),
        settings.training.batch_size, settings.preparation.cell, settings.variation,
    )  # fmt: skip
    return RecognitionTask(network, heads, people, (_others_reconstructed(inputs), surface_images), inputs.fingerprint)


@torch.no_grad()
def evaluate(inputs: Inputs, network: nn.Module) -> tuple[Metrics, Scores]:
    """The metrics, and the ranks of every probe of the data sets; of what a row learnt from, its fidelity.

    A reconstructor is judged by its fidelity, the recogniser of photographs by photographs of other people.
    """
    settings, method = inputs.settings, inputs.method
    if method.reads:
        scores = fidelity(read_by_network(network, settings.sampling), _others(inputs))
    elif method.is_pretraining:
        archive = inputs.archives["web_faces_of_others"]
        ranks, probes = photograph_ranks(features_of(network, photographs_of, archive), archive)
        scores = {"photographs": ranks[FUSED], "photographs_identity": archive.arrays["identity"][probes]}
    else:
        scans = {name: inputs.archives[name] for name in TITLES}
        scores = evaluate_scans(network, scans, settings.preparation)
        if method.reconstructor:
            scores |= fidelity(reconstructor_of(method, settings, inputs.weights).read, _others(inputs))
    return metrics_of(scores) | failed_metric(scores), scores


def _others(inputs: Inputs) -> KnownPhotographs:
    """Photographs of people whom no training sees."""
    return KnownPhotographs.of(inputs.archives["web_faces_of_others"], others_settings(inputs.settings))


def _others_reconstructed(inputs: Inputs) -> FaceArchive:
    """Their faces as the row's reconstructor makes them, with the angles of their photographs."""
    others = _others(inputs)
    made = _reconstructed(inputs, others)
    return FaceArchive(made.name, made.fingerprint, made.arrays | {"angle": others.archive.arrays["angle"]})


def _reconstructed(inputs: Inputs, photographs: KnownPhotographs) -> FaceArchive:
    """The faces on photographs, as the row's reconstructor makes them."""
    reconstructor = reconstructor_of(inputs.method, inputs.settings, inputs.weights)
    with progress_bar("reconstructed faces", len(photographs.archive), "faces") as bar:
        return open_reconstructed_faces(
            photographs.archive,
            photographs.read_by(reconstructor.read),
            reconstructor.digest,
            inputs.settings.preparation,
            bar.advance,
        )
