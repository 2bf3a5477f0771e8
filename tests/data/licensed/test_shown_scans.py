"""MICC Florence and FaceWarehouse: scans come back in the face frame in mm, and are drawn where the labels say."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sets import SIZE, checked, opened
from written_scans import (
    FLORENCE,
    TESTERS,
    florence_head,
    head,
    model,
    write_facewarehouse,
    write_florence,
    write_florence_clips,
)

from facelib.conventions import FACE_TO_CAMERA, OUTER_EYE_CORNERS
from facelib.data.licensed.facewarehouse import read_blendshapes
from facelib.errors import BadInput, CorruptFile
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.rotations import euler_to_matrix

SCAN = "MICC/subject_01/Model/frontal1/obj/1109"
LANDMARKS = "MICC_landmarks/subject_01/Model/frontal1/obj/1109.ljson"


class TestFlorence:
    def test_scans_lie_in_the_face_frame(self, folder: Path) -> None:
        """On the head that was written, once its landmarks have undone the scanner's frame."""
        write_florence(folder)

        arrays = opened("florence", folder).arrays

        for person in range(len(FLORENCE)):
            row = person * 20
            landmarks = torch.from_numpy(np.array(arrays["scan_landmarks"][row]))
            expected = head(person)[model().landmarks].double()
            # One rigid motion: distances between landmarks stay.
            torch.testing.assert_close(
                torch.cdist(landmarks.double(), landmarks.double()), torch.cdist(expected, expected), atol=0.02, rtol=0
            )
            assert (landmarks.double() - expected).norm(dim=1).mean() < 12  # the mean face lies elsewhere than this one
            points = torch.from_numpy(np.array(arrays["scans"][row]))
            shift = _laid(landmarks, expected.float())
            off = nearest_on_surface(shift(points)[None], head(person)[None], model().triangles).distances
            assert off.max() < 0.05
            assert points.shape == (19000, 3)
            assert (points - landmarks[30]).norm(dim=1).max() < 95

    def test_photographs_show_the_landmarks_where_they_are_told(self, folder: Path) -> None:
        write_florence(folder)

        archive = opened("florence", folder)
        arrays = archive.arrays

        assert len(archive) == 40
        degrees = np.rad2deg(arrays["pose"][:20, :2]).round().astype(int)
        assert {tuple(each) for each in degrees.tolist()} == {
            (yaw, pitch) for yaw in (-80, -40, 0, 40, 80) for pitch in (-15, 0, 20, 25)
        }
        for row in (0, 7, 19):
            turn = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.tensor(arrays["pose"][row]).unbind())
            seen = torch.tensor(arrays["scan_landmarks"][row]) @ turn.T * float(arrays["scale"][row])
            expected = seen[:, :2] + torch.tensor(arrays["center"][row])
            np.testing.assert_allclose(arrays["landmarks_2d"][row], expected, atol=1e-3)
        frontal = int(np.flatnonzero((degrees == 0).all(axis=1))[0])
        u, v = arrays["landmarks_2d"][frontal][30].round().astype(int)
        assert arrays["skin"][frontal][v, u] == 1
        assert arrays["skin"][frontal][0, 0] == 0

    def test_the_texture_is_upright(self, folder: Path) -> None:
        """It was written as a ramp: red grows to the subject's left, green downwards."""
        write_florence(folder)

        arrays = opened("florence", folder).arrays
        degrees = np.rad2deg(arrays["pose"][:20, :2]).round()
        image = arrays["images"][int(np.flatnonzero((degrees == 0).all(axis=1))[0])].astype(int)

        row, column = SIZE // 2, SIZE // 2
        assert image[0, row, column + 12] > image[0, row, column - 12] + 20
        assert image[1, row + 12, column] > image[1, row - 12, column] + 20

    def test_corners_of_the_eyes_are_landmarks(self, folder: Path) -> None:
        write_florence(folder)

        arrays = opened("florence", folder).arrays

        np.testing.assert_array_equal(arrays["scan_corners"], arrays["scan_landmarks"][:, list(OUTER_EYE_CORNERS)])
        assert arrays["scan"].tolist() == list(range(40))

    def test_a_person_without_a_second_scan_is_remarked(self, folder: Path) -> None:
        write_florence(folder)

        assert any("no second frontal scan of subject_30" in each for each in checked("florence", folder).remarks)

    @pytest.mark.parametrize(
        "content",
        [
            {"version": 1, "groups": [{"points": None}]},
            {"version": 3, "groups": {"LJSON": {"landmarks": {"points": None}}}},
        ],
    )
    def test_landmarks_of_every_version_are_read(self, folder: Path, content: dict) -> None:
        write_florence(folder)
        first = opened("florence", folder).arrays["scan_landmarks"][0].tolist()
        points = json.loads((folder / LANDMARKS).read_text())["landmarks"]["points"]
        text = json.dumps(content).replace("null", json.dumps(points))
        (folder / LANDMARKS).write_text(text)

        assert opened("florence", folder).arrays["scan_landmarks"][0].tolist() == first

    @pytest.mark.parametrize(
        ("landmarks", "told"),
        [
            ([[0, 0, 0]] * 68, "landmarks of no face|mm from the mean"),
            ((florence_head(0)[1] * 1000).tolist(), "no such list 'points'|from the mean"),
            ((florence_head(0)[1] / 10).tolist(), "mm from the mean face's: expected mm"),
            (florence_head(0)[1][::-1].tolist(), "mm from the mean face's"),
            ((florence_head(0)[1] + 500).tolist(), "has nothing within"),
            (florence_head(0)[1][:51].tolist(), "no such list 'points': expected 68 times"),
            ([["a", 1, 2]] * 68, "no such list 'points'"),
        ],
    )
    def test_landmarks_that_are_none_of_this_scan_are_refused(
        self, folder: Path, landmarks: list[list[float]], told: str
    ) -> None:
        write_florence(folder)
        (folder / LANDMARKS).write_text(json.dumps({"landmarks": {"points": landmarks}}))

        with pytest.raises(CorruptFile, match=told):
            checked("florence", folder)

    def test_a_texture_of_another_name_is_refused(self, folder: Path) -> None:
        write_florence(folder)
        (folder / f"{SCAN}.mtl").write_text("map_Kd ../../../../secret/other.png\n")

        with pytest.raises(CorruptFile, match=r"1109\.mtl: names other\.png, of 1 pictures beside it"):
            checked("florence", folder)

    def test_without_landmarks_it_says_which_are_missing(self, folder: Path) -> None:
        write_florence(folder)
        (folder / LANDMARKS).unlink()

        with pytest.raises(BadInput, match=r"1109\.ljson is missing"):
            checked("florence", folder)


class TestFlorenceClips:
    def test_frames_are_evenly_spaced_and_come_with_the_scan_of_their_person(self, folder: Path) -> None:
        write_florence_clips(folder)
        scans = opened("florence", folder).arrays

        arrays = opened("florence_clips", folder).arrays

        assert arrays["identity"].tolist() == [0] * 8 + [1] * 8
        assert arrays["condition"].tolist() == ([0] * 5 + [2] * 3) * 2
        shown = arrays["images"][:5, 0, SIZE // 4, SIZE // 2]
        assert shown.tolist() == pytest.approx([20 * frame for frame in (0, 2, 3, 4, 6)], abs=2)
        for row in (0, 9):
            person = int(arrays["identity"][row])
            scan = int(arrays["scan"][row])
            np.testing.assert_array_equal(arrays["scans"][scan], scans["scans"][20 * person])
            np.testing.assert_array_equal(arrays["scan_landmarks"][scan], scans["scan_landmarks"][20 * person])

    def test_frames_are_whole(self, folder: Path) -> None:
        write_florence_clips(folder)
        image = opened("florence_clips", folder).arrays["images"][8]

        rows = np.flatnonzero(image[2].max(axis=1) > 20)  # 90 x 70 pixels in a square of 64
        assert [rows[0], rows[-1]] == pytest.approx([7, 56], abs=1)

    def test_clips_that_are_missing_or_short_are_remarked(self, folder: Path) -> None:
        write_florence_clips(folder)

        remarks = checked("florence_clips", folder).remarks

        assert any("2 clips have no frames, such as subject_01/indoor, subject_30/indoor" in each for each in remarks)
        assert any("2 clips have fewer than 5 frames, such as subject_01/outdoor" in each for each in remarks)
        assert any("4 clips, where the publishers count 159" in each for each in remarks)

    def test_without_frames_it_says_how_they_are_made(self, folder: Path) -> None:
        write_florence(folder)
        (folder / "frames/subject_01/indoors").mkdir(parents=True)

        with pytest.raises(BadInput, match=r"holds no frames: expected subject_01/cooperative.*`ffmpeg -i VIDEO"):
            checked("florence_clips", folder)


class TestFaceWarehouse:
    def test_meshes_come_back_in_mm(self, folder: Path) -> None:
        write_facewarehouse(folder)

        arrays = opened("facewarehouse", folder).arrays

        assert arrays["expression"].tolist() == [0, 1, 0, 1]
        assert arrays["identity"].tolist() == [0, 0, 1, 1]
        for row in range(4):
            np.testing.assert_allclose(arrays["scans"][row], head(row // 2, row % 2)[::4], atol=1e-3)
            np.testing.assert_allclose(arrays["neutral"][row], head(row // 2)[::4], atol=1e-3)

    def test_blendshapes_are_the_neutral_face_and_its_expressions(self, folder: Path) -> None:
        write_facewarehouse(folder)
        path = folder / f"FaceWarehouse_Data_0/Tester_{TESTERS[0]}/Blendshape/shape.bs"

        np.testing.assert_allclose(100 * read_blendshapes(path)[2], head(0, 2)[::4], atol=1e-3)

    def test_a_list_says_whom_paper_5_evaluates(self, folder: Path) -> None:
        write_facewarehouse(folder)
        (folder / "evaluated.txt").write_text("Tester_12\n")

        assert opened("facewarehouse", folder).arrays["is_evaluated"].tolist() == [False, False, True, True]
        (folder / "evaluated.txt").write_text("Tester_1\nTester_7\n")
        with pytest.raises(CorruptFile, match=r"evaluated\.txt, line 2: 'Tester_7': expected the name"):
            checked("facewarehouse", folder)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"\0" * 11, "has 11 bytes"),
            (struct.pack("<3i", 46, 11510, 11400), "counts 46 expressions of 11510 vertices: expected 6491652 bytes"),
            (struct.pack("<3i", -1, 2, 3), "counts -1 expressions"),
            (struct.pack("<3i", 2**31 - 1, 2**31 - 1, 3), "counts 2147483647 expressions"),
            (struct.pack("<3i6f", 1, 1, 0, *[float("nan")] * 6), "not finite"),
            (struct.pack("<3i6f", 1, 1, 0, *range(6)), "vertices|extends over"),
        ],
    )
    def test_blendshapes_that_lie_are_refused(self, content: bytes, told: str, folder: Path) -> None:
        write_facewarehouse(folder)
        (folder / "FaceWarehouse_Data_1/Tester_12/Blendshape/shape.bs").write_bytes(content)

        with pytest.raises(CorruptFile, match=rf"shape\.bs.*({told})"):
            checked("facewarehouse", folder)

    def test_a_person_who_is_there_twice_is_refused(self, folder: Path) -> None:
        write_facewarehouse(folder)
        (folder / "FaceWarehouse_Data_0/Tester_12").mkdir()

        with pytest.raises(CorruptFile, match=r"Tester_12: is there again, as FaceWarehouse_Data_0/Tester_12 is"):
            checked("facewarehouse", folder)

    def test_meshes_in_another_unit_are_refused(self, folder: Path) -> None:
        write_facewarehouse(folder)
        path = folder / "FaceWarehouse_Data_0/Tester_1/TrainingPose/pose_1.obj"
        path.write_text("".join(f"v {x} {y} {z}\n" for x, y, z in head(0)[::4].tolist()))

        with pytest.raises(CorruptFile, match=r"pose_1\.obj: extends over .*convert its unit"):
            checked("facewarehouse", folder)


def _laid(points: torch.Tensor, expected: torch.Tensor):
    from facelib.geometry.alignment import similarity_transform

    motion = similarity_transform(points[None], expected[None], scale=False)
    return lambda cloud: motion.apply(cloud[None])[0]
