"""Which networks of this paper come with the package, and what runs take over from them."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from facelib.errors import BadInput
from facelib.papers.paper import BASELINE
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.networks import build_network, face_model
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.papers.trained import Models
from facelib.runs.settings import override
from facelib.weights import read_card, shipped_names

KIND = "face reconstruction"  # of the cards of such models
USUAL = "sadrnet"  # the shipped model that is taken where none is named


def take_shipped(network: nn.Module, method: Reconstructor, settings: ReconstructionSettings) -> bool:
    """Fill a network that others start from with what ships of it, unless its settings ask for a training.

    Args:
        network: with fresh weights.
        method, settings: of its run.

    Returns:
        Whether it was filled: what ships under the method's name must have been trained with these very settings.

    Raises:
        CorruptFile, BadInput: as `Models.shipped`.
    """
    if not settings.encoder.shipped or method.name not in shipped_names():
        return False
    trained_with = override(ReconstructionSettings(), read_card(method.name, KIND)["parameters"])
    if replace(trained_with, encoder=replace(trained_with.encoder, shipped=True)) != settings:
        return False
    network.load_state_dict(MODELS.shipped(method.name).network.state_dict())
    return True


def _identities(method: Reconstructor, settings: ReconstructionSettings) -> int:
    if method.is_pretraining:
        return settings.encoder.identities
    return len(face_model(settings.data).identity_basis) if settings.network.shape == "coefficients" else 0


def _check_reads(method: Reconstructor) -> None:
    if method.kind == BASELINE:
        raise BadInput(f"{method.name} predicts no map of a photograph: choose a network's run, such as {USUAL}'s")


MODELS = Models(PAPER, KIND, USUAL, "faces are reconstructed", build_network, _identities, _check_reads)
