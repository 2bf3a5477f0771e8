"""One package a paper, floor 4: its methods and tiers, how one run is trained and evaluated, its printed numbers.

paper       the contract: what a paper's package gives
run         train, evaluate, load and prepare, the same for every paper
status      which runs are current, outdated, committed or missing, and why
trained     networks of runs that read photographs, and those that ship; shipping: their cards
component_networks   the three networks of paper 2 as they ship, which `facelib identify` asks
datasets    every data set by name
published   the papers' printed numbers
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from facelib.errors import unknown_name

if TYPE_CHECKING:
    from facelib.papers.paper import Paper

PAPERS: tuple[str, ...] = ("joint_attention", "sadrnet", "msma")


def load_paper(name: str) -> Paper:
    """A paper by the name of its package.

    Raises:
        UnknownName: when there is no such paper.
    """
    if name not in PAPERS:
        raise unknown_name("paper", name, PAPERS)
    return importlib.import_module(f"facelib.papers.{name}").PAPER
