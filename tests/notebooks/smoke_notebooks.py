"""Execute a paper's notebooks on runs of the smoke tier, in tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from notebook_outputs import execute_together
from tiny_runs import use_private_runs, use_tiny_data

from facelib.papers.paper import Paper
from facelib.papers.run import train
from facelib.runs.folders import Run, project_folder


def execute_from_runs(
    paper: Paper,
    runs: Iterable[Run],
    tmp_path_factory: pytest.TempPathFactory,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Make runs, and execute train, tables and figures on them in one kernel.

    Args:
        paper: whose notebooks.
        runs: of the smoke tier, in an order in which they can be made.
        tmp_path_factory: of pytest.
        parameters: of notebooks, by their names, besides the tier; paths are of files in the folder.

    Returns:
        A folder with the executed copies; tables and figures have written into folders of their names in it.
    """
    folder, notebooks = tmp_path_factory.mktemp("executed"), project_folder() / "notebooks" / paper.folder
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        for run in runs:
            train(run, say=lambda text: None)
        chosen: dict[str, dict[str, Any]] = {"train": {}}
        chosen |= {name: {"tier": "smoke", "output": str(folder / name)} for name in ("tables", "figures")}
        for name, values in (parameters or {}).items():
            chosen[name] |= {key: str(folder / v) if isinstance(v, Path) else v for key, v in values.items()}
        execute_together([(notebooks / f"{name}.ipynb", values) for name, values in chosen.items()], folder)
    return folder
