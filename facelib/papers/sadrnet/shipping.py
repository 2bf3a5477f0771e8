"""For maintainers: a run's network as a file that comes with the package, with its card and with what halving costs."""

from __future__ import annotations

import torch
from torch import nn

from facelib.data.embedded.portraits import portraits
from facelib.errors import BadInput
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.metrics import METRICS
from facelib.papers.sadrnet.networks import face_model
from facelib.papers.sadrnet.settings import EMBEDDED
from facelib.papers.sadrnet.shipped import KIND, MODELS
from facelib.papers.sadrnet.trained import TrainedNetwork, load_trained
from facelib.papers.shipping import Change, card_of, change_of

RENDERED = 8  # faces on which both precisions are compared
NOT_FOR = (
    "recognising people, measuring them, or deciding anything about them. It has learnt from rendered faces of adults "
    "only: skins, hair, beards, wrinkles and expressions that these do not show are read as something else"
)


def ship(run: str, name: str) -> Change:
    """Write a run's network to the weights that come with the package, under a name.

    Args:
        run: its folder or record.json.
        name: small letters, digits and underscores; "sadrnet" is what `facelib.reconstruct` takes by default.

    Returns:
        What half precision changes, which the card says too.

    Raises:
        MissingPart, CorruptFile, BadInput: as `load_trained`.
        BadInput: of a run on licensed faces; weights that are not finite, that half precision cannot hold, or that
            take more than three files of 8 MB.
    """
    record, _ = MODELS.find_run(run, PAPER.smallest_tier)
    trained = load_trained(run, record.tier)
    if trained.settings.data != EMBEDDED:
        raise BadInput(f"{run} has learnt from licensed faces, and draws those of a model that its users would need")
    change = change_by_halving(trained)
    summary = f"{trained.method.label}: reads a 3D face off a photograph"
    card = card_of(record, KIND, summary, NOT_FOR, METRICS, change)
    MODELS.write(name, trained, card)
    return change


def change_by_halving(trained: TrainedNetwork) -> Change:
    """Compare a network with itself after a round trip of its weights through half precision; raises as `ship`."""
    other = MODELS.halved(trained)
    size = trained.settings.network.image_size
    images = portraits(face_model(), RENDERED, size).image
    apart = (_points(trained.draws, images) - _points(other.draws, images)).norm(dim=1)
    on_face = apart[apart > 0]  # the maps are zero outside it
    return change_of(on_face, f"pixels of {size}", len(images))


def _points(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return network(images).geometry.float()
