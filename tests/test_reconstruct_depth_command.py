"""`facelib reconstruct-depth`: a depth frame in, a head in the camera's frame out, by networks without training.

These read the mean face, looking ahead from where the head was found, so that every number is known.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import trimesh
from click.testing import CliRunner, Result
from made_depth import INTRINSICS, PLACE, make_untrained_depth_run, whole_frame, write_biwi
from PIL import Image
from tiny_runs import use_private_runs

import facelib
from facelib.cli import main
from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, DegenerateInput, MissingPart
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.report.depth_adaptation.reconstruction_files import FILES

pytestmark = pytest.mark.usefixtures("face_model", "with_depth_adaptation")
CAMERA = ",".join(map(str, INTRINSICS))
BOTH = ("--model", "dashapenet", "--pose-model", "dapose", "--tier", "smoke")


@pytest.fixture(scope="module", autouse=True)
def runs(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        use_private_runs(patch, tmp_path_factory.mktemp("depth_runs"))
        for method in ("dashapenet", "dapose"):
            make_untrained_depth_run(method)
        yield


@pytest.fixture(scope="module")
def made(runs: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("depth")
    frame = write_biwi(folder / "frame_00003_depth.bin", whole_frame().numpy())
    return folder / "out", call(frame, "--intrinsics", CAMERA, *BOTH, "-o", folder / "out")


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["reconstruct-depth", *map(str, words)])


def refused(*words: object) -> str:
    result = call(*words)
    assert result.exit_code in (1, 2), result.output
    assert isinstance(result.exception, SystemExit)  # a message, not an error that escaped
    return " ".join(result.output.split())


def read(depth: torch.Tensor | np.ndarray, intrinsics: tuple[float, ...] = INTRINSICS, **options: object) -> object:
    return facelib.reconstruct_depth(np.asarray(depth), intrinsics, model="dashapenet", pose_model="dapose", **options)


def test_a_frame_of_biwi(made: tuple[Path, Result]) -> None:
    folder, result = made
    assert result.exit_code == 0, result.output
    assert "shape by DASHapeNet, pose by DAPoseNet (networks trained on embedded faces only, smoke" in result.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert plt.get_fignums() == []
    told = json.loads((folder / "reconstruction.json").read_text())
    assert told["frame"]["intrinsics_px"] == dict(zip(("fx", "fy", "cx", "cy"), INTRINSICS, strict=True))
    assert list(told["pose_degrees"]) == ["yaw", "pitch", "roll"]
    assert list(told["pose_degrees"].values()) == pytest.approx([0, 0, 0], abs=1e-3)
    assert {kind: origin["method"] for kind, origin in told["model"].items()} == {
        "shape": "dashapenet",
        "pose": "dapose",
    }
    assert matplotlib.image.imread(folder / "overlay.png").shape[1] > 1500


@pytest.mark.parametrize("file", ["face.obj", "face.glb"])
def test_meshes_lie_in_the_camera_frame(made: tuple[Path, Result], file: str) -> None:
    """The mean face turned to the camera's axes, where the head stands, in mm."""
    mesh = trimesh.load(made[0] / file, process=False, force="mesh")
    told = json.loads((made[0] / "reconstruction.json").read_text())
    middle = np.array(told["pose"]["translation_mm"])
    assert np.linalg.norm(middle - PLACE) < 15
    expected = face_surface().mean.numpy() @ np.array(FACE_TO_CAMERA).T + middle
    np.testing.assert_allclose(mesh.vertices, expected, atol=0.01)
    inside = trimesh.Trimesh(mesh.vertices, mesh.faces).vertex_normals
    nose = mesh.vertices[:, 2].argmin()
    assert inside[nose, 2] < -0.5  # triangles look out of the head, to the camera


def test_the_page_needs_no_network(made: tuple[Path, Result]) -> None:
    page = (made[0] / "face.html").read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert "the sensor\\u0027s points" in page or "the sensor's points" in page


def test_landmarks_are_those_of_the_mesh(made: tuple[Path, Result]) -> None:
    told = json.loads((made[0] / "reconstruction.json").read_text())
    mesh = trimesh.load(made[0] / "face.obj", process=False, force="mesh")
    x, y, z = mesh.vertices[face_surface().landmarks.numpy()].T
    expected = np.stack((INTRINSICS[0] * x / z + INTRINSICS[2], INTRINSICS[1] * y / z + INTRINSICS[3]), axis=1)
    np.testing.assert_allclose(np.array(told["landmarks_px"]), expected, atol=0.02)


def test_other_files_stay(made: tuple[Path, Result], tmp_path: Path) -> None:
    frame = write_biwi(tmp_path / "frame.bin", whole_frame().numpy())
    (tmp_path / "face.obj").write_text("somebody else's")
    said = refused(frame, "--intrinsics", CAMERA, *BOTH, "-o", tmp_path)
    assert "holds face.obj of somebody else" in said


def test_bad_words(tmp_path: Path) -> None:
    frame = write_biwi(tmp_path / "frame.bin", whole_frame().numpy())
    Image.fromarray((whole_frame().numpy() / 16).clip(0, 255).astype(np.uint8)).save(tmp_path / "grey.png")
    (tmp_path / "frame.tiff").write_text("")
    cases = {
        (frame, "--intrinsics", "575,575,320"): "expected fx,fy,cx,cy in pixels",
        (frame, "--intrinsics", "575,575,320,left"): "expected fx,fy,cx,cy in pixels",
        (frame, "--intrinsics", "-5,575,320,240", *BOTH): "focal",
        (frame, "--intrinsics", "nan,575,320,240", *BOTH): "expected finite numbers of pixels",
        (frame,): "Missing option '--intrinsics'",
        (frame, "--intrinsics", CAMERA): "make one with `facelib run depth_adaptation dashapenet --tier laptop`",
        (frame, "--intrinsics", CAMERA, *BOTH, "--nose", "5"): "expected column,row of a pixel",
        (frame, "--intrinsics", CAMERA, *BOTH, "--nose", "5,900"): "lies outside the frame of 640 x 480 pixels",
        (tmp_path / "grey.png", "--intrinsics", CAMERA, *BOTH): "has 8 bits a pixel (L): depth in mm needs 16",
        (tmp_path / "frame.tiff", "--intrinsics", CAMERA, *BOTH): "unknown kind of depth frame 'frame.tiff'",
    }
    for words, message in cases.items():
        assert message in refused(*words, "-o", tmp_path / "face"), words
    assert not (tmp_path / "face").exists()


def test_a_pose_network_is_asked_for_by_its_own_option() -> None:
    with pytest.raises(MissingPart, match="choose it with --pose-model dapose --tier laptop, or pose_model= its"):
        facelib.reconstruct_depth(whole_frame().numpy(), INTRINSICS, model="dashapenet")
    with pytest.raises(BadInput, match="dapose has no network that reads a shape"):
        facelib.reconstruct_depth(whole_frame().numpy(), INTRINSICS, model="dapose")


def test_frames_that_cannot_be_read() -> None:
    frame = whole_frame()
    small = frame[150:290, 250:400].clone()
    cases: list[tuple[torch.Tensor, tuple[float, ...], type[Exception], str]] = [
        (torch.zeros(480, 640), INTRINSICS, DegenerateInput, "is all holes: the sensor saw nothing"),
        (torch.full((480, 640), torch.nan), INTRINSICS, DegenerateInput, "is all holes"),
        (frame / 1000, INTRINSICS, BadInput, "this may be metres; multiply by 1000"),
        (frame * 10, INTRINSICS, BadInput, "this may be tenths of them"),
        (whole_frame(None), INTRINSICS, DegenerateInput, "no face was found"),
        (frame, (5758.0, 5758.0, 320.0, 240.0), BadInput, "are a field of view of 6 degrees: expected 10 to 140"),
        (frame, (300.0, 300.0, 320.0, 240.0), BadInput, r"the face is 2.\d+ times as large as the mean face"),
        (small, (575.8, 575.8, 70.0, 90.0), BadInput, "the image has 140 x 150: pass a larger image"),
    ]
    for depth, intrinsics, kind, message in cases:
        with pytest.raises(kind, match=message):
            read(depth, intrinsics)


def test_what_is_hardly_plausible_is_said(caplog: pytest.LogCaptureFixture) -> None:
    read(whole_frame())
    assert caplog.text == ""
    read(whole_frame(), (575.8, 575.8, 120.0, 240.0), nose=(340, 220))
    assert "cx is 120, far from the middle of 640 pixels" in caplog.text
    caplog.clear()
    read(whole_frame(), (430.0, 430.0, 320.0, 240.0), nose=(340, 220))
    assert "times as large as the mean face: expected 0.85 to 1.18; look at fx and fy" in caplog.text


def test_holes_may_be_nan(made: tuple[Path, Result]) -> None:
    depth = whole_frame()
    face, other = read(depth), read(depth.where(depth > 0, torch.nan))
    assert torch.equal(face.vertices, other.vertices)  # type: ignore[attr-defined]


def test_weights_that_are_not_finite(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        use_private_runs(patch, tmp_path)
        shape, pose = make_untrained_depth_run("source_only", broken=True), make_untrained_depth_run("dapose")
        with pytest.raises(BadInput, match="holds numbers that are not finite"):
            facelib.reconstruct_depth(whole_frame().numpy(), INTRINSICS, model=str(shape), pose_model=str(pose))


def test_help() -> None:
    text = call("--help").output
    assert all(word in text for word in ("--intrinsics FX,FY,CX,CY", "--nose U,V", "--pose-model NAME", "16 bits"))
