"""Clouds of photographs, against a draw and a turn done point by point."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from facelib.data.archive import FaceArchive
from facelib.data.clouds import CloudPose, CloudSource, augmented, split_mix
from facelib.errors import BadInput, UnknownName

STORED, PHOTOGRAPHS, CLOUDS = 40, 12, 3
ROWS = np.array([0, 3, 5, 11])


def small_archive() -> FaceArchive:
    generator = np.random.default_rng(0)
    return FaceArchive(
        "small",
        "print",
        {
            "cloud": (np.arange(PHOTOGRAPHS) % CLOUDS).astype(np.int32),
            "pose": generator.uniform(-1.5, 1.5, (PHOTOGRAPHS, 3)).astype(np.float32),
            "clouds": generator.normal(0, 60, (CLOUDS, STORED, 3)).astype(np.float32),
        },
    )


def turned(point: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """A point of the face turned by roll about z, then -pitch about x, then yaw about y."""
    x, y, z = point
    x, y = x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
    y, z = y * math.cos(pitch) + z * math.sin(pitch), z * math.cos(pitch) - y * math.sin(pitch)
    x, z = x * math.cos(yaw) + z * math.sin(yaw), z * math.cos(yaw) - x * math.sin(yaw)
    return np.array([x, y, z])


def scaled(cloud: np.ndarray) -> np.ndarray:
    centred = cloud - cloud.mean(axis=0)
    return centred / np.linalg.norm(centred, axis=1).max()


def test_all_points_are_the_stored_cloud_turned_as_the_head() -> None:
    archive = small_archive()
    found = CloudSource(archive, STORED, "view").batch(ROWS).numpy()

    for cloud, row in zip(found, ROWS, strict=True):
        pose = archive.arrays["pose"][row].astype(float).tolist()
        stored = archive.arrays["clouds"][row % CLOUDS].astype(float)
        np.testing.assert_allclose(cloud, scaled(np.stack([turned(point, *pose) for point in stored])), atol=1e-5)


def test_the_nose_turns_as_in_the_photograph() -> None:
    cloud = np.array([[[0, 0, 100], [60, 0, 0], [-60, 0, 0]]], np.float32)  # the nose's tip and both ears
    pose = np.array([[0.6, 0, 0], [0, 0.6, 0], [0, 0, 0.6]], np.float32)
    archive = FaceArchive("three", "print", {"cloud": np.zeros(3, np.int32), "pose": pose, "clouds": cloud})
    yawed, pitched, rolled = CloudSource(archive, 3, "view").batch(np.arange(3)).numpy()

    assert yawed[0, 0] > 0.3  # to the subject's left
    assert pitched[0, 1] > 0.3  # up
    assert rolled[1, 1] > 0.3  # the left ear rises, so the head is lowered to the right


def matched(cloud: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """The stored points, by number, that a scaled aligned cloud consists of: scale and shift from its first two."""
    for second in range(1, len(stored)):
        scale = np.linalg.norm(cloud[1] - cloud[0]) / np.linalg.norm(stored[second] - stored[0])
        moved = (stored - stored[0]) * scale + cloud[0]
        distance = np.linalg.norm(cloud[:, None] - moved[None], axis=2)
        if distance.min(axis=1).max() < 1e-4:
            return distance.argmin(axis=1)
    raise AssertionError("not points of the stored cloud")


def test_fewer_points_are_a_draw_without_replacement_from_the_nose_on() -> None:
    archive = small_archive()
    found = CloudSource(archive, 15, "aligned").batch(np.arange(PHOTOGRAPHS)).numpy()
    draws = [matched(cloud, archive.arrays["clouds"][row % CLOUDS]) for row, cloud in enumerate(found)]

    for draw in draws:
        assert draw[0] == 0
        assert (np.diff(draw) > 0).all()  # all different, in the order stored
    assert len({tuple(draw) for draw in draws}) == PHOTOGRAPHS


def test_every_point_is_drawn_equally_often() -> None:
    source = CloudSource(small_archive(), 14, "aligned")
    counts = np.bincount(source._drawn(np.arange(3000)).ravel(), minlength=STORED)

    assert counts[0] == 3000
    np.testing.assert_allclose(counts[1:] / 3000, 13 / 39, atol=5 * math.sqrt(13 / 39 * 26 / 39 / 3000))


def test_keys_are_the_published_outputs_of_split_mix() -> None:
    assert split_mix(np.arange(1, 4)).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_clouds_are_centred_and_reach_the_unit_sphere() -> None:
    found = CloudSource(small_archive(), 15, "view").batch(ROWS)

    torch.testing.assert_close(found.mean(dim=1), torch.zeros(4, 3), atol=1e-6, rtol=0)
    torch.testing.assert_close(found.norm(dim=2).amax(dim=1), torch.ones(4))
    assert found.dtype == torch.float32


def test_a_view_is_the_aligned_cloud_turned() -> None:
    archive = small_archive()
    aligned, seen = (CloudSource(archive, 15, pose).batch(ROWS) for pose in ("aligned", "view"))

    torch.testing.assert_close(torch.cdist(seen, seen), torch.cdist(aligned, aligned), atol=1e-5, rtol=0)
    assert (seen - aligned).abs().max() > 0.5


@pytest.mark.parametrize("pose", ["view", "aligned"])
def test_a_cloud_does_not_depend_on_its_batch(pose: CloudPose) -> None:
    source = CloudSource(small_archive(), 15, pose)
    together = source.batch(ROWS)

    for i, row in enumerate(ROWS):
        torch.testing.assert_close(source.batch(np.array([row]))[0], together[i], atol=1e-6, rtol=0)


ELSEWHERE = """
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from test_clouds import ROWS, CloudSource, small_archive

print(CloudSource(small_archive(), 15, "view")._drawn(ROWS).tolist())
"""


def test_another_process_draws_the_same() -> None:
    command = [sys.executable, "-c", ELSEWHERE, str(Path(__file__).parent)]
    elsewhere = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert elsewhere == f"{CloudSource(small_archive(), 15, 'view')._drawn(ROWS).tolist()}\n"


def test_a_data_set_without_clouds_is_refused() -> None:
    archive = small_archive()
    without = FaceArchive("web", "print", {name: a for name, a in archive.arrays.items() if name != "clouds"})

    with pytest.raises(BadInput, match="data set web has no point clouds"):
        CloudSource(without, 10, "view")


def test_a_photograph_without_a_cloud_is_named() -> None:
    archive = small_archive()
    archive.arrays["cloud"][5] = -1

    assert len(CloudSource(archive, 10, "view").batch(np.array([4, 6]))) == 2
    with pytest.raises(BadInput, match="photograph 5 of data set small has no cloud"):
        CloudSource(archive, 10, "view").batch(ROWS)


@pytest.mark.parametrize("points", [1, STORED + 1])
def test_an_impossible_number_of_points_is_refused(points: int) -> None:
    with pytest.raises(BadInput, match=f"points is {points}: expected 2 to 40"):
        CloudSource(small_archive(), points, "view")


def test_an_unknown_pose_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown pose of clouds 'views'.*did you mean 'view'"):
        CloudSource(small_archive(), 10, "views")  # type: ignore[arg-type]


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(BadInput, match="an empty batch of clouds was asked of data set small"):
        CloudSource(small_archive(), 10, "view").batch(np.array([], int))


def many_on_the_sphere() -> torch.Tensor:
    points = torch.randn(300, 50, 3, generator=torch.Generator().manual_seed(0))
    return points / points.norm(dim=2, keepdim=True)


def test_augmented_clouds_are_turned_scaled_and_moved_within_the_limits() -> None:
    points = many_on_the_sphere()
    found = augmented(points, torch.Generator().manual_seed(1))

    assert float(found.norm(dim=2).max()) < 1.5
    # The best similarity of each cloud, by Kabsch: turn about y, scale and shift; what remains is the jitter.
    before, after = (cloud - cloud.mean(dim=1, keepdim=True) for cloud in (points, found))
    u, singular, vt = torch.linalg.svd(after.mT @ before)
    turn = u @ vt
    scale = singular.sum(dim=1) / before.square().sum(dim=(1, 2))
    angle = torch.rad2deg(torch.atan2(turn[:, 0, 2], turn[:, 2, 2]))
    shift = found.mean(dim=1) - scale[:, None] * (turn @ points.mean(dim=1)[..., None])[..., 0]
    assert float((turn[:, 1, 1] - 1).abs().max()) < 1e-3  # the vertical axis stays
    for value, limit in ((angle, 15.0), (torch.log(scale) / math.log(1.25), 1.0), (shift, 0.08)):
        assert float(value.abs().max()) < 1.1 * limit
        assert 0.5 * limit < float(value.std()) < 0.65 * limit  # even: 0.58
    rest = after - scale[:, None, None] * (before @ turn.mT)
    assert float(rest.std()) == pytest.approx(0.01, rel=0.1)
    assert float(rest.abs().max()) < 0.06


def test_each_cloud_is_augmented_by_its_own_draw_and_none_in_place() -> None:
    points = many_on_the_sphere()[:1].expand(4, -1, -1)
    kept = points.clone()
    first, again, other = (augmented(points, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))

    assert torch.equal(points, kept)
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.05
    assert (first[0] - first[1]).abs().max() > 0.05


@pytest.mark.parametrize("wrong", ["shape", "nan"])
def test_unusable_points_are_refused(wrong: str) -> None:
    points = torch.zeros(2, 5, 2) if wrong == "shape" else torch.full((2, 5, 3), float("nan"))

    with pytest.raises(BadInput, match="points"):
        augmented(points, torch.Generator())
