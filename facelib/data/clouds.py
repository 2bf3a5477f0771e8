"""The cloud of each photograph: a draw of the points of its expression's cloud, seen from the photograph's view.

Paper 1, section V.C: about 52 different samples are drawn of each expression's points, and the frontal cloud is
projected again with the camera of the image that it is paired with. Hidden points stay (section I).
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.errors import BadInput, unknown_name
from facelib.geometry.point_clouds import check_cloud, normalise_to_unit_sphere
from facelib.geometry.rotations import euler_to_matrix

TURN = math.radians(15)  # ours: CrossPoint turns its objects freely, but faces are aligned
SCALE = 1.25
JITTER, JITTER_LIMIT = 0.01, 0.05
SHIFT = 0.08

CloudPose = Literal["view", "aligned"]


class CloudSource:
    """Clouds of photographs, the same in every process and whatever the batch.

    Args:
        archive: a data set with clouds.
        points: of each cloud, P; the first is always the tip of the nose.
        pose: "view" turns a cloud as the head is turned in its photograph, in the face frame, so that z points to the
            camera; "aligned" leaves it frontal.

    Raises:
        BadInput: when the data set has no clouds, or clouds of fewer points.
        UnknownName: on another pose.
    """

    def __init__(self, archive: FaceArchive, points: int, pose: CloudPose) -> None:
        if pose not in get_args(CloudPose):
            raise unknown_name("pose of clouds", pose, get_args(CloudPose))
        self.stored = archive.clouds(np.arange(0)).shape[1]
        if not 2 <= points <= self.stored:
            raise BadInput(f"points is {points}: expected 2 to {self.stored}, the points stored of a cloud")
        self.archive, self.points, self.pose = archive, points, pose

    def batch(self, rows: np.ndarray) -> torch.Tensor:
        """The clouds (B, P, 3) of the photographs in these rows, scaled to the unit sphere.

        Raises:
            BadInput: on an empty batch, or a photograph without a cloud.
        """
        if len(rows) == 0:
            raise BadInput(f"an empty batch of clouds was asked of data set {self.archive.name}: expected a photograph")
        numbers = self.archive.arrays["cloud"][rows].astype(np.int64)
        if (numbers < 0).any():
            first = rows[np.argmax(numbers < 0)]
            raise BadInput(f"photograph {first} of data set {self.archive.name} has no cloud: leave it out")
        points = self.archive.arrays["clouds"].reshape(-1, 3)
        cloud = torch.from_numpy(points.take(numbers[:, None] * self.stored + self._drawn(rows), axis=0))
        if self.pose == "view":
            yaw, pitch, roll = torch.from_numpy(self.archive.arrays["pose"][rows]).float().unbind(1)
            cloud = cloud @ euler_to_matrix(yaw, pitch, roll).mT
        return normalise_to_unit_sphere(cloud)

    def _drawn(self, rows: np.ndarray) -> np.ndarray:
        """Which points (B, P) the clouds of photographs have, in the order in which they are stored.

        Stored points come farthest first, so the first of a draw are spread over the face too. A draw takes the points
        of the lowest keys; hashing row and point is four times faster than a generator for each row.
        """
        last = self.points - 2
        keys = split_mix(rows[:, None] * self.stored + np.arange(1, self.stored))
        lowest = keys <= np.partition(keys, last, axis=1)[:, last, None]
        others = 1 + np.nonzero(lowest)[1].reshape(len(rows), self.points - 1)
        return np.pad(others, ((0, 0), (1, 0)))


def split_mix(numbers: np.ndarray) -> np.ndarray:
    """A random key for each number, uint64; different numbers have different keys.

    The n-th output of SplitMix64 with seed 0 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014).
    """
    key = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


def augmented(points: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Another view of each cloud, for CrossPoint's comparison within the modality.

    Each point p becomes s R p + t + e: R turns about the vertical axis by up to 15 degrees, log s is even over
    +-log 1.25, t even over +-0.08 along each axis, and e normal with deviation 0.01, clipped at 0.05 (CrossPoint's
    jitter; the other ranges are ours, as its free turns and scales suit objects, not aligned faces). A cloud in the
    unit sphere stays within 1.25 + sqrt(3) (0.08 + 0.05) < 1.5 of the origin.

    Args:
        points: (B, N, 3) in the unit sphere.
        generator: of the randomness; its device may differ from the points'.

    Returns:
        (B, N, 3).

    Raises:
        BadInput: on a wrong shape or a non-finite coordinate.
    """
    check_cloud("points", points)
    even = 2 * torch.rand(len(points), 5, generator=generator, device=generator.device).to(points) - 1
    noise = torch.randn(points.shape, generator=generator, device=generator.device).to(points)
    level = torch.zeros_like(even[:, 0])
    turn = euler_to_matrix(TURN * even[:, 0], level, level)
    scale = torch.exp(math.log(SCALE) * even[:, 1])
    moved = points @ (scale[:, None, None] * turn).mT + SHIFT * even[:, None, 2:]
    return moved + (JITTER * noise).clamp(-JITTER_LIMIT, JITTER_LIMIT)
