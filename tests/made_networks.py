"""Networks of normal components that were never trained, on the shelf of those that ship."""

from __future__ import annotations

from typing import Any

import torch

from facelib.data.surface_settings import PreparationSettings
from facelib.models.sphereface import Sphere20, Sphere20Settings
from facelib.papers.component_networks import AXES, KIND, ComponentNetworks, write_networks

PREPARATION = PreparationSettings(size=56, cell=2.9)
ORIGIN = {"paper": "normal_components", "method": "lmcl", "tier": "smoke", "fold": 0, "seed": 0} | {
    "data": {"fingerprint": "0"},
    "finished_at": "2026-11-29",
}


def made_networks(**changes: Any) -> ComponentNetworks:
    """Of random weights, which tell scans apart well enough where noise is small; changes are of their settings."""
    torch.manual_seed(0)
    settings = Sphere20Settings(**{"image_size": 56, "channels": 1, "width": 0.125, "embedding": 64} | changes)
    return ComponentNetworks({axis: Sphere20(settings).eval() for axis in AXES}, PREPARATION, ORIGIN)


def ship_made_networks(name: str = "normal_components", networks: ComponentNetworks | None = None) -> ComponentNetworks:
    """Write them to the shelf; give what was written."""
    networks = networks or made_networks()
    told = {"summary": "tells scans apart", "source": "a test", "licence": "Apache-2.0", "not_for": "anything"}
    write_networks(name, networks, {"kind": KIND, **told, **ORIGIN})
    return networks
