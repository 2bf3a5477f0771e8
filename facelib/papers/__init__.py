"""One package a paper, floor 4: its tiers and methods, how one run is trained and judged, its printed numbers.

Every paper package offers NUMBER, TITLE, FOLDER (of notebooks and figures), HEADLINE (its first metric), METHODS,
TIERS, `settings_of(tier)`, `prepare(tier)`, `train(method, ...)` and `data_fingerprint(method, tier)`; importing it is
cheap, torch comes with the first training.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from facelib.errors import unknown_name

PAPERS: tuple[str, ...] = ("joint_attention",)


def load_paper(name: str) -> ModuleType:
    """The package of a paper.

    Raises:
        UnknownName: when there is no such paper.
    """
    if name not in PAPERS:
        raise unknown_name("paper", name, PAPERS)
    return importlib.import_module(f"facelib.papers.{name}")
