"""Trained networks of this paper that read depth frames: a run's, or those that come with the package.

A head takes two: DASHapeNet tells its shape, DAPoseNet where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from facelib.errors import BadInput
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.methods import POSE, SHAPE, DepthReader
from facelib.papers.depth_adaptation.networks import build_network, face_surface
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings
from facelib.papers.trained import Models, Trained

TrainedReader = Trained[DepthReader, DepthRunSettings]
USUAL = {SHAPE: "dashapenet", POSE: "dapose"}  # the shipped models that are taken where none is named


def _checks(kind: str) -> Callable[[DepthReader], None]:
    def check_reads(method: DepthReader) -> None:
        if method.kind != kind:
            raise BadInput(f"{method.name} has no network that reads a {kind}: choose a run such as {USUAL[kind]}'s")

    return check_reads


def _models(kind: str, card_kind: str, does: str, option: str) -> Models[DepthReader, DepthRunSettings]:
    identities = (
        (lambda method, settings: face_surface(settings.faces).identities)
        if kind == SHAPE
        else (lambda method, settings: 0)
    )
    return Models(PAPER, card_kind, USUAL[kind], does, build_network, identities, _checks(kind), option)


MODELS: dict[str, Models[DepthReader, DepthRunSettings]] = {
    SHAPE: _models(SHAPE, "face shape from depth", "shapes are read off depth", "--model"),
    POSE: _models(POSE, "head pose from depth", "poses are read off depth", "--pose-model"),
}


def load_trained(kind: str, model: str | None = None, tier: str | None = None) -> TrainedReader:
    """The network of a run, or one that ships.

    Args:
        kind: SHAPE or POSE, what it reads.
        model, tier: as of paper 3's `load_trained`.

    Raises:
        UnknownName, MissingPart, CorruptFile, BadInput: as there.
    """
    if MODELS[kind].ships(model, tier):
        return load_shipped(kind, model or USUAL[kind])
    return MODELS[kind].of_run(model, tier)


@lru_cache(maxsize=2)
def load_shipped(kind: str, name: str) -> TrainedReader:
    """A network that comes with the package; raises as `Models.shipped`."""
    return MODELS[kind].shipped(name)
