"""A method's task, ready for the training loop, and its trained network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.clouds import CloudSource, augmented
from facelib.data.protocol import rows_of
from facelib.losses.margins import AdaFaceHead, AdaFaceSettings
from facelib.papers.joint_attention.adaptation.sources import Teacher, TrainedBranch
from facelib.papers.joint_attention.data_sets import split_of
from facelib.papers.joint_attention.inputs import inputs_of
from facelib.papers.joint_attention.methods import METHODS, Recogniser
from facelib.papers.joint_attention.networks import build_cloud_network, build_network, part_module
from facelib.papers.joint_attention.protocol import recogniser_of
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.joint_attention.tasks import Adaptation, Clouds, IdentificationTask, Source, Term, TrainingData
from facelib.papers.paper import RunInputs
from facelib.papers.run import load_network
from facelib.runs.checkpoints import load_weights
from facelib.runs.folders import Run

CORRESPONDENCE = ("imid", "cmid")


def build_task(inputs: RunInputs[Recogniser, RecognitionSettings], network: nn.Module) -> IdentificationTask:
    """Classifiers and data of one method, and its network, started from a pretrained one where it has one."""
    method, settings, archive = inputs.method, inputs.settings, inputs.training_archive
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if method.pretraining is not None:
        start_from(network, method, settings, inputs.weights[method.pretraining])
    split = split_of(method.learns_from, archive, inputs.fold)
    data = TrainingData(
        archive=archive,
        training=rows_of(archive, split.training),
        validation=rows_of(archive, split.validation),
        batch_size=getattr(settings, method.stage).batch_size,
        inputs=inputs_of(method, archive, settings.clouds),
        clouds=clouds_of(method, archive, settings),
    )
    fingerprint = inputs.fingerprint
    head = _new_head(settings, len(split.training))
    if method.kind == "joint":
        head_3d = _new_head(settings, len(split.training))
        return part_module("jam").JointTask(
            network, head, head_3d, data, fingerprint, settings.loss, "je" in method.adaptation
        )
    if method.kind == "cloud":
        return IdentificationTask(network, head, "3d", data, fingerprint)
    adaptation = _adaptation(method, settings, len(split.training), inputs.weights) if method.adaptation else None
    return IdentificationTask(network, head, "2d", data, fingerprint, adaptation)


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


def _adaptation(
    method: Recogniser, settings: RecognitionSettings, classes: int, weights: Mapping[str, Path]
) -> Adaptation:
    """The source of cloud embeddings, a teacher where the method has one, and the terms."""
    assert method.clouds is not None
    source: Source
    terms: list[Term] = []
    network, head = build_cloud_network(method.clouds, settings), _new_head(settings, classes)
    if "ts" in method.adaptation:
        load_weights(weights[method.teacher or ""], {"network": network, "head_3d": head})
        source = Teacher(network, head)
        terms.append(part_module("ts").Teaching(head, settings))
    else:
        source = branch = TrainedBranch(network, head)
        terms.append(branch)
    for module in dict.fromkeys(part_module(name) for name in method.adaptation if name != "ts"):
        terms += module.build_terms(method.adaptation, settings)
    return Adaptation(source, terms)


def _new_head(settings: RecognitionSettings, classes: int) -> AdaFaceHead:
    loss = settings.loss
    margin = AdaFaceSettings(loss.margin, loss.h, loss.t_alpha, loss.scale, loss.rule)
    return AdaFaceHead(settings.network.embedding, classes, margin)
