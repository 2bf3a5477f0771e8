"""Trained networks of a paper that read photographs: a run's, or one that comes with the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from facelib.errors import BadInput, MissingPart
from facelib.faces.baking import load_face_model
from facelib.papers.paper import M, Paper, S
from facelib.papers.shipping import TOLD, told_of
from facelib.runs.checkpoints import load_weights, restore
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE, Run
from facelib.runs.records import Record, read_record
from facelib.runs.settings import override
from facelib.storage import sha256_of
from facelib.weights import CHECKSUM, read_card, read_shipped_weights, rounded, shipped_names, write_shipped

NETWORK, FACES = "network.", "face_model."  # what tensors of a shipped file begin with
SAME_FACES_MM = 0.5  # that landmarks of two bakings of one face model may lie apart


@dataclass(frozen=True)
class Trained(Generic[M, S]):
    """A network that reads photographs.

    Args:
        network: in eval mode, as its run trained it.
        method: which one it is.
        settings: of its run.
        origin: what its run's record tells: paper, method, tier, fold, seed, data, finished_at; and the name under
            which it ships.
        weights_sha256: checksum of the file that its weights were read from; empty without one.
    """

    network: nn.Module
    method: M
    settings: S
    origin: Mapping[str, Any]
    weights_sha256: str = ""

    @property
    def tier(self) -> str:
        """Of its run."""
        return self.origin["tier"]


T = TypeVar("T", bound=Trained[Any, Any])


@dataclass(frozen=True)
class Models(Generic[M, S]):
    """Where a paper's trained networks come from.

    Args:
        paper: whose.
        kind: of the cards of those that ship.
        usual: the shipped model that is taken where none is named, and a method whose run can stand for it.
        does: what they do, such as "faces are reconstructed".
        build_network: a method's network with fresh weights.
        identities: how many identity components of the face model a network reads.
        check_reads: raises BadInput for a method whose network reads no photographs.
        option: of commands that names one; the argument in Python is called the same, with underscores.
    """

    paper: Paper[M, S]
    kind: str
    usual: str
    does: str
    build_network: Callable[[M, S], nn.Module]
    identities: Callable[[M, S], int]
    check_reads: Callable[[M], None]
    option: str = "--model"

    def ships(self, model: str | None, tier: str | None) -> bool:
        """Whether `load_trained(model, tier)` of the paper means a shipped model."""
        return tier is None and (model or self.usual) in shipped_names()

    def of_run(self, model: str | None, tier: str | None) -> Trained[M, S]:
        """The network of a run.

        Args:
            model: a run's folder, its record.json or its weights; or a method's name.
            tier: of the method's run, of fold 0 and seed 0; by default the smallest.

        Raises:
            UnknownName: for neither a file nor a method.
            MissingPart: when the run does not exist, or no model is named; the message says which command makes it.
            CorruptFile: when its record or weights are damaged.
            BadInput: for a run of another paper, of a method that reads no photographs, or of other settings than it
                says.
        """
        paper = self.paper
        if model is None:
            raise MissingPart(
                f"no trained network of {paper.name} comes with this version: make one with `facelib run {paper.name} "
                f"{self.usual} --tier laptop`, and choose it with {self.option} {self.usual} --tier laptop, or "
                f"{self.option.lstrip('-').replace('-', '_')}= its folder"
            )
        record, weights = self.find_run(model, tier or paper.smallest_tier)
        method, settings = paper.method(record.method), override(paper.settings(record.tier), record.parameters)
        network = self.build_network(method, settings)
        load_weights(weights, {"network": network})
        return Trained(network.eval(), method, settings, told_of(record), sha256_of(weights))

    def find_run(self, model: str, tier: str) -> tuple[Record, Path]:
        """The record and the weights of a run whose network reads photographs; see `of_run`."""
        paper = self.paper
        path = self.record_of(model, tier)
        usual = Run(paper.name, model if model in paper.methods else self.usual, tier=tier).command
        record = read_record(path, usual)
        if record.paper != paper.name:
            raise BadInput(
                f"{path} is a run of {record.method} of {record.paper}: {self.does} by runs of {paper.name}, such as "
                f"`{usual}` makes"
            )
        self.check_reads(paper.method(record.method))
        return record, path.parent / WEIGHTS_FILE

    def record_of(self, model: str, tier: str) -> Path:
        """Where the record of a run lies that a folder, a file or a method's name means.

        Raises:
            UnknownName, BadInput: for neither.
        """
        path = Path(model)
        if path.is_dir():
            return path / RECORD_FILE
        if path.is_file():
            return path if path.suffix == ".json" else path.parent / RECORD_FILE
        if model not in self.paper.methods and (path.suffix or len(path.parts) > 1):
            raise BadInput(f"there is no run at {model}: expected its folder, its record.json, or a method's name")
        self.paper.method(model)
        return Run(self.paper.name, model, tier=tier).record

    def shipped(self, name: str) -> Trained[M, S]:
        """A network that comes with the package.

        Raises:
            UnknownName: there is no such model.
            CorruptFile: its card or weights are damaged.
            BadInput: it is of another kind, does not fit its card, or was trained on other faces than those that are
                baked here.
        """
        card, tensors = read_card(name, self.kind), read_shipped_weights(name)
        method = self.paper.method(card["method"])
        self.check_reads(method)
        settings = override(self.paper.settings(card["tier"]), card["parameters"])
        network = self.build_network(method, settings)
        state = {key.removeprefix(NETWORK): value for key, value in tensors.items() if key.startswith(NETWORK)}
        restore({"network": network}, {"network": state}, f"the shipped model {name}")
        _check_faces(name, tensors[f"{FACES}landmarks"], used_landmarks(self.identities(method, settings)))
        origin = {key: card[key] for key in TOLD} | {"shipped_as": name}
        return Trained(network.eval(), method, settings, origin, card[CHECKSUM])

    def halved(self, trained: T) -> T:
        """The same after a round trip of its weights through half precision; raises as `facelib.weights.halved`."""
        network = self.build_network(trained.method, trained.settings)
        network.load_state_dict(rounded(trained.network.state_dict()))
        return replace(trained, network=network.eval())

    def write(self, name: str, trained: Trained[M, S], card: Mapping[str, Any]) -> None:
        """Ship a network under a name, with what it depends on in the face model; raises as `write_shipped`."""
        tensors = {f"{NETWORK}{key}": value for key, value in trained.network.state_dict().items()}
        landmarks = used_landmarks(self.identities(trained.method, trained.settings))
        write_shipped(name, tensors | {f"{FACES}landmarks": landmarks}, card)


def used_landmarks(identities: int) -> torch.Tensor:
    """What a network's answer depends on in the face model, at its landmarks (M, 68, 3): the mean face, the identity
    components that are read, each at three standard deviations, and all facial actions.

    A baking on another processor gives the same to a hair, but not to the last bit as checksums would ask.
    """
    model = load_face_model("coarse")
    parts = (model.mean[None], 3 * model.identity_basis[:identities], model.expression_basis)
    return torch.cat([part[:, model.landmarks] for part in parts])


def _check_faces(name: str, trained: torch.Tensor, here: torch.Tensor) -> None:
    apart = float((trained - here).norm(dim=-1).max()) if trained.shape == here.shape else float("inf")
    if apart > SAME_FACES_MM:
        raise BadInput(
            f"the shipped model {name} was trained on another face model: landmarks lie up to {apart:.1f} mm from "
            f"those baked here, expected {SAME_FACES_MM}; install the version of facelib that it came with"
        )
