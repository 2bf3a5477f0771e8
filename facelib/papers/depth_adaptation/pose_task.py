"""DAPoseNet in two stages: by the poses of source frames (eq. 6), then by the surface of target frames (eq. 7)."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from facelib.errors import BadInput, check_shape
from facelib.geometry.rotations import geodesic_distance, quaternion_to_matrix
from facelib.losses.head_pose import LandmarkMatch, landmark_chamfer, pose_loss
from facelib.models.depth_networks import DAPoseNet, HeadPose
from facelib.models.position_images import scaled_positions
from facelib.papers.depth_adaptation.frames import DomainBatch, DomainTraining, SourceFrames, TargetFrames
from facelib.papers.depth_adaptation.settings import PoseSettings
from facelib.papers.photograph_task import PhotographTask
from facelib.runs.phases import Phase, Stage
from facelib.runs.tasks import Monitor, to_device

SUPERVISED, SELF_SUPERVISED = "supervised", "self_supervised"


class PoseTask(PhotographTask[DomainBatch]):
    """Supervised on source frames, then self-supervised on target frames.

    Args:
        network: reads poses.
        given: what it learns from.
        pose: lengths of the stages, and what their losses are made of.
        landmarks: v_i of eq. 7, (L, 3) mm, of the reference face in the face frame.

    Raises:
        BadInput: on another shape of the landmarks, or if both stages are left out.
    """

    monitor = Monitor("held_out_pose", "lowest")

    def __init__(self, network: DAPoseNet, given: DomainTraining, pose: PoseSettings, landmarks: torch.Tensor) -> None:
        check_shape("landmarks", landmarks, (None, 3))
        super().__init__(network, given.frames, given.held_out, given.fingerprint)
        self.pose, self.landmarks, self.reach = pose, landmarks, given.networks.reach_mm
        lengths = {SUPERVISED: pose.source_epochs, SELF_SUPERVISED: pose.target_epochs}
        self.schedule = tuple(Stage((Phase(name),), epochs) for name, epochs in lengths.items() if epochs)
        if not self.schedule:
            raise BadInput("0 source_epochs and 0 target_epochs: expected epochs in one of them at least")

    def losses(self, batch: DomainBatch, phase: str) -> Mapping[str, torch.Tensor]:
        if phase == SUPERVISED:
            return {"pose": self._error(self._read(batch.source), batch.source)}
        return {"landmarks": self._match(self._read(batch.target), batch.target).loss}

    def validate(self) -> dict[str, float]:
        """Errors of held-out source frames, and how well landmarks lie on held-out target frames."""
        parts = []
        for given in self.held_out:
            batch = to_device(given, self.device)
            source, target = (self._read(each) for each in (batch.source, batch.target))
            turns = [quaternion_to_matrix(each) for each in (source.quaternion, batch.source.quaternion)]
            match = self._match(target, batch.target)
            parts.append(
                {
                    "held_out_pose": self._error(source, batch.source),
                    "angle": geodesic_distance(*turns).mean().rad2deg(),
                    "offset": (source.translation - batch.source.translation).norm(dim=1).mean(),
                    "target_landmarks": match.loss,
                    "target_matched": match.matched,
                }
            )
        return {name: float(torch.stack([part[name] for part in parts]).mean()) for name in parts[0]}

    def _read(self, frames: SourceFrames | TargetFrames) -> HeadPose:
        return HeadPose(*self.modules["network"](scaled_positions(frames.positions, self.reach)))

    def _error(self, found: HeadPose, frames: SourceFrames) -> torch.Tensor:
        return pose_loss(*found, frames.quaternion, frames.translation, self.pose.alpha)

    def _match(self, found: HeadPose, frames: TargetFrames) -> LandmarkMatch:
        placed = found.motion.apply(self.landmarks.to(found.translation))
        return landmark_chamfer(placed, frames.positions, self.pose.threshold_mm)
