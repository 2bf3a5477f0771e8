"""A method's task, ready for the training loop, and its trained network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.clouds import CloudSource, augmented
from facelib.data.protocol import rows_of
from facelib.losses.margins import AdaFaceHead, AdaFaceSettings
from facelib.papers.joint_attention.adaptation.sources import Branch, Teacher, TrainedBranch
from facelib.papers.joint_attention.data_sets import split_of
from facelib.papers.joint_attention.inputs import inputs_of
from facelib.papers.joint_attention.methods import METHODS, Recogniser
from facelib.papers.joint_attention.networks import build_cloud_network, build_network, part_module
from facelib.papers.joint_attention.protocol import recogniser_of
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Adaptation, Clouds, IdentificationTask, Term, TrainingData
from facelib.papers.paper import BASELINE, RunInputs
from facelib.papers.run import load_network
from facelib.runs.checkpoints import load_weights
from facelib.runs.folders import Run

CORRESPONDENCE = ("imid", "cmid", "crosspoint")  # they compare two augmented views of a cloud


def build_task(inputs: RunInputs[Recogniser, RecognitionSettings], network: nn.Module) -> IdentificationTask | None:
    """Classifiers and data of one method, and its network, started from a pretrained one where it has one.

    None for a baseline, which is that pretrained one.
    """
    method, settings, archive = inputs.method, inputs.settings, inputs.training_archive
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if method.pretraining is not None:
        start_from(network, method, settings, inputs.weights[method.pretraining])
    if method.kind == BASELINE:
        return None
    split = split_of(method.learns_from, archive, inputs.fold, settings.facescape.pool)
    data = TrainingData(
        archive=archive,
        training=rows_of(archive, split.training),
        validation=rows_of(archive, split.validation),
        batch_size=getattr(settings, method.stage).batch_size,
        inputs=inputs_of(method, archive, settings.clouds),
        clouds=clouds_of(method, archive, settings),
    )
    if method.kind == "joint":
        return _joint_task(inputs, network, data, len(split.training))
    return _identification_task(inputs, network, data, len(split.training))


def _joint_task(
    inputs: RunInputs[Recogniser, RecognitionSettings], network: nn.Module, data: TrainingData, classes: int
) -> IdentificationTask:
    method, settings = inputs.method, inputs.settings
    head, head_3d = _new_head(settings, classes), None
    if method.clouds is not None:
        head_3d = _new_head(settings, classes)
        if settings.network.cloud_start == "trained":
            clouds, _ = _trained_clouds(method, settings, classes, inputs.weights)
            part_module("jam").start_clouds_from(network, clouds)
    minimise_entropy = "je" in method.adaptation
    return part_module("jam").JointTask(
        network, head, head_3d, data, inputs.fingerprint, settings.loss, minimise_entropy
    )


def _identification_task(
    inputs: RunInputs[Recogniser, RecognitionSettings], network: nn.Module, data: TrainingData, classes: int
) -> IdentificationTask:
    method, settings = inputs.method, inputs.settings
    head = _new_head(settings, classes) if method.identifies else None
    modality, adaptation = "3d" if method.kind == "cloud" else "2d", None
    if "ts" in method.adaptation:
        source = CloudSource(data.archive, settings.clouds.points, settings.clouds.pose)
        teacher = Teacher(*_trained_clouds(method, settings, classes, inputs.weights), source.batch, data.training)
        data = replace(data, clouds=lambda rows, generator: teacher.answers(rows))
        adaptation = _adaptation(method, settings, teacher)
    elif method.adaptation:
        adaptation = _adaptation(method, settings, _branch(method, settings, classes))
    return IdentificationTask(network, head, modality, data, inputs.fingerprint, adaptation)


def clouds_of(method: Recogniser, archive: FaceArchive, settings: RecognitionSettings) -> Clouds:
    """What training sees of a photograph's cloud: nothing, the cloud, or two augmented views (IMID and CMID)."""
    if method.clouds is None:
        return lambda rows, generator: ()
    source = CloudSource(archive, settings.clouds.points, settings.clouds.pose)
    if not set(CORRESPONDENCE) & set(method.adaptation):
        return lambda rows, generator: (source.batch(rows),)

    def views(rows: np.ndarray, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        points = source.batch(rows)
        return augmented(points, generator), augmented(points, generator)

    return views


def start_from(network: nn.Module, method: Recogniser, settings: RecognitionSettings, weights: Path) -> None:
    """Load a pretrained recogniser into a method's network (section IV.B)."""
    assert method.pretraining is not None
    recogniser = build_network(METHODS[method.pretraining], settings)
    load_weights(weights, {"network": recogniser})
    if method.kind == "joint":
        part_module("jam").start_from(network, recogniser)
    elif "rst" in method.adaptation:
        part_module("rst").start_from(network, recogniser)
    elif method.backbone == "dream":
        network.backbone.load_state_dict(recogniser.state_dict())  # type: ignore[union-attr]
    else:
        network.load_state_dict(recogniser.state_dict())


def load_recogniser(run: Run) -> Any:
    """The trained network of a run, in eval mode, without what only its training needed.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        MissingPart: when the run does not exist; the message says which command makes it.
    """
    return recogniser_of(load_network(run)).eval()


def _adaptation(method: Recogniser, settings: RecognitionSettings, source: Teacher | Branch) -> Adaptation:
    """A source of cloud embeddings, and the terms of a method: that of the source's classifier, if any, comes first."""
    terms: list[Term] = []
    if isinstance(source, Teacher):
        terms.append(part_module("ts").Teaching(source.head, settings))
    elif isinstance(source, TrainedBranch):
        terms.append(source)
    for module in dict.fromkeys(part_module(name) for name in method.adaptation if name != "ts"):
        terms += module.build_terms(method.adaptation, settings)
    return Adaptation(source, terms)


def _branch(method: Recogniser, settings: RecognitionSettings, classes: int) -> Branch:
    """A fresh network of clouds that is trained along."""
    assert method.clouds is not None
    network = build_cloud_network(method.clouds, settings)
    return TrainedBranch(network, _new_head(settings, classes)) if method.identifies else Branch(network)


def _trained_clouds(
    method: Recogniser, settings: RecognitionSettings, classes: int, weights: Mapping[str, Path]
) -> tuple[nn.Module, AdaFaceHead]:
    """The trained network of clouds that a method needs, and its classifier."""
    assert method.clouds is not None
    assert method.cloud_recogniser is not None
    network, head = build_cloud_network(method.clouds, settings), _new_head(settings, classes)
    load_weights(weights[method.cloud_recogniser], {"network": network, "head_3d": head})
    return network, head


def _new_head(settings: RecognitionSettings, classes: int) -> AdaFaceHead:
    loss = settings.loss
    margin = AdaFaceSettings(loss.margin, loss.h, loss.t_alpha, loss.scale, loss.rule)
    return AdaFaceHead(settings.network.embedding, classes, margin)
