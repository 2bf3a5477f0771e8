"""A pretrained recogniser of this paper as a file that comes with the package, for papers that need a frozen one."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from facelib.data.embedded.portraits import portraits
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.networks import build_network
from facelib.papers.joint_attention.settings import RecognitionSettings
from facelib.papers.run import network_from
from facelib.papers.shipping import Change, card_of, change_of
from facelib.runs.checkpoints import restore
from facelib.runs.folders import RECORD_FILE, WEIGHTS_FILE
from facelib.runs.records import read_record
from facelib.runs.settings import override
from facelib.weights import read_card, read_shipped_weights, rounded, write_shipped

KIND = "face recognition"  # of the cards of such models
USUAL = "ir18"  # the shipped one
RENDERED = 8  # faces on which both precisions are compared
NOT_FOR = (
    "telling real people apart, or deciding anything about them. It has learnt from rendered faces of adults only, and "
    "serves as the frozen recogniser of other trainings here"
)


def ship(run: str, name: str) -> Change:
    """Write a pretrained recogniser to the weights that come with the package, under a name.

    Args:
        run: its folder.
        name: small letters, digits and underscores.

    Returns:
        What half precision changes, which the card says too.

    Raises:
        MissingPart, CorruptFile: when its record or weights are missing or damaged.
        BadInput: for a run that is no pretrained recogniser of images; weights that are not finite, that half
            precision cannot hold, or that take more than three files of 8 MB.
    """
    folder = Path(run)
    record = read_record(folder / RECORD_FILE)
    if not PAPER.method(record.method).is_pretraining:
        raise BadInput(f"{record.run} is no pretrained recogniser of images: expected a run such as pretrain_ir18's")
    settings = override(PAPER.published, record.parameters)  # a setting that is newer than the run has its default
    network = network_from(PAPER, record.method, settings, folder / WEIGHTS_FILE)
    state = network.state_dict()
    other = _network(record.method, settings, rounded(state), name)
    images = portraits(load_face_model("coarse"), RENDERED, settings.network.image_size).image
    with torch.no_grad():
        cosine = (network(images).unit * other(images).unit).sum(dim=1).clamp(-1, 1)
    change = change_of(cosine.arccos().rad2deg(), "degrees", len(images))
    label = PAPER.method(record.method).label
    summary = f"{label}: tells faces in photographs apart"
    write_shipped(name, state, card_of(record, KIND, summary, NOT_FOR, record.metrics, change))
    return change


@lru_cache(maxsize=2)
def load_shipped(name: str = USUAL) -> nn.Module:
    """A recogniser that comes with the package, in eval mode: images (B, 3, S, S), RGB in [0, 1], to an `Embedding`.

    Raises:
        UnknownName: there is no such model.
        CorruptFile: its card or weights are damaged.
        BadInput: it is no recogniser, or does not fit its card.
    """
    card, state = read_card(name, KIND), read_shipped_weights(name)
    settings = override(PAPER.published, card["parameters"])
    return _network(card["method"], settings, state, name)


def _network(method: str, settings: RecognitionSettings, state: dict[str, torch.Tensor], name: str) -> nn.Module:
    network = build_network(PAPER.method(method), settings)
    restore({"network": network}, {"network": state}, f"the shipped model {name}")
    return network.eval()
