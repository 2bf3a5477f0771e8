"""`facelib reconstruct`: a photograph in, meshes and pictures out, by a network that was never trained."""

from __future__ import annotations

import csv
import json
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
from untrained_run import make_untrained_run

from facelib.cli import main
from facelib.report.sadrnet.reconstruction_files import FILES
from facelib.runs.folders import WEIGHTS_FILE
from facelib.storage import read_json, write_json

BOX = "180,95,265,180"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    return make_untrained_run()


@pytest.fixture(scope="module")
def person() -> Path:
    """The photograph of a real person that scikit-image brings along."""
    return Path(skimage.__file__).parent / "data" / "astronaut.png"


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    matplotlib.image.imsave(path, np.random.default_rng(0).random((200, 300, 3)))
    return path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["reconstruct", *map(str, words)])


def refused(*words: object) -> str:
    result = call(*words)
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)  # a message, not an error that escaped
    return " ".join(result.output.split())


def test_a_real_person(run: Path, person: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "face"
    result = call(person, "--model", run, "-o", folder, "--box", BOX)

    assert result.exit_code == 0, result.output
    assert "trained on embedded faces only, smoke tier" in result.output
    assert "yaw +0.0, pitch +0.0, roll +0.0 degrees" in result.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert plt.get_fignums() == []

    told = json.loads((folder / "reconstruction.json").read_text())
    assert told["photograph"] == {"file": "astronaut.png", "width_px": 512, "height_px": 512}
    assert told["box_px"] == {"left": 180, "top": 95, "right": 265, "bottom": 180}
    assert told["pose_degrees"] == {"yaw": 0, "pitch": 0, "roll": 0}
    assert told["model"]["method"] == "regressed_pose"
    assert "trained on embedded faces only, smoke tier" in told["label"]
    for name in ("face.glb", "face.obj"):
        mesh = trimesh.load(folder / name, process=False, force="mesh")
        assert len(mesh.vertices) == told["mesh"]["vertices"]
        assert len(mesh.faces) == told["mesh"]["triangles"]
    with open(folder / "landmarks.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["landmark"]) for row in rows] == list(range(68))
    inner = [float(row["column_px"]) for row in rows[17:]]
    assert (min(inner) > 160, max(inner) < 285) == (True, True), (min(inner), max(inner))  # into the box, or nearly
    assert matplotlib.image.imread(folder / "overlay.png").shape[1] > 1000


def test_the_page_shows_the_face_in_a_browser(run: Path, person: Path, tmp_path: Path) -> None:
    call(person, "--model", run, "-o", tmp_path / "face", "--box", BOX)
    red, _, blue = np.moveaxis(screenshot(tmp_path / "face" / "face.html", tmp_path), 2, 0)
    skin = (red > 0.3) & (red > 1.15 * blue)
    height, width = skin.shape

    assert skin[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40].mean() > 0.6
    assert skin[:, :60].mean() < 0.05


def test_the_box_is_found(run: Path, person: Path, tmp_path: Path) -> None:
    result = call(person, "--model", "regressed_pose", "-o", tmp_path / "face")

    assert result.exit_code == 0, result.output
    box = json.loads((tmp_path / "face" / "reconstruction.json").read_text())["box_px"]
    assert list(box.values()) == pytest.approx([180, 90, 270, 180], abs=10)  # dlib's landmarks: 180, 88, 273, 179


def test_an_earlier_reconstruction_is_replaced_and_other_files_are_not(run: Path, noise: Path, tmp_path: Path) -> None:
    folder = tmp_path / "face"
    words = (noise, "--model", run, "-o", folder, "--box", "100,50,200,150")
    assert call(*words).exit_code == 0
    assert call(*words).exit_code == 0

    (folder / "reconstruction.json").unlink()
    (folder / "face.glb").write_text("mine")
    assert "holds face.glb, face.obj, landmarks.csv, overlay.png, face.html of somebody else" in refused(*words)
    assert (folder / "face.glb").read_text() == "mine"
    assert "is a file: give a folder" in refused(noise, "--model", run, "-o", noise)


def test_errors_are_one_message_and_nothing_is_made(run: Path, noise: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    speck = tmp_path / "speck.png"
    matplotlib.image.imsave(speck, np.zeros((1, 1, 3)))
    cases = {
        (noise, "--model", run, "--box", "1,2,3"): "'1,2,3': expected left,top,right,bottom in pixels",
        (noise, "--model", run, "--box", "9,9,9,20"): "the box 9,9,9,20 is empty",
        (noise, "--model", run, "--box", "9,nan,19,20"): "the box 9,nan,19,20 is not finite",
        (noise, "--model", run, "--box", "400,10,420,20"): "outside the photograph of 300 x 200 pixels",
        (
            noise,
            "--model",
            run,
            "--box",
            "10,10,20,20",
        ): "10,10,20,20 (left,top,right,bottom) has a side below 16",
        (speck, "--model", run, "--box", "0,0,20,20"): "the photograph has 1 x 1 pixels: expected at least 16 a side",
        (speck, "--model", run): "the photograph has 1 x 1 pixels: expected at least 16 a side",
        (noise, "--model", "sadrnett", "--box", BOX): "did you mean 'sadrnet'?",
        (
            noise,
            "--model",
            "sadrnet",
            "--tier",
            "smoke",
            "--box",
            BOX,
        ): "make it with `facelib run sadrnet sadrnet --fold 0 --tier smoke`",
        (noise, "--model", tmp_path / "away", "--box", BOX): "there is no run at",
        (tmp_path / "broken.jpg", "--model", run, "--box", BOX): "broken.jpg is",
        (tmp_path / "none.jpg", "--model", run, "--box", BOX): "none.jpg' does not exist",
    }
    for words, message in cases.items():
        assert message in refused(*words, "-o", tmp_path / "face")
    assert not (tmp_path / "face").exists()


def test_a_model_of_another_paper(run: Path, noise: Path, tmp_path: Path) -> None:
    record = read_json(run / "record.json", "")
    write_json(run / "record.json", record | {"paper": "joint_attention", "method": "jam_je"})

    message = refused(noise, "--model", run / WEIGHTS_FILE, "-o", tmp_path / "face", "--box", BOX)
    assert "a run of jam_je of joint_attention: faces are reconstructed by runs of sadrnet" in message


def test_a_network_of_another_order_of_size_is_not_built(run: Path, noise: Path, tmp_path: Path) -> None:
    record = read_json(run / "record.json", "")
    for name, value, message in (
        ("image_size", 8192, "network.image_size is 8192: expected 32 to 1024 pixels"),
        ("image_size", 0, "network.image_size is 0: expected 32 to 1024 pixels"),
        ("width", 1000.0, "network.width is 1000.0: expected a factor above 0, up to 2"),
    ):
        network = record["parameters"]["network"] | {name: value}
        changed = record | {"parameters": record["parameters"] | {"network": network}}
        write_json(run / "record.json", changed)
        assert message in refused(noise, "--model", run, "-o", tmp_path / "face", "--box", "100,50,200,150")


def test_without_a_face_a_box_is_enough(run: Path, noise: Path, tmp_path: Path) -> None:
    message = refused(noise, "--model", run, "-o", tmp_path / "face")
    assert "no face was found: give its box, from brows to chin, in pixels" in message
    assert "--box left,top,right,bottom" in message
    assert call(noise, "--model", run, "-o", tmp_path / "face", "--box", "100,50,200,150").exit_code == 0
