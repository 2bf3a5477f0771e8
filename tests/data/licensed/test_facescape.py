"""FaceScape: cameras, lenses and frames against formulas that do not go through the scanned frame."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sets import SIZE, checked, opened, square
from scipy.spatial.transform import Rotation
from written_sets import (
    FACESCAPE_TURNS,
    WRITERS,
    facescape_face,
    facescape_view,
)

from facelib.data.licensed import READERS
from facelib.data.licensed.archives import open_licensed
from facelib.data.licensed.lens import View
from facelib.errors import CorruptFile


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
            left, top, side = square(points)
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
        left, top, side = square(points)
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
