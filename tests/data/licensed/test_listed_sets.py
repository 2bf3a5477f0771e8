"""Data sets whose lists are joined with their photographs: lists, boxes, people and protocols."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from opened_sets import SIZE, checked, opened
from written_sets import (
    ALIGNED_FIVE,
    CELEBA_PARTS,
    WRITERS,
    write_celeba,
    write_lfw,
)

from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.licensed import READERS
from facelib.data.licensed.archives import open_licensed
from facelib.data.protocol import Role, roles_of
from facelib.errors import BadInput, CorruptFile


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
