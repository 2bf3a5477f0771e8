"""Every test of a reader has a cache of its own, and an empty folder for a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from facelib.faces.morphable_model import MorphableModel
from facelib.storage import CACHE_VARIABLE, cache_folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel) -> Path:
    """An empty cache but for the baked faces, which are the user's."""
    baked = cache_folder() / "faces"
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "faces").symlink_to(baked)
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "given"
    place.mkdir()
    return place
