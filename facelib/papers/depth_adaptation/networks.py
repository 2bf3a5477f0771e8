"""The faces that paper 4's networks tell, and the networks at the size that the settings give."""

from __future__ import annotations

from torch import nn

from facelib.data.licensed.basel_faces import load_basel
from facelib.faces.baking import load_face_model
from facelib.faces.skin_surface import SkinSurface, skin_surface
from facelib.models.depth_networks import DAPoseNet, DASHapeNet
from facelib.papers.depth_adaptation.methods import POSE, DepthReader
from facelib.papers.depth_adaptation.run_settings import DepthRunSettings, chosen_faces
from facelib.papers.paper import BASELINE


def face_surface(faces: str = "ours") -> SkinSurface:
    """The surface that shapes are told of; its first shape is the reference face of section 1.2.

    Args:
        faces: as of `DepthRunSettings`.

    Raises:
        MissingPart: of Basel faces, when the user has none.
    """
    return skin_surface(load_basel() if chosen_faces(faces) == "basel" else load_face_model("coarse"))


def build_network(method: DepthReader, settings: DepthRunSettings) -> nn.Module:
    """The network of a method with fresh weights; a baseline's has none."""
    if method.kind == BASELINE:
        return nn.Identity()
    if method.kind == POSE:
        return DAPoseNet(settings.network)
    return DASHapeNet(settings.network, face_surface(settings.faces).mean.numel())
