"""The frames that a run learns from: labelled ones of the source, and of the target frames without labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import DepthFrames, LabelledDepth, UnlabelledDepth, labelled_depth
from facelib.data.streamed import portions
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.rotations import matrix_to_quaternion
from facelib.papers.depth_adaptation.frames import DomainBatch, SourceFrames, TargetFrames

HELD_OUT = 200  # frames by which a training is watched, at most


def centred(frames: DepthFrames, reach: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Position images about the middles of the crops, and these middles (B, 3) in the camera frame, mm.

    Args:
        frames: crops, each with a side of `reach` mm at the depth of its middle.
        reach: mm.
    """
    middle = frames.middles(reach)
    return frames.positions() - middle[:, :, None, None], middle


def source_frames(labelled: LabelledDepth, surface: SkinSurface, reach: float) -> SourceFrames:
    """Frames with shape, where it is known, and pose, about their middles."""
    positions, middle = centred(labelled.frames, reach)
    known = labelled.action.shape[1] > 0
    shape = surface.displacements(labelled.shape, labelled.action) if known else labelled.shape
    return SourceFrames(positions, shape, matrix_to_quaternion(labelled.rotation), labelled.translation - middle)


class DomainFrames:
    """Batches of as many frames of each domain; a target frame comes as often as fills the epoch, some one time more.

    Args:
        source: labelled frames.
        rows: (N,) of it that are learnt from.
        target: frames.
        target_rows: (M,) of it that are learnt from.
        surface: of the shapes.
        reach: mm of a crop.
        batch_size: frames of each domain.
    """

    def __init__(
        self,
        source: FaceArchive,
        rows: np.ndarray,
        target: UnlabelledDepth,
        target_rows: np.ndarray,
        surface: SkinSurface,
        reach: float,
        batch_size: int,
    ) -> None:
        self.source, self.rows, self.target, self.target_rows = source, rows, target, target_rows
        self.surface, self.reach, self.batch_size = surface, reach, batch_size
        self.batch_count = len(rows) // batch_size

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[DomainBatch]:
        order = torch.randperm(len(self.rows), generator=generator)
        times = -(-len(order) // len(self.target_rows))
        others = torch.cat([torch.randperm(len(self.target_rows), generator=generator) for _ in range(times)])
        size = self.batch_size
        for number in range(self.batch_count):
            some = slice(number * size, (number + 1) * size)
            yield self.batch(self.rows[order[some].numpy()], self.target_rows[others[some].numpy()])

    def batch(self, rows: np.ndarray, target_rows: np.ndarray) -> DomainBatch:
        """These frames."""
        source = source_frames(labelled_depth(self.source, rows), self.surface, self.reach)
        return DomainBatch(source, TargetFrames(centred(self.target.frames(target_rows), self.reach)[0]))


def held_out(frames: DomainFrames, rows: np.ndarray, target_rows: np.ndarray) -> list[DomainBatch]:
    """Frames of other people, up to `HELD_OUT` of each domain, evenly over these rows."""
    count = min(HELD_OUT, len(rows), len(target_rows))
    some, others = (each[np.linspace(0, len(each) - 1, count).astype(int)] for each in (rows, target_rows))
    ends = np.cumsum(portions(count))[:-1]
    return [
        frames.batch(first, second) for first, second in zip(np.split(some, ends), np.split(others, ends), strict=True)
    ]


def parted(people: np.ndarray, held: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of N frames are of the last people, up to so many and a quarter of all, and which of the others.

    Args:
        people: (N,) who is in each frame.
        held: how many are held out.

    Returns:
        Numbers of the frames that are learnt from, and of those that are held out.
    """
    everybody = np.unique(people)
    last = everybody[-min(held, len(everybody) // 4) :]
    is_held = np.isin(people, last)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)
