"""Three networks, one for each component of normals, that tell scans of faces apart (paper 2): as they ship.

One file holds all three, their card says their size and how scans are prepared for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from facelib.data.scan_files import Scan
from facelib.data.scan_preparation import PreparedScan
from facelib.data.scan_template import scan_template
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput, MissingPart
from facelib.faces.baking import load_face_model
from facelib.models.sphereface import COMPONENT, Sphere20, Sphere20Settings
from facelib.papers.shipping import TOLD
from facelib.runs.checkpoints import restore
from facelib.runs.settings import as_dict, override
from facelib.weights import read_card, read_shipped_weights, shipped_names, write_shipped

KIND = "3D face recognition"  # of the cards of such models
USUAL = "normal_components"  # the shipped model that is taken where none is named
AXES = ("x", "y", "z")
BATCH = 32  # images at a time


@dataclass(frozen=True)
class ComponentNetworks:
    """Networks of normal components, and how scans are prepared for them.

    Args:
        networks: for each of `AXES` one of one channel, in eval mode, all of one size.
        preparation: of scans.
        origin: what their run's record tells, as of `Trained`.

    Raises:
        BadInput: for other axes, networks of other channels or of several sizes, or images of another size than theirs.
    """

    networks: Mapping[str, Sphere20]
    preparation: PreparationSettings
    origin: Mapping[str, Any]

    def __post_init__(self) -> None:
        if tuple(self.networks) != AXES:
            raise BadInput(f"networks of {', '.join(self.networks) or 'nothing'}: expected one of each of x, y and z")
        if any(network.settings != self.settings for network in self.networks.values()):
            raise BadInput("networks of several sizes: expected all of one")
        if self.settings.channels != COMPONENT:
            raise BadInput(f"networks of {self.settings.channels} channels: expected 1, a normal component")
        if self.settings.image_size != self.preparation.size:
            raise BadInput(
                f"networks see {self.settings.image_size} pixels, scans are prepared with {self.preparation.size}: "
                "expected the same"
            )

    @property
    def settings(self) -> Sphere20Settings:
        """The size of each network."""
        return next(iter(self.networks.values())).settings

    def prepare(self, scan: Scan) -> PreparedScan:
        """What the networks see of a scan; raises as its `prepare`."""
        return scan.prepare(self.preparation, scan_template(load_face_model("coarse")))

    @torch.no_grad()
    def features(self, normals: torch.Tensor) -> dict[str, torch.Tensor]:
        """For each axis the unit embeddings (B, D) of normal component images (B, 3, S, S)."""
        return {
            axis: torch.cat([network(part).unit for part in normals[:, place, None].split(BATCH)])
            for place, (axis, network) in enumerate(self.networks.items())
        }


def load_networks(model: str | None = None) -> ComponentNetworks:
    """Networks that come with the package.

    Args:
        model: their name; "normal_components" when missing.

    Raises:
        MissingPart: no model is named, and the usual one does not ship; the message says what makes it.
        UnknownName: there is no such model.
        CorruptFile: its card or weights are damaged.
        BadInput: it is of another kind, or does not fit its card.
    """
    if model is None and USUAL not in shipped_names():
        raise MissingPart(
            "no networks of normal components come with this version: train them with `facelib reproduce --paper "
            f"{USUAL} --tier laptop`, and make them a model with `facelib ship RUN --name {USUAL}`"
        )
    return load_shipped(model or USUAL)


def write_networks(name: str, trained: ComponentNetworks, card: Mapping[str, Any]) -> list[Path]:
    """Ship networks under a name; card and errors as of `facelib.weights.write_shipped`."""
    tensors = {
        f"{axis}.{key}": value
        for axis, network in trained.networks.items()
        for key, value in network.state_dict().items()
    }
    told = {"network": as_dict(trained.settings), "preparation": as_dict(trained.preparation)}
    return write_shipped(name, tensors, {**card, **told})


@lru_cache(maxsize=2)
def load_shipped(name: str) -> ComponentNetworks:
    """Networks that come with the package; errors as of `load_networks`."""
    card, tensors = read_card(name, KIND), read_shipped_weights(name)
    settings = override(Sphere20Settings(channels=COMPONENT), card["network"])
    networks = {axis: Sphere20(settings).eval() for axis in AXES}
    states = {
        axis: {key.removeprefix(f"{axis}."): value for key, value in tensors.items() if key.startswith(f"{axis}.")}
        for axis in AXES
    }
    restore(networks, states, f"the shipped model {name}")
    origin = {key: card[key] for key in TOLD} | {"shipped_as": name}
    return ComponentNetworks(networks, override(PreparationSettings(), card["preparation"]), origin)
