"""Pose, camera, landmarks and shape of 300W-LP and AFLW2000-3D against the publishers' formulas, worked out slowly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sets import SIZE, checked, opened, square
from scipy.spatial.transform import Rotation
from written_sets import (
    WRITERS,
    fitted_face,
    write_300w_lp,
    write_basel,
)

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.licensed.basel_2009 import read_basel
from facelib.data.licensed.faces_300w_lp import head_rotation
from facelib.errors import CorruptFile
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import euler_to_matrix


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
            left, top, side = square(points)
            expected = (points[:, :2] + 0.5 - (left, top)) * SIZE / side
            np.testing.assert_allclose(arrays["landmarks_2d"][number], expected, atol=1e-3)
            np.testing.assert_allclose(arrays["landmarks_3d"][number][:, :2], expected, atol=1e-3)
            np.testing.assert_allclose(arrays["landmarks_3d"][number][:, 2], -points[:, 2] * SIZE / side, atol=1e-3)

    def test_photographs_are_upright_and_not_mirrored(self, folder: Path) -> None:
        """Red grows from left to right, green downwards, as in the files."""
        WRITERS["aflw2000"](folder)

        image = opened("aflw2000", folder).arrays["images"][0].astype(float)

        left, top, side = square(fitted_face(0)["points"].T)
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


def _expected_vertices(raw: dict[str, np.ndarray], number: int) -> tuple[np.ndarray, float]:
    """Vertices (V, 3) of one photograph: column and row in pixels of the crop, and the upright frame's own z."""
    values = fitted_face(number)
    pitch, yaw, roll, *shift, scale = values["Pose_Para"][0].astype(float)
    turn = Rotation.from_euler("XYZ", (-pitch, -yaw, -roll)).as_matrix()
    left, top, side = square(values["points"].T)
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
