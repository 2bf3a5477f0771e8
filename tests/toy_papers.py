"""The toy papers (folder toy_paper) among the papers, for the tests that ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_runs import use_private_cache, use_private_runs

import facelib.papers

TOY_FOLDER = Path(__file__).parent / "toy_paper"


def use_toy_papers(patch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    """Let only these papers be there, with data and runs in this folder."""
    patch.setattr(facelib.papers, "PAPERS", names)
    patch.setattr(facelib.papers, "__path__", [*facelib.papers.__path__, str(TOY_FOLDER)])
    use_private_cache(patch, folder / "cache")
    use_private_runs(patch, folder / "runs")
