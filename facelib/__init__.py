"""A reproducible companion to five papers on faces: models, losses, data and metrics in PyTorch.

`facelib.reconstruct(image)` gives the 3D face of a photograph; it is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "reconstruct":
        return importlib.import_module("facelib.reconstruction").reconstruct
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), "reconstruct"]
