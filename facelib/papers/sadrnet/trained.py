"""Trained networks of this paper that read photographs: a run's, or one that comes with the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from facelib.errors import BadInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.papers.run import network_from
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.building import drawing_of
from facelib.papers.sadrnet.methods import METHODS, Reconstructor
from facelib.papers.sadrnet.networks import build_network, face_model
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.papers.shipping import TOLD, told_of
from facelib.runs.checkpoints import restore
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE, Run
from facelib.runs.records import Record, read_record
from facelib.runs.settings import override
from facelib.weights import read_card, read_shipped_weights, shipped_names

KIND = "face reconstruction"  # of the cards of such models
USUAL = "sadrnet"  # the shipped model that is taken where none is named
NETWORK, FACES = "network.", "face_model."  # what tensors of a shipped file begin with
SAME_FACES_MM = 0.5  # that landmarks of two bakings of one face model may lie apart


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that reads faces.

    Args:
        network: in eval mode; as its run trained it, so a face encoder gives coefficients.
        method: which one it is.
        settings: of its run.
        origin: what its run's record tells: paper, method, tier, fold, seed, data, finished_at; and the name under
            which it ships.
    """

    network: nn.Module
    method: Reconstructor
    settings: ReconstructionSettings
    origin: Mapping[str, Any]

    @property
    def tier(self) -> str:
        """Of its run."""
        return self.origin["tier"]

    @cached_property
    def draws(self) -> nn.Module:
        """Images (B, 3, S, S) -> FaceMaps, whatever the network itself gives."""
        return drawing_of(self.method, self.network, self.settings)


def load_trained(model: str | None = None, tier: str | None = None) -> TrainedNetwork:
    """The network of a run, or one that ships.

    Args:
        model: a shipped model's name; a run's folder, its record.json or its weights; or a method's name. By default
            the shipped model of this paper.
        tier: of the method's run, of fold 0 and seed 0, which is then meant instead of a shipped model; "smoke" where
            neither is there.

    Raises:
        UnknownName: for neither a shipped model, a file nor a method.
        MissingPart: when the run or the shipped model does not exist; the message says which command makes it.
        CorruptFile: when its record, card or weights are damaged.
        BadInput: for a run of another paper, of the baseline, or of other settings than it says; for a shipped model
            of other faces than those that are baked here.
    """
    if tier is None and (model or USUAL) in shipped_names():
        return load_shipped(model or USUAL)
    if model is None:
        raise MissingPart(
            f"no trained network comes with this version: make one with `facelib run {PAPER.name} {USUAL} --tier "
            f"laptop`, and choose it with --model {USUAL} --tier laptop, or model= its folder"
        )
    record, weights = find_run(model, tier or PAPER.smallest_tier)
    settings = override(PAPER.settings(record.tier), record.parameters)
    network = network_from(PAPER, record.method, settings, weights)
    return TrainedNetwork(network, PAPER.method(record.method), settings, told_of(record))


def find_run(model: str, tier: str) -> tuple[Record, Path]:
    """The record and the weights of a run whose network reads photographs; see `load_trained`."""
    path = _record_of(model, tier)
    usual = Run(PAPER.name, model if model in METHODS else USUAL, tier=tier).command
    record = read_record(path, usual)
    if record.paper != PAPER.name:
        raise BadInput(
            f"{path} is a run of {record.method} of {record.paper}: faces are reconstructed by runs of {PAPER.name}, "
            f"such as `{usual}` makes"
        )
    _check_reads(PAPER.method(record.method))
    return record, path.parent / WEIGHTS_FILE


@lru_cache(maxsize=2)
def load_shipped(name: str) -> TrainedNetwork:
    """A network that comes with the package.

    Raises:
        UnknownName: there is no such model.
        CorruptFile: its card or weights are damaged.
        BadInput: it reads no faces, does not fit its card, or was trained on other faces than those that are baked
            here.
    """
    card, tensors = read_card(name, KIND), read_shipped_weights(name)
    method = PAPER.method(card["method"])
    _check_reads(method)
    settings = override(PAPER.settings(card["tier"]), card["parameters"])
    network = build_network(method, settings)
    state = {key.removeprefix(NETWORK): value for key, value in tensors.items() if key.startswith(NETWORK)}
    restore({"network": network}, {"network": state}, f"the shipped model {name}")
    _check_faces(name, tensors[f"{FACES}landmarks"], used_landmarks(method, settings, face_model()))
    return TrainedNetwork(network.eval(), method, settings, {key: card[key] for key in TOLD} | {"shipped_as": name})


def used_landmarks(method: Reconstructor, settings: ReconstructionSettings, model: MorphableModel) -> torch.Tensor:
    """What a network's answer depends on in the face model, at its landmarks (M, 68, 3): the mean face, the identity
    components that are read, each at three standard deviations, and all facial actions.

    A baking on another processor gives the same to a hair, but not to the last bit as checksums would ask.
    """
    read = 0
    if method.is_pretraining:
        read = settings.encoder.identities
    elif settings.network.shape == "coefficients":
        read = len(model.identity_basis)
    parts = (model.mean[None], 3 * model.identity_basis[:read], model.expression_basis)
    return torch.cat([part[:, model.landmarks] for part in parts])


def _check_reads(method: Reconstructor) -> None:
    if method.kind == "baseline":
        raise BadInput(f"{method.name} predicts no map of a photograph: choose a network's run, such as {USUAL}'s")


def _check_faces(name: str, trained: torch.Tensor, here: torch.Tensor) -> None:
    apart = float((trained - here).norm(dim=-1).max()) if trained.shape == here.shape else float("inf")
    if apart > SAME_FACES_MM:
        raise BadInput(
            f"the shipped model {name} was trained on another face model: landmarks lie up to {apart:.1f} mm from "
            f"those baked here, expected {SAME_FACES_MM}; install the version of facelib that it came with"
        )


def _record_of(model: str, tier: str) -> Path:
    path = Path(model)
    if path.is_dir():
        return path / RECORD_FILE
    if path.is_file():
        return path if path.suffix == ".json" else path.parent / RECORD_FILE
    if model not in METHODS and (path.suffix or len(path.parts) > 1):
        raise BadInput(f"there is no run at {model}: expected its folder, its record.json, or a method's name")
    PAPER.method(model)
    return Run(PAPER.name, model, tier=tier).record
