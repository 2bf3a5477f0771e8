"""Depth sets: depth, cameras and poses come back in our frames, and files that lie are refused in words."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from made_depth_folders import (
    BIWI,
    bin_file,
    biwi_pose,
    head,
    ict_turn,
    model,
    write_biwi,
    write_facewarehouse_depth,
    write_ict_3dhp,
)
from opened_sets import SIZE, checked, opened
from PIL import Image
from written_scans import DEPTH_WRITERS

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import DepthFrames, LabelledDepth, labelled_depth, without_labels
from facelib.data.licensed.depth_files import read_biwi_depth
from facelib.errors import BadInput, CorruptFile
from facelib.geometry.camera import face_to_camera
from facelib.geometry.nearest_on_surface import nearest_on_surface
from facelib.geometry.rotations import euler_to_matrix

FRAME = "hpdb/01/frame_00003"


def placed_off(found: LabelledDepth, heads: torch.Tensor) -> torch.Tensor:
    """Median distance (B,) in mm of the frames' near points from heads in the pose that the labels say."""
    off = []
    for number, vertices in enumerate(found.placed(heads)):
        points = found.frames.positions()[number].flatten(1).T
        points = points[points[:, 2] < 1500]  # false of NaN, and of the wall
        found_there = nearest_on_surface(points[None], vertices[None], model().triangles)
        off.append(found_there.distances.median())
    return torch.stack(off)


class TestBiwi:
    def test_people_who_come_twice_have_one_identity(self, folder: Path) -> None:
        write_biwi(folder)

        result = checked("biwi", folder)

        assert dict(zip(result.index.columns["sequence"], result.index.columns["identity"], strict=True)) == {
            1: 0,
            2: 1,
            21: 1,
        }
        assert any("sequences 02 = 21 show one person each" in remark for remark in result.remarks)

    def test_pose_and_place_are_those_that_were_written(self, folder: Path) -> None:
        write_biwi(folder)

        arrays = opened("biwi", folder).arrays

        poses = [biwi_pose(sequence, frame) for sequence, frames in BIWI.items() for frame in frames]
        np.testing.assert_allclose(arrays["pose"], [pose for pose, _ in poses], atol=1e-4)
        np.testing.assert_allclose(arrays["translation"], [place for _, place in poses], atol=1e-3)

    def test_frames_stand_in_the_order_of_their_numbers(self, folder: Path) -> None:
        write_biwi(folder)
        for end in ("depth.bin", "pose.txt"):
            place = folder / "hpdb/01"
            (place / f"frame_00004_{end}").rename(place / f"frame_10_{end}")  # before 3 in the order of letters

        index = checked("biwi", folder).index

        assert index.columns["frame"] == [3, 10, 3, 9]

    def test_heads_lie_in_the_frames_where_the_labels_put_them(self, folder: Path) -> None:
        """Pose, place, camera and depth at once: a wrong sign of any would move the head by centimetres."""
        write_biwi(folder)

        archive = opened("biwi", folder)

        found = labelled_depth(archive, np.arange(len(archive)))
        heads = torch.stack([head(sequence % 3) for sequence in archive.arrays["sequence"].tolist()])
        assert (placed_off(found, heads) < 3).all()

    def test_a_crop_has_the_pixels_of_its_frame(self, folder: Path) -> None:
        write_biwi(folder)

        arrays = opened("biwi", folder).arrays

        whole = read_biwi_depth(folder / f"{FRAME}_depth.bin")
        (focal_u, focal_v), (center_u, center_v) = arrays["focal"][0], arrays["center"][0]
        for row, column in [(SIZE // 2, SIZE // 2), (5, 60), (60, 20)]:
            x, y = (column + 0.5 - center_u) / focal_u, (row + 0.5 - center_v) / focal_v
            expected = whole[int(y * 573.0 + 240.5), int(x * 575.816 + 320.5)]
            assert arrays["depth"][0, row, column] == 10 * expected

    def test_masks_are_taken_where_a_copy_has_them(self, folder: Path) -> None:
        write_biwi(folder)

        arrays = opened("biwi", folder).arrays

        assert (arrays["mask"][2:] == -1).all()
        near = (arrays["depth"][:2] > 0) & (arrays["depth"][:2] < 15000)
        np.testing.assert_array_equal(arrays["mask"][:2], near)

    def test_trainings_on_the_frames_are_given_no_label(self, folder: Path) -> None:
        write_biwi(folder)

        assert isinstance(without_labels(opened("biwi", folder)).frames(np.arange(2)), DepthFrames)

    def test_every_way_to_pack_a_frame_is_read(self, tmp_path: Path) -> None:
        chance = np.random.default_rng(0)
        for number in range(20):
            depth = chance.integers(0, 3, (5, 7)).astype(np.int16) * (number % 5)
            path = tmp_path / f"{number}.bin"
            path.write_bytes(bin_file(depth))
            np.testing.assert_array_equal(read_biwi_depth(path), depth)

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b"", "has 0 bytes"),
            (struct.pack("<2i", 640, -480), "640 x -480 pixels"),
            (struct.pack("<2i", 2**30, 2**30), "pixels"),
            (struct.pack("<2i", 4, 2), "ends at byte 8, with 8 pixels left"),
            (struct.pack("<4i", 4, 2, 0, 0), "counts 0 empty and 0 seen"),
            (struct.pack("<4i", 4, 2, 2**31 - 1, 2**31 - 1), "counts 2147483647 empty"),
            (struct.pack("<4i", 4, 2, 9, 0), "counts 9 empty and 0 seen pixels at byte 8"),
            (struct.pack("<4i", 4, 2, -1, 3), "counts -1 empty"),
            (struct.pack("<4i", 4, 2, 0, 8) + b"\0" * 15, "ends within the depths at byte 16"),
            (struct.pack("<4i", 4, 2, 8, 0) + b"\0", "goes on behind its frame, from byte 16 to 17"),
            (struct.pack("<4i8h", 4, 2, 0, 8, *([-5] * 8)), "holds a depth of -5 mm"),
        ],
    )
    def test_counts_that_lie_are_refused(self, content: bytes, told: str, folder: Path) -> None:
        write_biwi(folder)
        (folder / f"{FRAME}_depth.bin").write_bytes(content)

        with pytest.raises(CorruptFile, match=rf"frame_00003_depth\.bin .*{told}.*: expected"):
            checked("biwi", folder)

    @pytest.mark.parametrize(
        ("name", "old", "new", "told"),
        [
            ("hpdb/01/depth.cal", "575.816 0 320", "575.816 0", r"line 1: .*the 3 x 3 matrix"),
            ("hpdb/01/depth.cal", "575.816 0 320", "575.816 9 320", "has the matrix"),
            ("hpdb/01/depth.cal", "575.816", "-575.816", "has the matrix"),
            ("hpdb/01/depth.cal", "575.816", "nan", r"line 1"),
            ("hpdb/01/depth.cal", "\n0 1 0 ", "\n0 2 0 ", "no rotation"),
            (f"{FRAME}_pose.txt", "900", "-900", "the head at z = -900"),
            (f"{FRAME}_pose.txt", "900", "9000000", "a number from"),
            (f"{FRAME}_pose.txt", "40.000", "900000.000", "a number from|does not show"),
            (f"{FRAME}_pose.txt", "40.000", "4000.000", "does not show the head"),
        ],
    )
    def test_cameras_and_poses_that_lie_are_refused(
        self, name: str, old: str, new: str, told: str, folder: Path
    ) -> None:
        write_biwi(folder)
        path = folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

        with pytest.raises(CorruptFile, match=told):
            checked("biwi", folder)

    def test_windows_line_ends_are_no_matter(self, folder: Path, tmp_path: Path) -> None:
        write_biwi(folder)
        shutil.copytree(folder, tmp_path / "windows")
        for path in (tmp_path / "windows").rglob("*"):
            if path.suffix in (".cal", ".txt"):
                path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

        ours, theirs = opened("biwi", folder), opened("biwi", tmp_path / "windows")

        np.testing.assert_array_equal(ours.arrays["pose"], theirs.arrays["pose"])


class TestIct3dhp:
    def test_turns_are_products_about_the_camera_s_axes(self, folder: Path) -> None:
        write_ict_3dhp(folder)

        archive = opened("ict_3dhp", folder)

        found = euler_to_matrix(*torch.from_numpy(np.array(archive.arrays["pose"])).unbind(1)).numpy()
        np.testing.assert_allclose(found, [ict_turn(0), ict_turn(1), ict_turn(0)], atol=1e-5)
        assert archive.arrays["sequence"].tolist() == [1, 1, 2]
        np.testing.assert_allclose(archive.arrays["translation"][1], (1.5, -2.5, 804), atol=1e-3)

    def test_the_head_is_in_the_middle_of_the_crop(self, folder: Path) -> None:
        write_ict_3dhp(folder)

        archive = opened("ict_3dhp", folder)

        frames = without_labels(archive).frames(np.arange(len(archive)))
        for number, positions in enumerate(frames.positions()):
            points = positions.flatten(1).T
            near = points[points[:, 2] < 1500]
            middle = (near.amin(dim=0) + near.amax(dim=0)) / 2
            at_middle = frames.middles(300.0)[number]
            assert (middle - at_middle)[:2].abs().max() < 60, number
            assert len(near) > 0.2 * SIZE**2

    def test_frames_and_lines_must_be_as_many(self, folder: Path) -> None:
        write_ict_3dhp(folder)
        path = folder / "seq1/polhemusNorm.csv"
        path.write_text(path.read_text() + "0,0,0,0,0,0\n")

        with pytest.raises(
            CorruptFile, match=r"polhemusNorm\.csv: has 3 lines: expected one for each of 2 depth frames"
        ):
            checked("ict_3dhp", folder)

    @pytest.mark.parametrize("line", ["0,0,0,0,0", "0,0,0,0,0,20", "a,0,0,0,0,0", "inf,0,0,0,0,0"])
    def test_lines_that_are_no_pose_are_refused(self, folder: Path, line: str) -> None:
        write_ict_3dhp(folder)
        (folder / "seq2/polhemusNorm.csv").write_text(f"{line}\n")

        with pytest.raises(CorruptFile, match=r"polhemusNorm\.csv, line 1: "):
            checked("ict_3dhp", folder)

    def test_a_photograph_in_the_place_of_a_frame_is_refused(self, folder: Path) -> None:
        write_ict_3dhp(folder)
        Image.new("RGB", (640, 480)).save(folder / "seq2/depthAligned/0000.png")

        with pytest.raises(CorruptFile, match=r"0000\.png has 640 x 480 pixels of mode RGB: expected .*16 bits"):
            checked("ict_3dhp", folder)


class TestFaceWarehouseDepth:
    def test_frames_come_with_the_meshes_that_were_seen(self, folder: Path) -> None:
        write_facewarehouse_depth(folder)

        archive = opened("facewarehouse_depth", folder)

        arrays = archive.arrays
        assert arrays["identity"].tolist() == [0, 0, 1, 1]
        assert arrays["expression"].tolist() == [0, 1, 0, 1]
        assert np.isnan(arrays["pose"]).all()
        frames, meshes = without_labels(archive).frames(np.arange(4)), torch.from_numpy(np.array(arrays["heads"]))
        for number, (positions, mesh) in enumerate(zip(frames.positions(), meshes, strict=True)):
            person, pose = divmod(number, 2)
            turn = euler_to_matrix(*torch.tensor([0.02 * pose, 0.01 * person, 0.0]))
            place = torch.tensor([5.0 * pose, -10.0, 750.0 + 10 * person])  # as they were written
            seen = face_to_camera(mesh[None], turn[None], place[None])
            points = positions.flatten(1).T
            off = torch.cdist(seen[0, np.unique(arrays["face_triangles"])], points[points[:, 2] < 1500]).amin(dim=1)
            assert off.median() < 5, number  # of vertices from pixels 5 mm apart

    def test_landmarks_are_found_and_may_be_given(self, folder: Path) -> None:
        write_facewarehouse_depth(folder)
        arrays = opened("facewarehouse_depth", folder).arrays
        true = head(1, 1)[model().landmarks]

        found = torch.from_numpy(arrays["heads"][3][arrays["head_landmarks"]])
        assert (found - true).norm(dim=1).max() < 6  # vertices in the mouth and nostrils are missing
        assert (found - true).norm(dim=1).median() < 1
        (folder / "landmarks.txt").write_text("30 17\n48 18\n")
        given = opened("facewarehouse_depth", folder).arrays["head_landmarks"]
        assert (given[30], given[48]) == (17, 18)
        others = np.delete(np.arange(68), [30, 48])
        np.testing.assert_array_equal(given[others], arrays["head_landmarks"][others])

    def test_the_face_is_without_neck_and_ears(self, folder: Path) -> None:
        write_facewarehouse_depth(folder)

        arrays = opened("facewarehouse_depth", folder).arrays

        face = arrays["heads"][0][np.unique(arrays["face_triangles"])]
        tip, chin = (arrays["heads"][0][arrays["head_landmarks"][number]] for number in (30, 8))
        assert 60 < np.linalg.norm(face - tip, axis=1).max() < 110
        assert face[:, 1].min() > chin[1] - 15
        assert len(face) > 0.2 * arrays["heads"].shape[1]

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("Tester_12,1", "Tester_13,1", r"line 5: .*the name of a person's folder, such as Tester_1"),
            ("Tester_12,1", "Tester_12,0", r"line 5: .*each expression of a person once"),
            ("Tester_12,1", "Tester_12,20", r"line 5: .*the number of an expression"),
            ("575.8,575.8", "0,575.8", r"line 2: .*a focal length in pixels"),
            ("320,240", "320,2400", r"line 2: .*the principal point in pixels"),
            ("path,", "file,", r"line 1: .*the line path, person"),
        ],
    )
    def test_tables_that_lie_are_refused(self, old: str, new: str, told: str, folder: Path) -> None:
        write_facewarehouse_depth(folder)
        path = folder / "depth_frames.csv"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

        with pytest.raises(CorruptFile, match=rf"depth_frames\.csv, {told}"):
            checked("facewarehouse_depth", folder)

    def test_a_folder_without_a_table_is_told_what_to_write(self, folder: Path) -> None:
        write_facewarehouse_depth(folder)
        (folder / "depth_frames.csv").unlink()

        with pytest.raises(BadInput, match=r"holds no depth_frames\.csv: expected the frames of the data set"):
            checked("facewarehouse_depth", folder)

    def test_meshes_of_another_topology_are_refused(self, folder: Path) -> None:
        write_facewarehouse_depth(folder)
        path = folder / "Tester_12/TrainingPose/pose_1.obj"
        path.write_text("v 0 0 0\n" + path.read_text())

        with pytest.raises(CorruptFile, match=r"pose_1\.obj: has \d+ vertices: expected \d+ as the others have"):
            checked("facewarehouse_depth", folder)


@pytest.mark.parametrize("name", DEPTH_WRITERS)
def test_every_depth_set_has_the_arrays_of_the_embedded_ones(name: str, folder: Path) -> None:
    DEPTH_WRITERS[name](folder)

    archive: FaceArchive = opened(name, folder)

    known = {"depth", "focal", "center", "shape", "action", "pose", "translation", "identity", "sequence"}
    meshes = {"expression", "heads", "head_landmarks", "face_triangles"} if name == "facewarehouse_depth" else set()
    assert set(archive.arrays) == known | {"mask"} | meshes
    assert archive.arrays["depth"].dtype == np.uint16
    labelled_depth(archive, np.arange(2))
