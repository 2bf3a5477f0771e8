"""What pictures take from runs: photographs by scores, readings by weights, and commands for what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_records import use_made_runs, write_run

from facelib.papers.msma import PAPER
from facelib.papers.msma.metrics import CASES
from facelib.papers.msma.networks import build_network
from facelib.report.msma.conditions import GREY
from facelib.report.msma.material import Material
from facelib.report.records import open_runs
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run

pytestmark = pytest.mark.usefixtures("face_model")
SIZES = {"aflw": 20, "cases": 2 * len(CASES), "facewarehouse": 40}  # photographs of the smoke tier


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_made_runs(monkeypatch, tmp_path)


def make_run(method: str, larger: np.ndarray | float = 0.0) -> None:
    """A run without training, whose errors grow from photograph to photograph."""
    run, scores = Run("msma", method), {}
    for name, count in SIZES.items():
        scores[name] = np.arange(count) / 100 + larger
        scores[f"{name}_identity"] = np.arange(count) // (count // 2)
        scores[f"{name}_failed"] = np.zeros(count, bool)
    write_run(run, {}, scores, source="made")
    settings = PAPER.run_settings(method, "smoke")
    save_weights(run.weights, {"network": build_network(PAPER.method(method), settings)})


def opened() -> Material:
    return Material(open_runs("msma", "smoke"))


def test_without_runs_there_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert opened().there("msma", "base") == []
    printed = capsys.readouterr().out
    assert "facelib run msma msma --fold 0 --tier smoke" in printed
    assert "facelib run msma base" in printed


def test_photographs_are_typical_of_the_reference(capsys: pytest.CaptureFixture[str]) -> None:
    make_run("msma")
    make_run("mean_face")
    material = opened()
    labels = material.there("msma", "mean_face")
    assert labels == [PAPER.method(name).label for name in ("msma", "mean_face")]
    assert capsys.readouterr().out == ""

    hard, cases = material.aflw("MSMA"), material.ablation("MSMA", labels[1])
    pixels = hard.faces.images[hard.titles.index(GREY)]
    assert pixels[0].equal(pixels[1])
    assert cases.titles == tuple(name.replace("_", " ") for name in CASES[1:])
    assert cases.rows.tolist() == [1, 2, 3, 4]  # the lower of two people
    assert material.errors("cases", cases, labels)["MSMA"].tolist() == pytest.approx([0.01, 0.02, 0.03, 0.04])
    assert len(material.expressions("MSMA").titles) == 5
    assert material.custom("MSMA").titles[:2] == ("frontal", "uneven light")
    faces = material.read(cases, labels)
    assert {label: len(each) for label, each in faces.items()} == dict.fromkeys(labels, 4)
