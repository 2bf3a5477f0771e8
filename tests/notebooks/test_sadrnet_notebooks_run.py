"""The notebooks of paper 3 that need runs, with tiny ones; a file of its own, so that workers share the kernels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_outputs import output_text
from tiny_runs import TINY_FACES, use_private_runs, use_tiny_data

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.sadrnet import train
from facelib.reproduction import execute, run
from facelib.runs.folders import project_folder, run_folder
from facelib.runs.records import read_record

NOTEBOOKS = project_folder() / "notebooks" / "3_sadrnet"
TINY = TINY_FACES | {"evaluation.florence": 2}  # intervals draw from two people at least


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    """What encoders start from, the baseline and two networks; one of them by notebook, as `facelib run` makes it."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        for method in ("landmark_reader", "mean_face", "no_attention"):
            train(method, changes=TINY | {"training.epochs": 1})
        run("sadrnet", ["sadrnet"], changes=TINY)
        yield


def test_train(trained: None) -> None:
    folder = run_folder("sadrnet", "smoke", "sadrnet", 0, 0)
    record = read_record(folder / "record.json")

    assert record.parameters["network"]["width"] == TINY["network.width"]
    text = output_text(folder / "train.ipynb")
    assert f"{100 * record.metrics['sparse_2d']['value']:.2f}" in text
    assert "image/png" in text


def test_tables(trained: None, tmp_path: Path) -> None:
    execute(NOTEBOOKS / "tables.ipynb", tmp_path / "tables.ipynb", {"output": str(tmp_path / "out")})

    tables = {f"table_{number}.{ending}" for number in range(1, 6) for ending in ("md", "csv", "tex")}
    claims = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == tables | claims
    text = output_text(tmp_path / "tables.ipynb")
    assert "SADRNet | ours" in text
    assert "16 at once" in text
    assert "of 2 networks find landmarks better than the mean face" in text


def test_figures(trained: None, tmp_path: Path) -> None:
    execute(NOTEBOOKS / "figures.ipynb", tmp_path / "figures.ipynb", {"output": str(tmp_path / "out")})

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {"position_map", "annotation", "error_curves", "occlusion"} <= manifest.keys()
    assert {entry["tier"] for entry in manifest.values()} == {"smoke"}
    for name in manifest:
        assert all((tmp_path / "out" / f"{name}.{ending}").exists() for ending in ("png", "pdf", "csv"))
    assert "facelib run sadrnet direct" in output_text(tmp_path / "figures.ipynb")
