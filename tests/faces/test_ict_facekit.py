"""Reading ICT-FaceKit's layout from a small folder of known heads, and making a face model of ours from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made_ict import LAYOUT, ROTATION, MadeIct, write_ict

from facelib.cli import main
from facelib.errors import CorruptFile, MissingPart
from facelib.faces import ict_model, sheet
from facelib.faces.ict_facekit import IctHeads, IctLayout, read_heads
from facelib.faces.ict_model import MODE_NOISE, complete, import_ict, load_ict_model
from facelib.faces.morphable_model import MorphableModel
from facelib.storage import CACHE_VARIABLE

KEPT = [*range(136), *range(141, 165)]  # all but the teeth


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> MadeIct:
    return write_ict(tmp_path_factory.mktemp("ict"), face_model)


@pytest.fixture(scope="module")
def heads(made: MadeIct, face_model: MorphableModel) -> IctHeads:
    return read_heads(made.folder, face_model.expression_names, LAYOUT)


@pytest.fixture(scope="module")
def imported(heads: IctHeads, face_model: MorphableModel) -> MorphableModel:
    return complete(heads, face_model)


@pytest.fixture
def small_world(tmp_path: Path, face_model: MorphableModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, the small layout, and our coarse model."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(ict_model, "IctLayout", lambda: LAYOUT)
    monkeypatch.setattr(ict_model, "load_face_model", lambda resolution: face_model)


def test_places_are_in_mm_in_our_frame(made: MadeIct, imported: MorphableModel) -> None:
    np.testing.assert_allclose(imported.mean.numpy(), made.points[KEPT], atol=1e-3)


def test_size_is_kept(tmp_path: Path, face_model: MorphableModel) -> None:
    larger = write_ict(tmp_path / "larger", face_model, size=1.1)
    mean = complete(read_heads(larger.folder, face_model.expression_names, LAYOUT), face_model).mean.numpy()

    distance = np.linalg.norm(mean[1:] - mean[:-1], axis=1)
    expected = 1.1 * np.linalg.norm(np.diff(larger.points[KEPT], axis=0), axis=1)
    np.testing.assert_allclose(distance, expected, atol=1e-3)


def test_landmarks(imported: MorphableModel, face_model: MorphableModel) -> None:
    expected = face_model.mean[face_model.landmarks]
    torch.testing.assert_close(imported.mean[imported.landmarks], expected, rtol=0, atol=1e-3)


def test_files_keep_their_own_place(made: MadeIct, heads: IctHeads) -> None:
    moved = made.moves["identity001"][KEPT] @ ROTATION
    np.testing.assert_allclose(heads.identity[1], moved, atol=1e-5)


def test_identity_modes_are_a_standard_deviation_and_stay_in_place(made: MadeIct, imported: MorphableModel) -> None:
    for number, mode in enumerate(imported.identity_basis.numpy()):
        expected = made.moves[f"identity{number:03}"][KEPT]
        np.testing.assert_allclose(mode, expected - expected.mean(axis=0), atol=1e-3)
    assert len(imported.identity_basis) == 3


@pytest.mark.parametrize(
    ("action", "files"),
    [
        ("mouthSmileLeft", ["mouthSmile_L"]),
        ("eyeLookInRight", ["eyeLookIn_R"]),
        ("browInnerUp", ["browInnerUp_L", "browInnerUp_R"]),
        ("cheekPuff", ["cheekPuff_L", "cheekPuff_R"]),
        ("jawLeft", ["jawLeft"]),
        ("mouthRight", ["mouthRight"]),
        ("jawOpen", ["jawOpen"]),
        ("tongueOut", []),
    ],
)
def test_actions_by_our_names(made: MadeIct, imported: MorphableModel, action: str, files: list[str]) -> None:
    row = imported.expression_basis[imported.expression_names.index(action)].numpy()
    expected = sum((made.moves[file][KEPT] for file in files), start=np.zeros_like(row))
    np.testing.assert_allclose(row, expected, atol=1e-3)


def test_all_our_actions(imported: MorphableModel, face_model: MorphableModel) -> None:
    assert imported.expression_names == face_model.expression_names
    assert imported.expression_basis.shape == (52, len(KEPT), 3)


def test_triangles_and_texture(imported: MorphableModel) -> None:
    assert imported.triangles[:3].tolist() == [[0, 1, 2], [0, 2, 3], [128, 1, 2]]  # none to the tooth
    assert len(imported.triangles) == 3 + 2 * 16
    assert imported.triangles[3].tolist() == [136, 138, 140]  # the eyeball moved up to where the teeth were
    # Two tiles of the face, then one for each eyeball: four in a row.
    expected = torch.tensor([[0.5 / 4, 0.25], [1.5 / 4, 0.75], [2.5 / 4, 0.5], [3.5 / 4, 0.5]])
    torch.testing.assert_close(imported.uv, expected)
    assert imported.uv_triangles[:3].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert imported.uv_triangles[3].tolist() == [2, 2, 2]
    assert imported.uv_triangles[-1].tolist() == [3, 3, 3]


def test_skins_and_regions_are_ours_at_the_same_place(
    made: MadeIct, imported: MorphableModel, face_model: MorphableModel
) -> None:
    near = {"rtol": 0, "atol": 2e-3}
    torch.testing.assert_close(imported.texture_mean[:128], face_model.texture_mean[made.ours], **near)
    torch.testing.assert_close(imported.texture_basis[:, :128], face_model.texture_basis[:, made.ours], **near)
    for name, mask in face_model.regions.items():
        torch.testing.assert_close(imported.regions[name][:128], mask[made.ours], **near)


def test_parts_take_from_their_own_kind(imported: MorphableModel) -> None:
    assert (imported.regions["cavities"][128:136] > 0.99).all()
    assert (imported.regions["eyeballs"][136:] > 0.99).all()
    pupils = imported.regions["pupils"][136:].view(2, 12)
    assert (pupils[:, 4] > 0.8).all()  # the front of both eyes, between vertices of ours
    assert (pupils[:, [0, 1, 2, 3, 5]] == 0).all()
    assert (pupils[:, 6:] > 0.8).all()  # the inner wall, seen through the pupil


def test_attributes_are_those_of_our_most_probable_head(
    made: MadeIct, imported: MorphableModel, face_model: MorphableModel
) -> None:
    basis = face_model.identity_basis[:, made.ours].flatten(1).double().T / MODE_NOISE  # (384, 199)
    stacked = torch.cat((basis, torch.eye(199, dtype=torch.float64)))  # least squares with the prior as more equations
    modes = imported.identity_basis[:, :128].flatten(1).double().T / MODE_NOISE
    wanted = torch.cat((modes, torch.zeros(199, 3, dtype=torch.float64)))
    coefficients = torch.linalg.lstsq(stacked, wanted).solution
    expected = face_model.attribute_weights.double() @ coefficients
    torch.testing.assert_close(imported.attribute_weights.double(), expected, rtol=0, atol=1e-4)


def test_kept_in_the_cache(small_world: None, made: MadeIct, imported: MorphableModel) -> None:
    with pytest.raises(MissingPart, match="not imported: facelib faces import-ict FOLDER"):
        load_ict_model()
    path = import_ict(made.folder)
    torch.testing.assert_close(load_ict_model().identity_basis, imported.identity_basis)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFile, match="ict-facekit"):
        load_ict_model()


def _without(text: str) -> str:
    return text.replace("v ", "vn ")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("identity002", lambda text: text + "v 0 0 0\n", "identity002.obj has 166 vertices, expected 165"),
        ("generic_neutral_mesh", lambda text: text + "v 0 0 0\n", "neutral_mesh.obj has 166 vertices"),
        ("jawOpen", lambda text: text.replace("v ", "v nan ", 1), "jawOpen.obj, line 2"),
        ("identity000", lambda text: "<html>404</html>\n", "identity000.obj is no OBJ: line 1"),
        ("cheekPuff_R", _without, "cheekPuff_R.obj holds no points"),
    ],
)
def test_bad_files_are_named(
    tmp_path: Path, face_model: MorphableModel, file: str, change: Callable[[str], str], message: str
) -> None:
    made = write_ict(tmp_path / "ict", face_model)
    path = made.folder / "FaceXModel" / f"{file}.obj"
    path.write_text(change(path.read_text()))

    with pytest.raises(CorruptFile, match=message):
        read_heads(made.folder, face_model.expression_names, LAYOUT)


@pytest.mark.parametrize("file", ["generic_neutral_mesh", "identity001", "browInnerUp_R"])
def test_a_missing_file_is_named_before_any_is_read(tmp_path: Path, face_model: MorphableModel, file: str) -> None:
    made = write_ict(tmp_path / "ict", face_model)
    for path in (made.folder / "FaceXModel").iterdir():
        path.write_text("")
    (made.folder / "FaceXModel" / f"{file}.obj").unlink()

    with pytest.raises(MissingPart, match=f"{file}.obj is missing: give the folder of a whole clone"):
        read_heads(made.folder, face_model.expression_names, LAYOUT)


def test_the_public_layout_fits_itself() -> None:
    layout = IctLayout()
    kept = [vertex for part in layout.parts for vertex in part]
    assert len(set(kept)) == len(kept)
    assert max(kept) < layout.vertices
    assert len(layout.landmarks) == len(set(layout.landmarks)) == 68
    assert all(landmark in layout.skin for landmark in layout.landmarks)


def test_the_command(small_world: None, made: MadeIct) -> None:
    result = CliRunner().invoke(main, ["faces", "import-ict", str(made.folder)])
    assert result.exit_code == 0, result.output
    assert result.output.strip().endswith(".safetensors")
    assert len(load_ict_model().mean) == len(KEPT)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("import-ict", "no-such-folder"), "does not exist"),
        (("import-ict", "."), "generic_neutral_mesh.obj is missing"),
        (("--sheet", "1", "--world", "ict", "-o", "x.png"), "not imported: facelib faces import-ict FOLDER"),
        (("--sheet", "1", "--world", "itc", "-o", "x.png"), "'itc' is not one of"),
    ],
)
def test_the_command_refuses(
    small_world: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["faces", *words])
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "x.png").exists()


def test_the_command_names_the_worlds_of_the_sheet() -> None:
    from facelib.cli import WORLD_NAMES

    assert WORLD_NAMES == sheet.WORLDS
