"""One run of paper 1, from data to record."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.embedded import (
    FaceScapeSettings,
    WebFacesSettings,
    fingerprint_of,
    open_facescape,
    open_web_faces,
)
from facelib.data.protocol import rows_of, split_identities
from facelib.errors import MissingPart, unknown_name
from facelib.faces.population import EXPRESSIONS
from facelib.losses.margins import AdaFaceHead, AdaFaceSettings
from facelib.models.blocks import map_size
from facelib.models.irnet import IRNet18, IRNetSettings
from facelib.models.joint_attention import JointAttentionNetwork, JointAttentionSettings, load_body
from facelib.models.pointnet2 import PointNet2Settings
from facelib.papers.joint_attention.methods import METHODS, PRETRAINING, Method
from facelib.papers.joint_attention.protocol import embed, pose_metrics, score_probes
from facelib.papers.joint_attention.settings import RecognitionSettings, settings_of
from facelib.papers.joint_attention.tasks import ImageTask, JointTask, recogniser_of
from facelib.runs.checkpoints import load_weights
from facelib.runs.folders import record_path, run_folder
from facelib.runs.progress import progress_bar
from facelib.runs.records import Record, new_record, run_command, write_record, write_scores
from facelib.runs.settings import as_dict, override
from facelib.runs.training import train as run_training
from facelib.storage import digest_of, sha256_of

PAPER = "joint_attention"
WEB_FOLDS = 10  # a tenth of the web identities is held out to judge the pretraining


def train(
    method: str,
    *,
    fold: int = 0,
    tier: str = "smoke",
    seed: int = 0,
    changes: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> Path:
    """Train and evaluate one run and write its record; an interrupted run goes on where it was.

    Args:
        method: a name in METHODS.
        fold: 0 to 2; the pretraining has fold 0 only.
        tier: smoke, laptop, gpu or paper.
        seed: of weights, order of the data and dropout.
        changes: overrides of the tier's settings by dotted name.
        folder: of the run; by default its place among all runs.

    Returns:
        The path of the record.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        MissingPart: when the pretraining run or licensed data is missing; the message says what makes it.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    chosen = METHODS[method]
    settings = settings_of(tier, changes)
    stage = "pretraining" if chosen.kind == "pretraining" else "training"
    settings = override(settings, {f"{stage}.seed": seed})
    folder = folder or run_folder(PAPER, tier, method, fold, seed)
    archive = open_data(settings, chosen)
    split = split_identities(archive.identities, fold, **({"folds": WEB_FOLDS} if stage == "pretraining" else {}))
    training, validation, evaluation = (
        rows_of(archive, part) for part in (split.training, split.validation, split.evaluation)
    )
    pretrained = None if stage == "pretraining" else run_folder(PAPER, tier, PRETRAINING, 0, 0) / "weights.safetensors"
    task = build_task(chosen, settings, archive, training, validation, seed, pretrained)
    result = run_training(task, getattr(settings, stage), folder)

    embeddings = embed(recogniser_of(task.modules["network"]), archive, evaluation)  # type: ignore[arg-type]
    scored = score_probes(embeddings, archive, evaluation)
    scores = write_scores(folder / "scores.npz", {**scored, "rows": evaluation, "embeddings": embeddings})
    record: Record = new_record(
        paper=PAPER,
        method=method,
        fold=fold,
        seed=seed,
        tier=tier,
        data={"source": archive.name, "fingerprint": archive.fingerprint},
        parameters=as_dict(settings),
        metrics=pose_metrics(scored, () if stage == "pretraining" else POSE_BINS),
        wall_time_s=result.seconds,
        history=result.history,
        scores=scores,
    )
    write_record(record_path(folder), record)
    return record_path(folder)


def open_data(settings: RecognitionSettings, method: Method) -> FaceArchive:
    """The data set that a method learns from: web photographs for the pretraining, FaceScape for all others."""
    source = data_settings(settings, method)
    if isinstance(source, WebFacesSettings):
        with progress_bar("web faces", source.identities * source.images, "images") as bar:
            return open_web_faces(source, bar.advance)
    with progress_bar("FaceScape counterpart", source.identities * source.views * len(EXPRESSIONS), "images") as bar:
        return open_facescape(source, bar.advance)


def data_settings(settings: RecognitionSettings, method: Method) -> WebFacesSettings | FaceScapeSettings:
    """The generated data set of a method.

    Raises:
        MissingPart: when the settings ask for licensed data.
    """
    if settings.data != "embedded":
        raise MissingPart(
            "the paper tier reads FaceScape, which its owners license: no reader is configured here; "
            "use --tier gpu for the same sizes on embedded faces"
        )
    size = settings.network.image_size
    if method.kind == "pretraining":
        web = WebFacesSettings(identities=settings.web.identities, images=settings.web.images)
        return replace(web, scene=replace(web.scene, image_size=size))
    facescape = FaceScapeSettings(
        identities=settings.facescape.identities,
        views=settings.facescape.views,
        fixed_albedo=settings.facescape.fixed_albedo,
    )
    return replace(facescape, scene=replace(facescape.scene, image_size=size))


def data_fingerprint(method: str, tier: str) -> str:
    """The fingerprint of a method's data set as it would be generated today."""
    settings = data_settings(settings_of(tier), METHODS[method])
    name = "embedded_web_faces" if isinstance(settings, WebFacesSettings) else "embedded_facescape"
    return fingerprint_of(name, settings)


def prepare(tier: str) -> None:
    """Generate the data sets of a tier ahead of its runs."""
    for name in (PRETRAINING, "ir18"):
        open_data(settings_of(tier), METHODS[name])


def build_task(
    method: Method,
    settings: RecognitionSettings,
    archive: FaceArchive,
    training: np.ndarray,
    validation: np.ndarray,
    seed: int,
    pretrained: Path | None,
) -> ImageTask:
    """Networks, classifiers and data of one method, ready for the training loop."""
    torch.manual_seed(seed)  # of the initial weights
    network = build_network(method, settings)
    if pretrained is not None:
        _start_from(network, pretrained, settings)
    classes = len(np.unique(archive.arrays["identity"][training]))
    loss = settings.loss
    margin = AdaFaceSettings(loss.margin, loss.h, loss.t_alpha, loss.scale, loss.rule)
    heads = [AdaFaceHead(settings.network.embedding, classes, margin) for _ in range(2)]
    stage = settings.pretraining if method.kind == "pretraining" else settings.training
    fingerprint = digest_of(
        {
            "method": method.name,
            "settings": as_dict(settings),
            "data": archive.fingerprint,
            "rows": [hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest() for rows in (training, validation)],
            "pretrained": sha256_of(pretrained) if pretrained else None,
        }
    )
    common = (archive, training, validation, stage.batch_size, fingerprint)
    if isinstance(network, JointAttentionNetwork):
        return JointTask(network, heads[0], heads[1], *common, loss, method.joint_entropy)
    return ImageTask(network, heads[0], *common)


def build_network(method: Method, settings: RecognitionSettings) -> IRNet18 | JointAttentionNetwork:
    """The network of a method with fresh weights."""
    size = settings.network
    if method.kind != "joint":
        return IRNet18(IRNetSettings(size.image_size, size.width, size.embedding, size.dropout))
    points = PointNet2Settings(
        points_1=size.points_1,
        samples_1=size.samples_1,
        points_2=map_size(size.image_size, size.stages) ** 2,
        samples_2=size.samples_2,
        width=size.width,
    )
    return JointAttentionNetwork(
        JointAttentionSettings(
            image_size=size.image_size,
            width=size.width,
            stages=size.stages,
            reduction=size.reduction,
            gamma_start=size.gamma_start,
            embedding=size.embedding,
            dropout=size.dropout,
            points=points,
        )
    )


def load_recogniser(
    method: str, *, fold: int = 0, tier: str = "smoke", seed: int = 0, changes: dict[str, Any] | None = None
) -> Any:
    """The trained network of a run, in eval mode; it needs images only.

    Args:
        method, fold, tier, seed: of the run.
        changes: with which it was trained, as in `train`.

    Raises:
        UnknownName: on an unknown method, tier or setting.
        MissingPart: when the run does not exist; the message says which command makes it.
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    settings = settings_of(tier, changes)
    weights = run_folder(PAPER, tier, method, fold, seed) / "weights.safetensors"
    if not weights.exists():
        raise MissingPart(f"{weights} is missing: make it with `{run_command(PAPER, method, fold, tier)}`")
    network = build_network(METHODS[method], settings)
    load_weights(weights, {"network": network})
    return recogniser_of(network).eval()


def _start_from(network: IRNet18 | JointAttentionNetwork, weights: Path, settings: RecognitionSettings) -> None:
    if not weights.exists():
        command = run_command(PAPER, PRETRAINING, 0, weights.parent.parent.name)
        raise MissingPart(f"every method starts from the pretrained IR-18, which is missing: run `{command}` first")
    recogniser = build_network(METHODS[PRETRAINING], settings)
    assert isinstance(recogniser, IRNet18)
    load_weights(weights, {"network": recogniser})
    if isinstance(network, JointAttentionNetwork):
        load_body(network, recogniser)
    else:
        network.load_state_dict(recogniser.state_dict())
