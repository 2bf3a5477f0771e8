"""`facelib fit`: a photograph in, a face model's coefficients and pictures out, by a network that was never trained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
import skimage
import trimesh
from browser import screenshot
from click.testing import CliRunner, Result
from tiny_runs import use_private_runs
from untrained_reader import make_untrained_reader

from facelib.cli import main
from facelib.report.msma.fit_files import FILES

PERSON = Path(skimage.__file__).parent / "data" / "astronaut.png"
DLIB_EYES = ((203.5, 101.7), (246.8, 103.7))  # middles of her eyes as dlib finds them, pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """What the command makes of the photograph that scikit-image brings along."""
    folder = tmp_path_factory.mktemp("fit")
    with pytest.MonkeyPatch.context() as patch:
        use_private_runs(patch, folder / "runs")
        make_untrained_reader()
        return folder / "out", call(PERSON, "--model", "msma", "--tier", "smoke", "-o", folder / "out")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["fit", *map(str, words)])


def refused(*words: object) -> str:
    result = call(*words)
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)  # a message, not an error that escaped
    return " ".join(result.output.split())


def test_a_real_person(made: tuple[Path, Result]) -> None:
    folder, result = made
    assert result.exit_code == 0, result.output
    assert "MSMA, refined by direct fitting (network trained on embedded faces only, smoke tier" in result.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert plt.get_fignums() == []

    told = json.loads((folder / "coefficients.json").read_text())
    assert told["photograph"] == {"file": "astronaut.png", "width_px": 512, "height_px": 512}
    assert told["model"]["method"] == "msma"
    assert len(told["model"]["weights_sha256"]) == 64
    counts = {name: len(each["values"]) for name, each in told["coefficients"].items()}
    assert counts == {"identity": 80, "expression": 52, "albedo": 80, "angles": 3, "translation": 3, "light": 27}
    landmarks = np.array(told["landmarks_px"])
    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    assert np.linalg.norm(np.array(eyes) - DLIB_EYES, axis=1).max() < 4  # of 512 pixels; they lie 43 apart

    mesh = trimesh.load(folder / "face.glb", process=False, force="mesh")
    assert len(mesh.vertices) > 30_000
    assert 100 < np.ptp(mesh.vertices[:, 0]) < 220  # mm
    assert matplotlib.image.imread(folder / "relit.png").shape[1] > 1500
    assert matplotlib.image.imread(folder / "turned.png").shape[1] > 1500


def test_the_overlay_is_the_photograph_outside_the_face(made: tuple[Path, Result]) -> None:
    before = matplotlib.image.imread(PERSON)
    after = matplotlib.image.imread(made[0] / "overlay.png")[..., :3]

    assert after.shape == before.shape
    changed = np.argwhere(np.abs(after - before).max(axis=2) > 0.02)
    assert (changed.min(axis=0) > (40, 150)).all()
    assert (changed.max(axis=0) < (210, 300)).all()
    assert len(changed) > 5000


def test_the_page_needs_no_network_and_shows_the_face(made: tuple[Path, Result], tmp_path: Path) -> None:
    page = made[0] / "page.html"
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page.read_text())

    red, _, blue = np.moveaxis(screenshot(page, tmp_path), 2, 0)
    height, width = red.shape
    skin = (red > 0.3) & (red > 1.15 * blue)
    assert skin[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40].mean() > 0.6


def test_an_earlier_fit_is_drawn_again_and_other_files_stay(made: tuple[Path, Result], tmp_path: Path) -> None:
    coefficients, folder = made[0] / "coefficients.json", tmp_path / "again"
    result = call(PERSON, "--from", coefficients, "-o", folder)
    assert result.exit_code == 0, result.output
    for name in ("coefficients.json", "face.glb", "overlay.png"):
        assert (folder / name).read_bytes() == (made[0] / name).read_bytes(), name

    (folder / "coefficients.json").unlink()
    assert "holds face.glb, overlay.png, relit.png, turned.png, page.html of somebody else" in refused(
        PERSON, "--from", coefficients, "-o", folder
    )
    assert "--from needs no network" in refused(PERSON, "--from", coefficients, "--box", "1,2,3,4", "-o", folder)


def test_errors_are_one_message_and_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, tmp_path / "runs")
    run, noise = make_untrained_reader(), tmp_path / "noise.png"
    matplotlib.image.imsave(noise, np.random.default_rng(0).random((200, 300, 3)))
    (tmp_path / "broken.json").write_text("{}")
    cases = {
        (noise, "--box", "1,2,3"): "'1,2,3': expected left,top,right,bottom in pixels",
        (noise, "--model", run): "no face was found: give its box, from brows to chin",
        (noise, "--model", run, "--box", "400,10,420,40"): "outside the photograph of 300 x 200 pixels",
        (noise, "--model", "base", "--tier", "laptop"): "`facelib run msma base --fold 0 --tier laptop`",
        (noise, "--model", "msna"): "did you mean 'msma'?",
        (noise, "--from", tmp_path / "broken.json"): "holds no checksum",
    }
    for words, message in cases.items():
        assert message in refused(*words, "-o", tmp_path / "face"), message
    assert not (tmp_path / "face").exists()


def test_help() -> None:
    text = call("--help").output
    assert all(word in text for word in ("--refine / --no-refine", "--box L,T,R,B", "--from FILE", "--model NAME"))
