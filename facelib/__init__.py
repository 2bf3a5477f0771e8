"""A reproducible companion to five papers on faces: models, losses, data and metrics in PyTorch.

`facelib.reconstruct(image)` gives the 3D face of a photograph, `facelib.fit(image)` the coefficients of a face model
that look like it, `facelib.reconstruct_depth(frame, intrinsics)` the head of a depth frame, and
`facelib.identify(scan, gallery)` says whom a scan resembles; they are imported when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"


_MODULES = {
    "reconstruct": "facelib.reconstruction",
    "fit": "facelib.face_fitting",
    "reconstruct_depth": "facelib.depth_reconstruction",
    "identify": "facelib.identification",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_MODULES]
