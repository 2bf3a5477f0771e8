"""Distances to dlib's landmarks, by hand and on photographs, and the way from its convention to ours."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from click.testing import CliRunner
from PIL import Image
from tiny_runs import use_private_runs
from untrained_run import make_untrained_run

from facelib import landmark_comparison
from facelib.cli import main
from facelib.data.given_images import as_photograph
from facelib.data.photographs import FaceBox, Photograph
from facelib.errors import BadInput, MissingPart
from facelib.face_fitting import fit
from facelib.landmark_comparison import (
    Comparison,
    compare_folder,
    distance,
    dlib_landmarks,
    landmark_reader,
    summaries,
    translated,
)

EXAMPLES = Path(skimage.__file__).parent / "data"
BOX = FaceBox(179, 87, 272, 178)


def made_landmarks() -> torch.Tensor:
    """Eye corners at 10, 40 and 50, 40; the nose's tip a quarter of their distance below their middle."""
    landmarks = torch.rand(68, 2, generator=torch.Generator().manual_seed(0)) * 60
    landmarks[36], landmarks[45], landmarks[30] = torch.tensor([[10.0, 40], [50, 40], [30, 50]])
    return landmarks


def test_a_distance_by_hand() -> None:
    """All inner landmarks 6 right and 8 down: 10 pixels, of 40 between the eyes; the outline does not count."""
    theirs = made_landmarks()
    ours = theirs + torch.tensor([6.0, 8.0])
    ours[:17] += 1000

    assert distance(ours, theirs) == pytest.approx(0.25)
    assert distance(ours, theirs, unit=2 * theirs) == pytest.approx(0.125)


@pytest.mark.parametrize("turn", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_a_translation_turns_and_grows_with_the_face(turn: float, scale: float) -> None:
    """A tenth of the distance of the eyes along their line, and as far down as the nose's tip is: a quarter."""
    theirs = made_landmarks()
    translation = torch.zeros(3, 51, 2)
    translation[0, :, 0] = 0.1
    translation[2, :, 1] = 1.0
    wanted = theirs.clone()
    wanted[17:] += torch.tensor([4.0, 10.0])
    cosine, sine = math.cos(turn), math.sin(turn)
    move = scale * torch.tensor([[cosine, -sine], [sine, cosine]])

    moved = translated(theirs @ move.T + 300, translation)
    torch.testing.assert_close(moved, wanted @ move.T + 300, atol=1e-3, rtol=0)


def test_the_landmarks_of_a_person() -> None:
    pytest.importorskip("dlib")
    person = as_photograph(EXAMPLES / "astronaut.png")
    found = dlib_landmarks(person, BOX)

    assert found is not None
    assert [*found.amin(dim=0).tolist(), *found.amax(dim=0).tolist()] == pytest.approx(BOX.corners, abs=3)
    half = Photograph(torch.nn.functional.avg_pool2d(person.pixels, 2), reduction=2.0)
    of_half = dlib_landmarks(half, BOX)
    assert of_half is not None
    assert float((found - of_half).norm(dim=1).mean()) < 4
    assert dlib_landmarks(person, FaceBox(20, 300, 120, 400)) is None


def test_every_face_of_a_photograph_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(landmark_comparison, "fitted_translation", lambda: torch.zeros(3, 51, 2))
    alone = np.asarray(Image.open(EXAMPLES / "astronaut.png"))[:300, 100:400]
    (tmp_path / "alone").mkdir()
    (tmp_path / "twice").mkdir()
    Image.fromarray(alone).save(tmp_path / "alone" / "astronaut.png")
    Image.fromarray(np.concatenate([alone, alone], axis=1)).save(tmp_path / "twice" / "astronauts.png")
    reader = landmark_reader(str(make_untrained_run()))
    (one,) = compare_folder(tmp_path / "alone", {"it": reader})["it"]
    both = compare_folder(tmp_path / "twice", {"it": reader})["it"]

    assert one.name == "astronaut.png"
    assert [each.name for each in both] == ["astronauts.png, face 1", "astronauts.png, face 2"]
    # Cut out elsewhere by a pixel.
    assert [each.as_they_are for each in both] == pytest.approx([one.as_they_are] * 2, abs=0.03)


def test_the_command_says_of_each_photograph_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(landmark_comparison, "fitted_translation", lambda: torch.zeros(3, 51, 2))
    folder = tmp_path / "people"
    folder.mkdir()
    for name in ("astronaut.png", "brick.png"):
        shutil.copy(EXAMPLES / name, folder)
    (folder / "notes.txt").write_text("no photograph")
    words = ["compare-landmarks", str(folder), "--model", str(make_untrained_run())]
    told = {each["name"]: each for each in json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)}

    assert set(told) == {"astronaut.png", "brick.png"}
    assert told["astronaut.png"]["as_they_are"] == told["astronaut.png"]["translated"]
    assert 0.02 < told["astronaut.png"]["as_they_are"] < 0.5  # a mean face, untrained
    assert told["brick.png"]["why_not"] == "dlib sees no face there"
    assert "mean of 1 " in CliRunner().invoke(main, words).output
    empty = tmp_path / "empty"
    empty.mkdir()
    refused = CliRunner().invoke(main, ["compare-landmarks", str(empty), *words[2:]])
    assert "holds no photograph: expected files ending in" in refused.output


def test_a_fitted_face_has_landmarks_too() -> None:
    """The astronaut's, as `facelib.fit` reads them before it refines, and near those of SADRNet."""
    person = as_photograph(EXAMPLES / "astronaut.png")
    told = landmark_reader("msma")(person)

    torch.testing.assert_close(told, fit(person, refine=False).landmarks)
    assert distance(told, landmark_reader()(person)) < 0.2


def test_models_are_compared_on_the_faces_that_all_have() -> None:
    """The second is 0.03 further off on each of three faces; on the fourth the first one has nothing."""
    distances = {"first": (0.05, 0.07, 0.12, None), "second": (0.08, 0.10, 0.15, 0.9)}
    told = summaries({name: [Comparison("face", 0.0, each) for each in row] for name, row in distances.items()})

    assert [each.faces for each in told.values()] == [3, 3]
    assert [each.mean for each in told.values()] == pytest.approx([0.08, 0.11])
    assert [each.median for each in told.values()] == pytest.approx([0.07, 0.10])
    assert told["first"].difference is None
    interval = told["second"].difference
    assert interval is not None
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((0.03, 0.03, 0.03))
    with pytest.raises(BadInput, match="1 face on which all models can be compared"):
        summaries({name: [Comparison("face", 0.0, each) for each in row[2:]] for name, row in distances.items()})


def test_several_models_are_a_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    use_private_runs(monkeypatch, tmp_path / "runs")
    monkeypatch.setattr(landmark_comparison, "fitted_translation", lambda: torch.zeros(3, 51, 2))
    for name in ("first", "second"):
        shutil.copy(EXAMPLES / "astronaut.png", tmp_path / f"{name}.png")
    models = ("sadrnet", str(make_untrained_run()))
    words = ["compare-landmarks", str(tmp_path), *(word for model in models for word in ("--model", model))]
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    lines = CliRunner().invoke(main, words).output.splitlines()

    assert list(told) == list(models)
    assert told["sadrnet"]["mean"] < told[models[1]]["mean"]  # which is untrained
    assert told[models[1]]["difference"]["low"] > 0
    assert [line.split()[0] for line in lines] == ["model", *models]


def test_without_dlib_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    landmark_comparison._dlib.cache_clear()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingPart, match="landmarks are compared with dlib's, which is missing: pip install"):
        dlib_landmarks(Photograph(torch.zeros(3, 20, 20)), BOX)
