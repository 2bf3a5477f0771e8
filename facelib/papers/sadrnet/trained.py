"""Trained networks of this paper that read photographs: a run's, or one that comes with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from torch import nn

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.sadrnet.building import drawing_of
from facelib.papers.sadrnet.methods import Reconstructor
from facelib.papers.sadrnet.networks import face_model
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.papers.sadrnet.shipped import MODELS, USUAL
from facelib.papers.trained import Trained


@dataclass(frozen=True)
class TrainedNetwork(Trained[Reconstructor, ReconstructionSettings]):
    """A network that reads faces; a face encoder gives coefficients."""

    @property
    def image_size(self) -> int:
        """Pixels a side of what `draws` takes."""
        return self.settings.network.image_size

    @property
    def model(self) -> MorphableModel:
        """The face model whose maps `draws` gives."""
        return face_model(self.settings.data)

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
    if MODELS.ships(model, tier):
        return load_shipped(model or USUAL)
    return TrainedNetwork(**vars(MODELS.of_run(model, tier)))


@lru_cache(maxsize=2)
def load_shipped(name: str) -> TrainedNetwork:
    """A network that comes with the package; raises as `Models.shipped`."""
    return TrainedNetwork(**vars(MODELS.shipped(name)))
