"""The notebooks of paper 1 that need runs, with tiny ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from notebook_outputs import execute_together, output_text
from tiny_runs import TINY, use_private_runs, use_tiny_data

from facelib.faces.morphable_model import MorphableModel
from facelib.papers.run import train
from facelib.papers.status import needed_runs
from facelib.reproduction import make
from facelib.runs.folders import Run, project_folder
from facelib.runs.records import read_record
from facelib.storage import read_json

NOTEBOOKS = project_folder() / "notebooks" / "1_joint_attention"


def tiny_run(method: str) -> Run:
    return Run("joint_attention", method, changes=TINY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    """A pretraining and three methods of the tables; one of them by notebook, as `facelib run` makes it."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("notebook_runs"))
        first = needed_runs(tiny_run("jam_je")).values()
        for run in (*first, *map(tiny_run, ("ir18", "jam"))):
            train(run, say=lambda text: None)
        make([tiny_run("jam_je")], say=lambda text: None)
        yield


@pytest.fixture(scope="module")
def executed(trained: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the executed notebooks and what they wrote."""
    folder = tmp_path_factory.mktemp("executed")
    notebooks = [
        (NOTEBOOKS / "tables.ipynb", {"tier": "smoke", "output": str(folder / "tables")}),
        (NOTEBOOKS / "figures.ipynb", {"tier": "smoke", "output": str(folder / "figures"), "tsne_people": 3}),
    ]
    execute_together(notebooks, folder)
    return folder


def test_train(trained: None) -> None:
    run = tiny_run("jam_je")
    record = read_record(run.record)

    assert record.parameters["network"]["embedding"] == TINY["network.embedding"]
    text = output_text(run.folder / "train.ipynb")
    assert f"{record.metrics['auc']['value']:.3f}" in text
    assert "gamma (last epoch)" in text
    assert "kept the weights of the last epoch" in text
    assert "image/png" in text


def test_tables(executed: Path) -> None:
    tables = {f"table_{number}.{ending}" for number in (1, 2, 3) for ending in ("md", "csv", "tex")}
    claims = {"claims.json", "claims.csv", "claims.png", "claims.pdf", "manifest.json"}
    assert {path.name for path in (executed / "tables").iterdir()} == tables | claims
    text = output_text(executed / "0-tables.ipynb")
    assert "JAM + JE | ours" in text
    assert "facescape.identities=21" in text, "settings other than the tier's are said"
    assert "CrossPoint: no run, `facelib run joint_attention crosspoint --fold 0 --tier smoke`" in text
    assert "No verdict: 28 of 28." in text
    assert "4 runs" in text


def test_figures(executed: Path) -> None:
    names = {
        "tar_by_pose",
        "tar_by_backbone",
        "transfer",
        "roc",
        "tsne",
        "occlusion",
        "attention",
        "attention_on_face",
    } | {"attention_course"}
    files = {f"{name}.{ending}" for name in names for ending in ("png", "pdf", "csv")}
    folder = executed / "figures"
    assert {path.name for path in folder.iterdir()} == files | {"manifest.json", "tsne_separation.csv"}
    manifest = read_json(folder / "manifest.json", "")
    assert manifest.keys() == names
    assert {entry["tier"] for entry in manifest.values()} == {"smoke"}
    text = output_text(executed / "1-figures.ipynb")
    assert text.count('"image/png": "') == len(names) + 1  # the interactive curves carry a still picture
    assert "vnd.plotly" in text
    assert "CrossPoint: no run, `facelib run joint_attention crosspoint" in text
    assert "of the attention is on the face" in text
