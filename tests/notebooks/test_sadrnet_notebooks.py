"""The notebooks of paper 3 that need runs, with tiny ones; a file of its own, so that workers share the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_outputs import execute_together, output_text
from tiny_runs import TINY_FACES, use_private_runs, use_tiny_data

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.run import train
from facelib.papers.status import needed_runs
from facelib.reproduction import make
from facelib.runs.folders import Run, project_folder
from facelib.runs.records import read_record
from facelib.storage import read_json

NOTEBOOKS = project_folder() / "notebooks" / "3_sadrnet"
TINY = TINY_FACES | {"evaluation.florence": 2}  # intervals resample two people at least


def tiny_run(method: str) -> Run:
    return Run("sadrnet", method, changes=TINY)


pytestmark = pytest.mark.slow  # paper 1 shows the same in every `make test`


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    """What encoders start from, the baseline and two networks; one of them by notebook, as `facelib run` makes it."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        first = needed_runs(tiny_run("sadrnet")).values()
        for run in (*first, *map(tiny_run, ("mean_face", "no_attention"))):
            train(run, say=lambda text: None)
        make([tiny_run("sadrnet")], say=lambda text: None)
        yield


@pytest.fixture(scope="module")
def executed(trained: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the executed notebooks and what they wrote."""
    folder = tmp_path_factory.mktemp("executed")
    names = ("tables", "figures")
    notebooks = [(NOTEBOOKS / f"{name}.ipynb", {"tier": "smoke", "output": str(folder / name)}) for name in names]
    execute_together(notebooks, folder)
    return folder


def test_train(trained: None) -> None:
    run = tiny_run("sadrnet")
    record = read_record(run.record)

    assert record.parameters["network"]["width"] == TINY["network.width"]
    text = output_text(run.folder / "train.ipynb")
    assert f"{100 * record.metrics['sparse_2d']['value']:.2f}" in text
    assert "kept the weights of the last epoch" in text
    assert "image/png" in text


def test_tables(executed: Path) -> None:
    tables = {f"table_{number}.{ending}" for number in [*"12345", "shape", "ict"] for ending in ("md", "csv", "tex")}
    claims = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in (executed / "tables").iterdir()} == tables | claims
    text = output_text(executed / "0-tables.ipynb")
    assert "SADRNet | ours" in text
    assert "16 at once" in text
    assert "of 2 networks find landmarks better than the mean face" in text
    assert "No verdict: 20 of 20." in text


def test_figures(executed: Path) -> None:
    folder = executed / "figures"
    manifest = read_json(folder / "manifest.json", "")
    assert {"position_map", "annotation", "masks", "error_curves", "error_by_yaw", "occlusion"} <= manifest.keys()
    assert {entry["tier"] for entry in manifest.values()} == {"smoke"}
    for name in manifest:
        assert all((folder / f"{name}.{ending}").exists() for ending in ("png", "pdf", "csv"))
    assert "facelib run sadrnet direct" in output_text(executed / "1-figures.ipynb")
