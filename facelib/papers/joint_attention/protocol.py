"""Evaluating a recogniser as paper 1 does: gallery against probes, true accept rates by pose.

FaceScape: five gallery samples a person, probes by angle from frontal (tables I and II). ARL-VTF: six gallery images,
five frontal and five turned probes a person, other people than any training saw (table III). A pose bin has a threshold
of its own (the paper does not say); the pooled numbers take all probes together, as the paper's "Average" columns do.
A probe's score against an identity is the highest over its gallery samples. An embedding that is not finite or zero
says nothing of whose it is: such a probe scores lowest against everybody, and such a gallery sample is not enrolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import nn

from facelib.conventions import POSE_BINS
from facelib.data.archive import FaceArchive
from facelib.data.protocol import Role, gallery_and_probes, roles_of, rows_of
from facelib.errors import BadInput
from facelib.metrics.identification import gallery_scores, genuine_and_impostor, rank1
from facelib.metrics.inputs import have_direction
from facelib.metrics.verification import VerificationSummary, tar_at_far, verification_summary
from facelib.models.blocks import Embedding
from facelib.papers.failures import FAILED, failed_metric
from facelib.papers.joint_attention.data_sets import split_of
from facelib.papers.joint_attention.inputs import Inputs, inputs_of
from facelib.papers.joint_attention.metrics import AVERAGE
from facelib.papers.paper import Metrics, RunInputs, Scores

if TYPE_CHECKING:
    from facelib.papers.joint_attention.methods import DataSet, Recogniser
    from facelib.papers.joint_attention.settings import RecognitionSettings

FAR = 0.01
TAR_AT_FAR = "tar_at_far_1pct"
CONDITIONS = {"frontal": 0, "pose": 1}  # of ARL-VTF's probes
# The paper shows "frontal and profile (90°+ pose)" and does not say where frontal ends; its first two bins are ours.
FIGURE_4_POSES = {"frontal": ("0-10", "10-30"), "profile": ("90+",)}
ARL_VTF_PREFIX = "arl_vtf."  # of the second data set's metrics and scores
SAMPLES_AT_ONCE = 256
LOWEST = -1.0  # of all cosines: accepted by no threshold, the last of all ranks


def evaluate(inputs: RunInputs[Recogniser, RecognitionSettings], network: nn.Module) -> tuple[Metrics, Scores]:
    """Metrics and scores of a trained network on every data set that it is evaluated on.

    A pretraining is evaluated on web identities that it did not see; all else on the fold's evaluation identities of
    FaceScape, and networks of images on ARL-VTF too, whose metrics and scores bear the prefix "arl_vtf.".
    """
    method, clouds, recogniser = inputs.method, inputs.settings.clouds, recogniser_of(network)
    name: DataSet = "web_faces" if method.is_pretraining else "facescape"
    archive = inputs.archives[name]
    pool = inputs.settings.facescape.pool
    rows = rows_of(archive, split_of(name, archive, inputs.fold, pool).evaluation)
    scores = evaluate_facescape(embed(recogniser, inputs_of(method, archive, clouds), rows), archive, rows)
    if name == "facescape":
        scores["in_pool"] = np.isin(scores["identities"], archive.identities[len(archive.identities) - pool :])
    metrics = pose_metrics(scores, () if method.is_pretraining else POSE_BINS)
    if "arl_vtf" in inputs.archives and method.input == "images":
        archive = inputs.archives["arl_vtf"]
        rows = arl_vtf_rows(archive)
        second = evaluate_arl_vtf(embed(recogniser, inputs_of(method, archive, clouds), rows), archive, rows)
        scores |= {ARL_VTF_PREFIX + key: array for key, array in second.items()}
        metrics |= {ARL_VTF_PREFIX + key: value for key, value in arl_vtf_metrics(second).items()}
    return metrics | failed_metric(scores), scores


def recogniser_of(network: Any) -> Any:
    """What embeds images alone: the network itself, or a joint one without its 3D branch."""
    return network.image_only() if hasattr(network, "image_only") else network


@torch.no_grad()
def embed(network: nn.Module, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """Unit embeddings (N, D) of these rows; the network is put in eval mode for it.

    Raises:
        BadInput: without rows, or on a NaN image.
    """
    if len(rows) == 0:
        raise BadInput("no rows to embed: expected at least one")
    was_training, device = network.training, next(network.parameters()).device
    network.eval()
    call: Any = getattr(network, "embed_images", network)
    parts = []
    for start in range(0, len(rows), SAMPLES_AT_ONCE):
        arguments = inputs(rows[start : start + SAMPLES_AT_ONCE])
        embedding: Embedding = call(*(argument.to(device) for argument in arguments))
        parts.append(embedding.unit.float().cpu().numpy())
    network.train(was_training)
    return np.concatenate(parts)


def evaluate_facescape(embeddings: np.ndarray, archive: FaceArchive, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of every probe against every enrolled identity (tables I and II).

    Args:
        embeddings: (N, D) of `rows`.
        archive: the data set.
        rows: ascending rows of the identities to evaluate.

    Returns:
        As `score_probes`.
    """
    gallery, probes = gallery_and_probes(archive, np.unique(archive.arrays["identity"][rows]))
    return score_probes(embeddings, archive, rows, gallery, probes)


def arl_vtf_rows(archive: FaceArchive) -> np.ndarray:
    """The rows that ARL-VTF is evaluated on, ascending: gallery and probes, without its training part."""
    evaluated = (Role.GALLERY, Role.FRONTAL_PROBE, Role.POSE_PROBE)
    return np.sort(np.concatenate([roles_of(archive, role) for role in evaluated]))


def evaluate_arl_vtf(embeddings: np.ndarray, archive: FaceArchive, rows: np.ndarray) -> dict[str, np.ndarray]:
    """As `evaluate_facescape`, for table III: besides, probe_condition (P,), 0 frontal and 1 pose.

    Args:
        embeddings: (N, D) of `rows`.
        archive: the data set.
        rows: of `arl_vtf_rows`.
    """
    frontal, turned = roles_of(archive, Role.FRONTAL_PROBE), roles_of(archive, Role.POSE_PROBE)
    probes = np.sort(np.concatenate((frontal, turned)))
    scored = score_probes(embeddings, archive, rows, roles_of(archive, Role.GALLERY), probes)
    return scored | {"probe_condition": np.isin(probes, turned).astype(np.int64)}


def score_probes(
    embeddings: np.ndarray,
    archive: FaceArchive,
    rows: np.ndarray,
    gallery: np.ndarray,
    probes: np.ndarray,
    fusion: Literal["max", "mean"] = "max",
) -> dict[str, np.ndarray]:
    """Scores of every probe against every enrolled identity.

    Args:
        embeddings: (N, D) of `rows`.
        archive: the data set.
        rows: (N,) ascending.
        gallery, probes: which of the rows are enrolled, and which are compared with them.
        fusion: "max" or "mean" over an identity's gallery samples.

    Returns:
        scores (P, I), probe_rows (P,), probe_identity (P,), probe_angle (P,) in radians, identities (I,), rows as
        given, embeddings as given or 0 where they failed, and failed (N,) bool.
    """
    identity, failed = archive.arrays["identity"], ~have_direction(embeddings)
    embeddings = np.where(failed[:, None], 0, embeddings)
    identities = np.unique(identity[gallery])
    compared, enrolled = (part[~failed[np.searchsorted(rows, part)]] for part in (probes, gallery))
    scores = np.full((len(probes), len(identities)), LOWEST, np.float32)
    if len(compared) and len(enrolled):
        of_probes, of_gallery = (embeddings[np.searchsorted(rows, part)] for part in (compared, enrolled))
        found, known = gallery_scores(of_probes, of_gallery, identity[enrolled], fusion)
        scores[np.ix_(np.isin(probes, compared), np.isin(identities, known))] = found
    return {
        "scores": scores,
        "probe_rows": probes,
        "probe_identity": identity[probes],
        "probe_angle": archive.arrays["angle"][probes],
        "identities": identities,
        "rows": rows,
        "embeddings": embeddings,
        FAILED: failed,
    }


def pose_metrics(scored: dict[str, np.ndarray], poses: Iterable[str] = POSE_BINS) -> dict[str, dict[str, Any]]:
    """Every metric of a table: TAR at 1 % FAR by pose, and pooled TAR, AUC, EER and rank-1.

    Args:
        scored: of `evaluate_facescape` or `evaluate_arl_vtf`.
        poses: names of the pose bins, or of ARL-VTF's conditions, to report; web photographs show no profiles.

    Returns:
        name -> {"value", "unit"}; a bin's metric is named "tar_at_far_1pct/30-60".

    Raises:
        BadInput: when a bin, which the message names, holds fewer than 100 impostor scores.
    """
    metrics = {f"{TAR_AT_FAR}/{name}": _tar_of_pose(scored, name) for name in poses}
    pooled = _pooled(scored)
    metrics |= {TAR_AT_FAR: pooled.tars[0], "auc": pooled.auc, "eer": pooled.eer}
    metrics["rank1"] = rank1(scored["scores"], scored["probe_identity"], scored["identities"])
    return {name: {"value": float(value), "unit": "fraction"} for name, value in metrics.items()}


def arl_vtf_metrics(scored: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """As `pose_metrics` of both conditions; and their weighted mean, which table III prints as the average."""
    metrics = pose_metrics(scored, CONDITIONS)
    average = sum(weight * metrics[f"{TAR_AT_FAR}/{name}"]["value"] for name, weight in AVERAGE.items())
    return metrics | {f"{TAR_AT_FAR}/average": {"value": average, "unit": "fraction"}}


def _tar_of_pose(scored: dict[str, np.ndarray], pose: str) -> float:
    try:
        return tar_at_far(*split_scores(scored, pose), FAR)
    except BadInput as error:
        raise BadInput(f"pose {pose}: {error}: raise facescape.identities or arl_vtf.identities") from error


def split_scores(scored: Mapping[str, np.ndarray], pose: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Genuine and impostor scores of the probes of a pose bin or condition, or of all probes."""
    chosen = probes_of_pose(scored, pose)
    return genuine_and_impostor(scored["scores"][chosen], scored["probe_identity"][chosen], scored["identities"])


def probes_of_pose(scored: Mapping[str, np.ndarray], pose: str | None = None) -> np.ndarray:
    """Mask (P,) of the probes of a pose bin ("30-60"), of a condition of ARL-VTF ("frontal", "pose"), or of all.

    Raises:
        BadInput: when a condition is asked of scores that have none.
    """
    if pose is None:
        return np.ones(len(scored["probe_angle"]), bool)
    if pose in CONDITIONS:
        if "probe_condition" not in scored:
            raise BadInput(f"condition {pose!r} was asked of scores without probe_condition: only ARL-VTF's have one")
        return scored["probe_condition"] == CONDITIONS[pose]
    low, high = POSE_BINS[pose]
    degrees = np.rad2deg(scored["probe_angle"])
    return (degrees >= low) & (degrees < high)


def probe_embeddings(scored: Mapping[str, np.ndarray]) -> np.ndarray:
    """The embeddings (P, D) of the probes."""
    return scored["embeddings"][np.searchsorted(scored["rows"], scored["probe_rows"])]


def data_set_scores(
    arrays: Mapping[str, np.ndarray], data_set: Literal["facescape", "arl_vtf"]
) -> dict[str, np.ndarray]:
    """The scores of one data set among those that lie beside a record.

    Raises:
        BadInput: when the run was not evaluated on it; methods of clouds are not evaluated on ARL-VTF.
    """
    of_second = {name: array for name, array in arrays.items() if name.startswith(ARL_VTF_PREFIX)}
    if data_set == "facescape":
        return {name: array for name, array in arrays.items() if name not in of_second}
    if not of_second:
        raise BadInput("these scores hold nothing of ARL-VTF: the run was evaluated on FaceScape only")
    return {name.removeprefix(ARL_VTF_PREFIX): array for name, array in of_second.items()}


def validation_metrics(embeddings: np.ndarray, archive: FaceArchive, rows: np.ndarray) -> dict[str, float]:
    """Pooled TAR at 1 % FAR, and AUC, of validation rows."""
    pooled = _pooled(evaluate_facescape(embeddings, archive, rows))
    return {TAR_AT_FAR: pooled.tars[0], "auc": pooled.auc}


def _pooled(scored: dict[str, np.ndarray]) -> VerificationSummary:
    """Of the probes of all poses together."""
    return verification_summary(*split_scores(scored), (FAR,))
