"""Every notebook that trains nothing runs as it is, and those of paper 1 that need runs with tiny ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_outputs import output_text
from tiny_runs import TINY, use_private_runs, use_tiny_data

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.joint_attention import train
from facelib.reproduction import execute, run
from facelib.runs.folders import project_folder, run_folder
from facelib.runs.records import read_record

NOTEBOOKS = project_folder() / "notebooks"
NEED_RUNS = ("train.ipynb", "tables.ipynb", "figures.ipynb")
STANDALONE = [path for path in sorted(NOTEBOOKS.rglob("*.ipynb")) if path.name not in NEED_RUNS]


@pytest.mark.parametrize("notebook", STANDALONE, ids=lambda path: path.relative_to(NOTEBOOKS).as_posix())
def test_a_notebook_without_training_gives_its_stored_values(notebook: Path, face_model: MorphableModel) -> None:
    words = ["--nbval-lax", "--nbval-cell-timeout=300", "-p", "no:cacheprovider", "-q", str(notebook)]
    # A notebook's kernel must not take itself for a worker of pytest-xdist.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], env=environment, cwd=NOTEBOOKS.parent, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout[-4000:]


@pytest.fixture(scope="module")
def tiny_data(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        yield


@pytest.fixture(scope="module")
def trained(tiny_data: None) -> None:
    """All runs of the tables; two of them by notebook, as `facelib run` makes them."""
    run("joint_attention", ["pretrain_ir18"], changes=TINY)
    for method in ("ir18", "jam"):
        train(method, changes=TINY | {"training.epochs": 1, "training.min_epochs": 1})
    run("joint_attention", ["jam_je"], changes=TINY)


@pytest.mark.parametrize("method", ["pretrain_ir18", "jam_je"])
def test_train(trained: None, method: str) -> None:
    folder = run_folder("joint_attention", "smoke", method, 0, 0)
    record = read_record(folder / "record.json")

    assert record.parameters["network"]["width"] == TINY["network.width"]
    text = output_text(folder / "train.ipynb")
    assert f"{record.metrics['auc']['value']:.3f}" in text
    assert "image/png" in text


def test_tables(trained: None, tmp_path: Path) -> None:
    source = NOTEBOOKS / "1_joint_attention" / "tables.ipynb"
    execute(source, tmp_path / "tables.ipynb", {"output": str(tmp_path / "out")})

    tables = {f"table_{number}.{ending}" for number in (1, 2, 3) for ending in ("md", "csv", "tex")}
    claims = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == tables | claims
    assert "JAM + JE | ours" in output_text(tmp_path / "tables.ipynb")


def test_figures(trained: None, tmp_path: Path) -> None:
    source = NOTEBOOKS / "1_joint_attention" / "figures.ipynb"
    parameters = {"changes": TINY, "tsne_people": 3, "output": str(tmp_path / "out")}
    execute(source, tmp_path / "figures.ipynb", parameters)

    names = {"tar_by_pose", "tar_by_backbone", "transfer", "roc", "tsne", "occlusion", "attention", "attention_on_face"}
    files = {f"{name}.{ending}" for name in names for ending in ("png", "pdf", "csv")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == files | {"manifest.json", "tsne_separation.csv"}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest.keys() == names
    assert {entry["tier"] for entry in manifest.values()} == {"smoke"}
    text = output_text(tmp_path / "figures.ipynb")
    assert text.count("image/png") == len(names) + 1  # the interactive curves carry a still picture
    assert "vnd.plotly" in text
    assert "without a run: CrossPoint" in text
