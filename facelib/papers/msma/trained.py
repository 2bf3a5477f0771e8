"""Trained networks of this paper that read photographs: a run's, or one that comes with the package."""

from __future__ import annotations

from functools import lru_cache

from facelib.errors import BadInput
from facelib.papers.msma import PAPER
from facelib.papers.msma.methods import FaceReader
from facelib.papers.msma.networks import IDENTITIES, build_network
from facelib.papers.msma.settings import MSMARunSettings
from facelib.papers.paper import BASELINE
from facelib.papers.trained import Models, Trained

KIND = "face fitting"  # of the cards of such models
USUAL = "msma"  # the shipped model that is taken where none is named

TrainedReader = Trained[FaceReader, MSMARunSettings]


def load_trained(model: str | None = None, tier: str | None = None) -> TrainedReader:
    """The network of a run, or one that ships; arguments and errors are those of paper 3's `load_trained`."""
    if MODELS.ships(model, tier):
        return load_shipped(model or USUAL)
    return MODELS.of_run(model, tier)


@lru_cache(maxsize=2)
def load_shipped(name: str) -> TrainedReader:
    """A network that comes with the package; raises as `Models.shipped`."""
    return MODELS.shipped(name)


def _check_reads(method: FaceReader) -> None:
    if method.is_pretraining or method.kind == BASELINE:
        raise BadInput(
            f"{method.name} reads no coefficients off photographs: choose a network's run, such as {USUAL}'s"
        )


MODELS = Models(
    PAPER, KIND, USUAL, "coefficients are read", build_network, lambda method, settings: IDENTITIES, _check_reads
)
