"""The UV layout of the face: from the hairline down to the throat, without ears and what lies behind eyes and lips."""

from __future__ import annotations

from functools import lru_cache

import torch

from facelib.conventions import LANDMARK_GROUPS
from facelib.faces.morphable_model import ByIdentity, MorphableModel
from facelib.geometry.cylindrical_uv import cylindrical_layout
from facelib.geometry.uv_maps import UVLayout

LEFT_OUT = ("ears", "cavities", "tongue")  # folds that fit no cylinder, and what lies behind eyes and lips
ABOVE_BROWS, BELOW_CHIN = 45.0, 25.0  # mm that the map reaches beyond them
CHIN = 8  # landmark


def face_layout(model: MorphableModel, size: int) -> UVLayout:
    """The cylindrical layout (paper 3, eqs. 7 and 8) of a model's mean face, made once for each size.

    Args:
        model: the face model.
        size: side of the map in texels.

    Raises:
        BadInput: on a size below 2.
    """
    return _layout(ByIdentity(model), size)


@lru_cache(maxsize=8)
def _layout(key: ByIdentity, size: int) -> UVLayout:
    model = key.model
    landmarks = model.mean[model.landmarks]
    brows = landmarks[[*LANDMARK_GROUPS["right_brow"], *LANDMARK_GROUPS["left_brow"]], 1].max()
    hidden = torch.stack([model.regions[name] for name in LEFT_OUT]).sum(dim=0)
    return cylindrical_layout(
        model.mean,
        model.triangles,
        size,
        bottom=float(landmarks[CHIN, 1]) - BELOW_CHIN,
        top=float(brows) + ABOVE_BROWS,
        kept=hidden < 0.5,
    )
