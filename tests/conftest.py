"""What all tests share: where runs go, how many threads a worker takes, and the baked face model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

# Before torch is imported: two workers of pytest-xdist with all threads each would only get in each other's way.
# Numba keeps its own count, since a race between threads shows only where there are several.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

import hypothesis
import matplotlib
import pytest

from facelib.runs.folders import RUNS_VARIABLE

if TYPE_CHECKING:
    from facelib.faces.morphable_model import MorphableModel

# Called, not set as MPLBACKEND: the kernels of notebooks inherit the environment and must draw inline.
matplotlib.use("Agg")

# A slow or busy machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the runs of tests out of the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RUNS_VARIABLE, str(tmp_path_factory.mktemp("runs")))
        yield


@pytest.fixture(autouse=True)
def figures_closed() -> Iterator[None]:
    """Leave no figure of a test to the next one, which may count those of the code that it calls."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def face_model(tmp_path_factory: pytest.TempPathFactory) -> MorphableModel:
    """The coarse face model from the user's cache; where there is none, one worker bakes it and the others wait."""
    from filelock import FileLock

    from facelib.faces.baking import load_face_model

    shared_by_workers = tmp_path_factory.getbasetemp().parent
    with FileLock(shared_by_workers / "face_model.lock"):
        return load_face_model("coarse")


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[MorphableModel]:
    """Heads of our own, a tenth longer, in the place of imported ones."""
    from made_ict import use_other_heads

    with pytest.MonkeyPatch.context() as patch:
        yield use_other_heads(patch, tmp_path_factory.mktemp("heads"), face_model)


@pytest.fixture
def with_normal_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paper 2 among the papers, where it will stand once its laptop tier has runs."""
    _register(monkeypatch, "normal_components")


@pytest.fixture
def with_depth_adaptation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paper 4 among the papers, as paper 2."""
    _register(monkeypatch, "depth_adaptation")


def _register(monkeypatch: pytest.MonkeyPatch, paper: str) -> None:
    import facelib.papers

    monkeypatch.setattr(facelib.papers, "PAPERS", (*facelib.papers.PAPERS, paper))
