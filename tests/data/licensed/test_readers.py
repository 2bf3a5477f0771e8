"""Folders in the real formats, written here, are read back in our frame, units and order; protocols are counted."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from scipy.spatial.transform import Rotation
from written_sets import (
    ALIGNED_FIVE,
    CELEBA_PARTS,
    FACESCAPE_TURNS,
    WRITERS,
    facescape_face,
    facescape_view,
    fitted_face,
    write_300w_lp,
    write_basel,
    write_celeba,
    write_lfw,
)

from facelib.cli import main
from facelib.conventions import FACE_TO_CAMERA
from facelib.data.archive import REQUIRED, FaceArchive
from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.licensed import READERS, reader_of
from facelib.data.licensed.archives import open_licensed
from facelib.data.licensed.basel_2009 import read_basel
from facelib.data.licensed.checking import Checked, check_samples
from facelib.data.licensed.faces_300w_lp import head_rotation
from facelib.data.licensed.facescape import View
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import write_index
from facelib.data.protocol import Role, roles_of
from facelib.errors import BadInput, CorruptFile, MissingPart, UnknownName
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import euler_to_matrix
from facelib.storage import CACHE_VARIABLE

SIZE = 64


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "given"
    place.mkdir()
    return place


def checked(name: str, root: Path, **overrides: str) -> Checked:
    reader = READERS[name]
    folder = DataFolder(root, reader.layout, overrides)
    result = check_samples(reader, folder, reader.index(folder))
    write_index(reader, folder, result.index)
    return result


def opened(name: str, root: Path, **overrides: str) -> FaceArchive:
    checked(name, root, **overrides)
    return open_licensed(READERS[name], root, SIZE, overrides)


@pytest.mark.parametrize("name", WRITERS)
def test_every_reader_fills_an_archive(name: str, folder: Path) -> None:
    WRITERS[name](folder)

    archive = opened(name, folder)

    assert set(archive.arrays) >= set(REQUIRED)
    assert archive.arrays["images"].shape == (len(archive), 3, SIZE, SIZE)
    assert archive.arrays["images"].dtype == np.uint8
    assert archive.arrays["images"].std() > 10
    assert archive.identities.tolist() == list(range(len(archive.identities)))
    assert len(archive.samples(np.arange(2))) == 2


def test_every_reader_has_a_writer_here() -> None:
    assert set(WRITERS) == set(READERS)


def test_an_archive_is_read_once(folder: Path) -> None:
    write_lfw(folder)
    first = opened("lfw", folder)
    for path in folder.rglob("*.jpg"):
        path.unlink()

    again = open_licensed(READERS["lfw"], folder, SIZE)

    assert again.fingerprint == first.fingerprint
    np.testing.assert_array_equal(again.arrays["images"], first.arrays["images"])


def test_another_photograph_gives_another_fingerprint(folder: Path) -> None:
    write_lfw(folder)
    first = opened("lfw", folder)
    Image.new("RGB", (250, 250), "red").save(folder / "lfw" / "Bo" / "Bo_0001.jpg")

    assert opened("lfw", folder).fingerprint != first.fingerprint


def test_a_folder_that_was_not_checked_is_not_opened(folder: Path) -> None:
    write_lfw(folder)

    with pytest.raises(MissingPart, match="run `facelib data check lfw"):
        open_licensed(READERS["lfw"], folder, SIZE)


def test_photographs_that_are_there_twice_are_reported(folder: Path) -> None:
    write_lfw(folder)
    (folder / "lfw/Bo/Bo_0001.jpg").write_bytes((folder / "lfw/Ana_Ruiz/Ana_Ruiz_0002.jpg").read_bytes())

    remarks = checked("lfw", folder).remarks

    assert any("more than once under different people" in each and "Bo_0001.jpg" in each for each in remarks)
    assert any("3 people, where the publishers count 5,749" in each for each in remarks)


def test_an_unknown_reader_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'celeba'"):
        reader_of("celebA")


class Test300wLp:
    """Pose, camera, landmarks and shape against formulas of the publishers' frame, worked out slowly."""

    @pytest.mark.parametrize("angles", [(0.3, 0.0, 0.0), (0.0, -0.8, 0.0), (0.0, 0.0, 0.5), (0.3, 1.2, -0.4)])
    def test_rotation_is_the_product_of_transposed_turns(self, angles: tuple[float, float, float]) -> None:
        expected = Rotation.from_euler("XYZ", -np.array(angles)).as_matrix()

        np.testing.assert_allclose(head_rotation(*angles), expected, atol=1e-12)

    @pytest.mark.parametrize("name", ["300w_lp", "aflw2000"])
    def test_vertices_lie_where_the_publishers_formula_puts_them(self, name: str, folder: Path, tmp_path: Path) -> None:
        WRITERS[name](folder)
        raw = write_basel(tmp_path / "basel")

        arrays = opened(name, folder).arrays
        model = read_basel(tmp_path / "basel")
        shape, action = (torch.from_numpy(np.array(arrays[f"basel_{part}"])) for part in ("shape", "expression"))
        center = torch.from_numpy(np.array(arrays["center"]))
        pose = torch.from_numpy(np.array(arrays["pose"]))
        camera = Similarity(
            torch.from_numpy(np.array(arrays["scale"])),
            torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*pose.unbind(1)),
            torch.cat((center, torch.zeros(len(center), 1)), dim=1),
        )
        found = camera.apply(model.vertices(shape, action)).numpy()

        for number in range(4):
            expected, zoom = _expected_vertices(raw, number)
            np.testing.assert_allclose(found[number, :, :2], expected[:, :2], atol=2e-3)
            depth = found[number, :, 2]
            np.testing.assert_allclose(depth - depth[0], zoom * (expected[0, 2] - expected[:, 2]), atol=2e-3)

    def test_landmarks_and_depth_move_with_the_crop(self, folder: Path) -> None:
        WRITERS["aflw2000"](folder)

        arrays = opened("aflw2000", folder).arrays

        for number in range(4):
            points = fitted_face(number)["points"].T
            left, top, side = _square(points)
            expected = (points[:, :2] + 0.5 - (left, top)) * SIZE / side
            np.testing.assert_allclose(arrays["landmarks_2d"][number], expected, atol=1e-3)
            np.testing.assert_allclose(arrays["landmarks_3d"][number][:, :2], expected, atol=1e-3)
            np.testing.assert_allclose(arrays["landmarks_3d"][number][:, 2], -points[:, 2] * SIZE / side, atol=1e-3)

    def test_photographs_are_upright_and_not_mirrored(self, folder: Path) -> None:
        """Red grows from left to right, green downwards, as in the files."""
        WRITERS["aflw2000"](folder)

        image = opened("aflw2000", folder).arrays["images"][0].astype(float)

        left, top, side = _square(fitted_face(0)["points"].T)
        middle = SIZE // 2
        places = (middle + 0.5) * side / SIZE
        assert image[0, middle, middle] == pytest.approx((left + places) / 450 * 200, abs=4)
        assert image[1, middle, middle] == pytest.approx((top + places) / 450 * 200, abs=4)
        assert image[0, middle, middle + 10] > image[0, middle, middle - 10] + 10
        assert image[1, middle + 10, middle] > image[1, middle - 10, middle] + 10

    def test_small_angles_keep_pitch_and_turn_yaw_and_roll_round(self, folder: Path) -> None:
        WRITERS["aflw2000"](folder)

        pose = opened("aflw2000", folder).arrays["pose"]

        np.testing.assert_allclose(pose[0], 0, atol=1e-6)
        assert pose[1, 0] > 0.6  # of a yaw of -0.7
        assert pose[3, 1] == pytest.approx(0.4, abs=0.1)
        assert pose[3, 2] < 0

    def test_a_mirrored_photograph_shows_the_same_person(self, folder: Path) -> None:
        write_300w_lp(folder)
        for ending in ("jpg", "mat"):
            source = folder / f"300W_LP/HELEN/HELEN_12_1.{ending}"
            (folder / f"300W_LP/HELEN_Flip/HELEN_12_0.{ending}").write_bytes(source.read_bytes())

        result = checked("300w_lp", folder)

        people = dict(
            zip((files[0] for files in result.index.columns["files"]), result.index.columns["identity"], strict=True)
        )
        assert people["300W_LP/HELEN/HELEN_12_1.jpg"] == people["300W_LP/HELEN_Flip/HELEN_12_0.jpg"]
        assert people["300W_LP/AFW/AFW_12_1_0.jpg"] != people["300W_LP/HELEN/HELEN_12_1.jpg"]

    def test_compressed_parameters_are_the_same(self, folder: Path, tmp_path: Path) -> None:
        write_300w_lp(folder)
        (tmp_path / "packed").mkdir()
        write_300w_lp(tmp_path / "packed", compressed=True)

        plain, packed = opened("300w_lp", folder), opened("300w_lp", tmp_path / "packed")

        for name, array in plain.arrays.items():
            np.testing.assert_array_equal(packed.arrays[name], array, name)

    def test_a_model_of_other_vertices_is_refused(self, tmp_path: Path) -> None:
        write_basel(tmp_path / "a", kept=12)
        write_basel(tmp_path / "b", kept=13)
        (tmp_path / "a/model_info.mat").write_bytes((tmp_path / "b/model_info.mat").read_bytes())

        with pytest.raises(
            CorruptFile, match=r"model_info\.mat keeps 13 vertices .* expected as many as Model_Expression"
        ):
            read_basel(tmp_path / "a")


def _square(points: np.ndarray) -> tuple[float, float, float]:
    low, high = points[:, :2].min(axis=0) + 0.5, points[:, :2].max(axis=0) + 0.5
    side = CROP * (high - low).max()
    return (*((low + high - side) / 2), side)


def _expected_vertices(raw: dict[str, np.ndarray], number: int) -> tuple[np.ndarray, float]:
    """Vertices (V, 3) of one photograph: column and row in pixels of the crop, and the upright frame's own z."""
    values = fitted_face(number)
    pitch, yaw, roll, *shift, scale = values["Pose_Para"][0].astype(float)
    turn = Rotation.from_euler("XYZ", (-pitch, -yaw, -roll)).as_matrix()
    left, top, side = _square(values["points"].T)
    found = []
    for row, vertex in enumerate(raw["trimIndex"][:, 0].astype(int) - 1):
        place = np.array(
            [float(raw["shapeMU"][3 * vertex + axis, 0] + raw["mu_exp"][3 * row + axis, 0]) for axis in range(3)]
        )
        place += raw["shapePC"][3 * vertex : 3 * vertex + 3].astype(float) @ values["Shape_Para"][:, 0]
        place += raw["w_exp"][3 * row : 3 * row + 3] @ values["Exp_Para"][:, 0].astype(float)
        x, y, z = scale * turn @ place + shift
        found.append(((x + 0.5 - left) * SIZE / side, (450 - y - 1 + 0.5 - top) * SIZE / side, z))
    return np.array(found), SIZE / side


class TestLfw:
    def test_pairs_name_the_rows_of_their_photographs(self, folder: Path) -> None:
        write_lfw(folder)

        result = checked("lfw", folder)
        archive = open_licensed(READERS["lfw"], folder, SIZE)

        names = [files[0].rpartition("/")[2] for files in result.index.columns["files"]]
        pairs = [(names[a], names[b]) for a, b in archive.arrays["pairs"]]
        assert pairs == [
            ("Ana_Ruiz_0001.jpg", "Ana_Ruiz_0003.jpg"),
            ("Bo_0001.jpg", "Ana_Ruiz_0002.jpg"),
            ("Çelik_Öz_0001.jpg", "Çelik_Öz_0002.jpg"),
            ("Bo_0001.jpg", "Çelik_Öz_0002.jpg"),
        ]
        identity = archive.arrays["identity"]
        first, second = archive.arrays["pairs"].T
        assert (identity[first] == identity[second]).astype(int).tolist() == archive.arrays["pair_same"].tolist()
        assert archive.arrays["pair_fold"].tolist() == [0, 0, 1, 1]
        assert result.index.counts == {"photographs": 6, "people": 3, "pairs": 4}

    @pytest.mark.parametrize(
        ("line", "other", "told"),
        [
            (0, "10 300", "line 1: '10 300': expected the numbers of folds"),
            (0, "2\t999999999999", "pairs, a whole number from 1 to 100000"),
            (1, "Ana_Ruiz\t1\t9", "line 2: .*has no 'Ana_Ruiz_0009'"),
            (1, "Ana_Ruiz\t1", "line 2: .*name, number, number, with tabs"),
            (2, "Bo\t1\t../../etc/x\t2", "line 3: "),
            (2, "Bo\tnan\tBo\t2", "the number of a photograph"),
        ],
    )
    def test_a_bad_pair_is_named_by_its_line(self, folder: Path, line: int, other: str, told: str) -> None:
        write_lfw(folder)
        lines = (folder / "pairs.txt").read_text(encoding="utf-8").splitlines()
        lines[line] = other
        (folder / "pairs.txt").write_text("\r\n".join(lines), encoding="utf-8")

        with pytest.raises(CorruptFile, match=rf"pairs\.txt, {told}" if told.startswith("line") else told):
            checked("lfw", folder)

    def test_windows_line_ends_change_nothing(self, folder: Path) -> None:
        write_lfw(folder)
        before = checked("lfw", folder).index
        pairs = folder / "pairs.txt"
        pairs.write_bytes(pairs.read_bytes().replace(b"\n", b"\r\n"))

        assert checked("lfw", folder).index == before


class TestCelebA:
    def test_lists_are_joined_by_name(self, folder: Path) -> None:
        write_celeba(folder, line_end="\r\n")

        result = checked("celeba", folder)
        arrays = open_licensed(READERS["celeba"], folder, SIZE).arrays

        assert arrays["partition"].tolist() == list(CELEBA_PARTS)
        assert arrays["identity"].tolist() == [2, 0, 2, 1]
        assert arrays["attributes"].shape == (4, 40)
        assert arrays["attributes"][1, :4].tolist() == [1, 1, -1, 1]
        assert result.index.counts == {"photographs": 4, "people": 3, "training": 2, "validation": 1, "test": 1}

    def test_the_face_of_an_aligned_photograph_is_where_its_landmarks_are(self, folder: Path) -> None:
        """Not where list_bbox_celeba.txt has it, which is of the original photographs."""
        write_celeba(folder)

        arrays = opened("celeba", folder).arrays

        points = arrays["five_points"][0]
        assert ((points > 0.25 * SIZE) & (points < 0.75 * SIZE)).all()
        distances = np.array(ALIGNED_FIVE, float).reshape(5, 2)
        ratio = (points[1] - points[0])[0] / (distances[1] - distances[0])[0]
        np.testing.assert_allclose(points - points[0], ratio * (distances - distances[0]), atol=1e-3)

    def test_original_photographs_are_cropped_by_their_boxes(self, folder: Path) -> None:
        write_celeba(folder, "img_celeba")

        arrays = opened("celeba", folder).arrays

        side = CROP * 313
        left, top = 95 + 226 / 2 - side / 2, 75 + 313 / 2 - side / 2
        np.testing.assert_allclose(
            arrays["five_points"][0], np.tile((120.5 - left, 120.5 - top), (5, 1)) * SIZE / side, atol=1e-3
        )

    @pytest.mark.parametrize(
        ("name", "old", "new", "told"),
        [
            ("list_eval_partition.txt", "000003.jpg   1", "000003.jpg   3", "the part, a whole number from 0 to 2"),
            ("list_eval_partition.txt", "000003.jpg", "000009.jpg", "says nothing of 000003"),
            ("list_eval_partition.txt", "000003.jpg", "000002.jpg", "line 3: .*each photograph once"),
            ("list_attr_celeba.txt", "-1", "0", "40 attributes, each 1 or -1"),
            ("list_landmarks_align_celeba.txt", "lefteye_x", "left_x", "line 2: .*the names of 10 columns: lefteye_x"),
        ],
    )
    def test_a_bad_line_is_named(self, folder: Path, name: str, old: str, new: str, told: str) -> None:
        write_celeba(folder)
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

        with pytest.raises(CorruptFile, match=told) as error:
            checked("celeba", folder)
        assert name in str(error.value)


def test_vggface2_crops_by_loose_boxes(folder: Path) -> None:
    WRITERS["vggface2"](folder)

    result = checked("vggface2", folder)
    arrays = open_licensed(READERS["vggface2"], folder, SIZE).arrays

    assert result.index.counts == {
        "training people": 2,
        "training photographs": 4,
        "test people": 1,
        "test photographs": 2,
    }
    assert arrays["identity"].tolist() == [0, 0, 1, 1, 2, 2]
    assert arrays["partition"].tolist() == [0, 0, 0, 0, 1, 1]
    side = 1.3 * 100
    left, top = 31 + 40 - side / 2, 40 + 50 - side / 2
    np.testing.assert_allclose(arrays["five_points"][0][0], np.array((56 - left, 75.75 - top)) * SIZE / side, atol=1e-3)


class TestArlVtf:
    def test_conditions_become_roles(self, folder: Path) -> None:
        WRITERS["arl_vtf"](folder)

        result = checked("arl_vtf", folder)
        archive = open_licensed(READERS["arl_vtf"], folder, SIZE)

        assert roles_of(archive, Role.GALLERY).tolist() == [0, 3]
        assert roles_of(archive, Role.FRONTAL_PROBE).tolist() == [1]
        assert roles_of(archive, Role.POSE_PROBE).tolist() == [2]
        assert roles_of(archive, Role.TRAINING).tolist() == [4]
        assert archive.arrays["identity"].tolist() == [2, 2, 2, 0, 1]  # s10, s2, s9
        assert result.index.counts == {"photographs": 5, "people evaluated": 2, "people to train on": 1}

    def test_yaw_is_in_radians_and_may_be_missing(self, folder: Path) -> None:
        WRITERS["arl_vtf"](folder)

        arrays = opened("arl_vtf", folder).arrays

        expected = np.deg2rad([-2.5, np.nan, -56, 0, 3])
        np.testing.assert_allclose(arrays["pose"][:, 0], expected, rtol=1e-6)
        np.testing.assert_allclose(arrays["angle"], np.abs(expected), rtol=1e-6)
        assert np.isnan(arrays["pose"][:, 1:]).all()

    def test_the_crop_lies_around_the_keypoints(self, folder: Path) -> None:
        """Red and green grow with the column and row of a photograph of 320 x 300."""
        WRITERS["arl_vtf"](folder)

        image = opened("arl_vtf", folder).arrays["images"][0].astype(float)

        five = np.array(ALIGNED_FIVE, float).reshape(5, 2) + 60
        middle = five.mean(axis=0)
        unit = np.sqrt(np.square(five - middle).sum(axis=1).mean())
        seen = image[:2, SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1].mean(axis=(1, 2))
        lower = middle + np.array((0, unit * (1.91 - 1.37) / 2))
        np.testing.assert_allclose(seen, (lower - 0.5) * 200 / (319, 299), atol=3)

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("P_VP0", "P_XX", "line 4: .*a condition, one of G_VB0-, P_VB0"),
            ("-56", "-560", "the yaw in degrees, a number from -180 to 180"),
            ("path,subject", "path,person", "line 1: .*the line path, subject, condition"),
            ("visible/s9/ü_0.png", "../outside.png", "leads out of"),
            ("visible/s9/ü_0.png", "visible/absent.png", "is missing, or no file"),
            ("129.0", "nan", "a keypoint in pixels"),
            ("129.0 ", "", "68 points, instead of 9 numbers"),
        ],
    )
    def test_a_bad_line_of_the_table_is_named(self, folder: Path, old: str, new: str, told: str) -> None:
        WRITERS["arl_vtf"](folder)
        table = folder / "arl_vtf.csv"
        text = table.read_text(encoding="utf-8")
        assert old in text
        table.write_text(text.replace(old, new, 1), encoding="utf-8")

        with pytest.raises((BadInput, CorruptFile), match=told):
            checked("arl_vtf", folder)


def test_a_folder_of_photographs_gives_the_square_in_the_middle(folder: Path) -> None:
    WRITERS["mofa_test"](folder)

    result = checked("mofa_test", folder)
    image = open_licensed(READERS["mofa_test"], folder, SIZE).arrays["images"][2].astype(float)

    assert result.index.columns["files"] == [["a.jpg"], ["b c.PNG"], ["ü.jpeg"]]
    assert result.remarks == []
    left, side = (240 - 180) / 2, 180
    assert image[0, 32, 0] == pytest.approx((left + 0.5 * side / SIZE) / 240 * 200, abs=4)
    assert image[0, 32, -1] == pytest.approx((left + side) / 240 * 200, abs=4)


class TestFaceScape:
    def test_views_that_are_not_valid_are_left_out(self, folder: Path) -> None:
        WRITERS["facescape"](folder)

        result = checked("facescape", folder)
        arrays = open_licensed(READERS["facescape"], folder, SIZE).arrays

        assert result.index.counts == {"photographs": 8, "people": 2, "views left out": 4}
        assert arrays["identity"].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        assert arrays["expression"].tolist() == [0, 0, 19, 19, 0, 0, 19, 19]

    def test_pose_is_that_of_the_head_whatever_the_scanned_frame(self, folder: Path) -> None:
        WRITERS["facescape"](folder)

        pose = opened("facescape", folder).arrays["pose"]

        yaw, about_x, roll = FACESCAPE_TURNS[1]
        np.testing.assert_allclose(pose[0::2], 0, atol=1e-6)
        np.testing.assert_allclose(pose[1::2], np.tile((yaw, -about_x, roll), (4, 1)), atol=1e-6)

    def test_landmarks_lie_where_a_pinhole_sees_them(self, folder: Path) -> None:
        """Worked out in the face frame, without the scanned one that the files go through."""
        WRITERS["facescape"](folder)

        found = opened("facescape", folder).arrays["landmarks_2d"]

        for row, (person, view) in {1: (1, 1), 4: (3, 0)}.items():
            head = Rotation.from_euler("YXZ", FACESCAPE_TURNS[view]).as_matrix()
            x, y, z = head @ facescape_face(person)[5:73].T
            column, line = 450 * (x + 8) / (700 - z) + 160.5, 455 * (-y - 5) / (700 - z) + 140.5
            points = np.column_stack((column, line)) - 0.5  # as _square takes them
            left, top, side = _square(points)
            np.testing.assert_allclose(found[row], (points + 0.5 - (left, top)) * SIZE / side, atol=2e-3)

    def test_photographs_are_straightened(self) -> None:
        """Where a place of the straightened photograph lies in the file, by OpenCV's formula, term by term."""
        fields = facescape_view(1, np.eye(3))
        view = View(np.array(fields["K"]), np.eye(3), np.zeros(3), np.array(fields["distortion"]), (320, 300), True)
        k1, k2, p1, p2, k3 = fields["distortion"]

        u, v = view.distorted(torch.tensor([[40.0, 250.0]]))[0].tolist()

        x, y = (40 - 160.5) / 450, (250 - 140.5) / 455
        r = math.hypot(x, y)
        factor = 1 + k1 * r**2 + k2 * r**4 + k3 * r**6
        assert u == pytest.approx((x * factor + 2 * p1 * x * y + p2 * (r**2 + 2 * x**2)) * 450 + 160.5, abs=1e-3)
        assert v == pytest.approx((y * factor + p1 * (r**2 + 2 * y**2) + 2 * p2 * x * y) * 455 + 140.5, abs=1e-3)
        assert abs(u - 40) > 5

    def test_the_crop_shows_what_the_lens_had_bent(self, folder: Path) -> None:
        """Red and green say from which column and row of the file each pixel came."""
        WRITERS["facescape"](folder)

        archive = opened("facescape", folder)

        x, y, z = facescape_face(1)[5:73].T
        points = np.column_stack((450 * (x + 8) / (700 - z) + 160, 455 * (-y - 5) / (700 - z) + 140))
        left, top, side = _square(points)
        fields = facescape_view(1, np.eye(3))
        view = View(np.array(fields["K"]), np.eye(3), np.zeros(3), np.array(fields["distortion"]), (320, 300), True)
        image = archive.arrays["images"][0].astype(float)
        for row, column in ((10, 10), (50, 20), (32, 60)):
            place = torch.tensor([[left, top]]) + torch.tensor([[column + 0.5, row + 0.5]]) * side / SIZE
            u, v = view.distorted(place.float())[0].tolist()
            assert image[0, row, column] == pytest.approx((u - 0.5) / 319 * 200, abs=3)
            assert image[1, row, column] == pytest.approx((v - 0.5) / 299 * 200, abs=3)

    @pytest.mark.parametrize(
        ("file", "old", "new", "told"),
        [
            ("fsmview_trainset/1/1_neutral/params.json", '"0_K"', '"9_K"', "has no '0_K'"),
            ("fsmview_trainset/1/1_neutral/params.json", "[450.0, 0.0", "[NaN, 0.0", "has no '0_K'"),
            ("fsmview_trainset/1/1_neutral/params.json", "[450.0, 0.0", "[-450.0, 0.0", "view 0 that is no camera"),
            ("Rt_scale_dict.json", '"1": {', '"2": {', "lacks person 1, 1_neutral"),
            ("Rt_scale_dict.json", "3.5, ", "-3.5, ", "has no frame of person 1, expression 1"),
            ("Rt_scale_dict.json", "3.5, ", "", "'scale' of person 1, expression 1"),
        ],
    )
    def test_a_bad_list_is_named(self, folder: Path, file: str, old: str, new: str, told: str) -> None:
        WRITERS["facescape"](folder)
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

        with pytest.raises(CorruptFile, match=told) as error:
            checked("facescape", folder)
        assert file in str(error.value)


def test_a_photograph_of_another_size_is_refused(folder: Path) -> None:
    write_lfw(folder)
    path = folder / "lfw/Bo/Bo_0001.jpg"
    Image.new("RGB", (251, 250)).save(path)

    with pytest.raises(CorruptFile, match=r"Bo_0001\.jpg has 251 x 250 pixels, expected 250 x 250"):
        checked("lfw", folder)


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_says_what_is_expected(name: str, folder: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no .*: expected"):
        checked(name, folder)


def test_a_part_may_lie_elsewhere_in_the_folder(folder: Path) -> None:
    write_lfw(folder)
    (folder / "pairs.txt").rename(folder / "view2.txt")

    assert len(opened("lfw", folder, pairs="view2.txt")) == 6
    with pytest.raises(UnknownName, match="unknown part of the data set 'pair'"):
        checked("lfw", folder, pair="view2.txt")


class TestCommands:
    def test_list_says_of_every_data_set_whom_to_ask(self) -> None:
        text = CliRunner().invoke(main, ["data", "list"]).output

        assert all(f"\n{name}\n" in f"\n{text}" for name in READERS)
        assert text.count("   ask ") == text.count("   licence ") == len(READERS)
        assert "13,233 photographs, 5,749 people, 6,000 pairs" in text

    def test_check_counts_and_keeps_the_index(self, folder: Path, cache: Path) -> None:
        write_lfw(folder)

        result = CliRunner().invoke(main, ["data", "check", "lfw", str(folder)])

        assert result.exit_code == 0, result.output
        assert "3 people\n" in result.output
        assert "note: 4 pairs, where the publishers count 6,000" in result.output
        assert result.output.splitlines()[-1].startswith(str(cache))
        assert len(open_licensed(READERS["lfw"], folder, SIZE)) == 6

    def test_check_names_the_first_file_that_does_not_fit(self, folder: Path) -> None:
        write_lfw(folder)
        (folder / "lfw/Bo/Bo_0001.jpg").write_bytes(b"no photograph")

        result = CliRunner().invoke(main, ["data", "check", "lfw", str(folder)])

        assert result.exit_code == 1
        assert "Bo_0001.jpg is no image" in result.output
        assert "Traceback" not in result.output

    def test_check_takes_another_layout(self, folder: Path) -> None:
        write_lfw(folder)
        (folder / "pairs.txt").rename(folder / "view2.txt")

        assert CliRunner().invoke(main, ["data", "check", "lfw", str(folder)]).exit_code == 1
        words = ["data", "check", "lfw", str(folder), "--layout"]
        assert CliRunner().invoke(main, [*words, "pairs=view2.txt"]).exit_code == 0
        assert "expected PART=PLACE" in CliRunner().invoke(main, [*words, "view2.txt"]).output

    @pytest.mark.parametrize("name", ["facescape", "vggface2"])
    def test_describe_draws_samples(self, name: str, folder: Path, tmp_path: Path) -> None:
        WRITERS[name](folder)
        picture = tmp_path / "sheet.png"

        result = CliRunner().invoke(main, ["data", "describe", name, str(folder), "-o", str(picture), "--count", "7"])

        assert result.exit_code == 0, result.output
        assert np.asarray(Image.open(picture).convert("RGB")).std() > 20
