"""Notebooks that need no run give their stored values."""

from __future__ import annotations

import os
import subprocess
import sys

from facelib.faces.morphable_model import MorphableModel
from facelib.runs.folders import project_folder

NOTEBOOKS = project_folder() / "notebooks"
NEED_RUNS = ("train.ipynb", "tables.ipynb", "figures.ipynb")


def test_notebooks_without_runs_give_their_stored_values(face_model: MorphableModel) -> None:
    standalone = [str(path) for path in sorted(NOTEBOOKS.rglob("*.ipynb")) if path.name not in NEED_RUNS]
    # A notebook's kernel must not take itself for a worker of pytest-xdist.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    words = ["--nbval-lax", "--nbval-cell-timeout=300", "-p", "no:cacheprovider", "-q", *standalone]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], env=environment, cwd=NOTEBOOKS.parent, capture_output=True, text=True
    )

    assert len(standalone) == 6
    assert done.returncode == 0, done.stdout[-4000:]
