"""What the training loop is given: networks that learn from photographs and detected landmarks alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from facelib.data.detected_landmarks import box_root
from facelib.data.landmarked_faces import LandmarkedFaces
from facelib.geometry.alignment import lengths
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.objective import WeakObjective
from facelib.papers.photograph_task import Photographs, PhotographTask
from facelib.runs.tasks import Monitor, to_device

SPREAD = ("identity", "expression", "albedo")  # coefficients that differ from person to person


class LandmarkTask(PhotographTask[LandmarkedFaces]):
    """Landmarks as the detector finds them; the mean distance in sides of the image is minimised."""

    monitor = Monitor("landmarks_off", "lowest")

    def losses(self, batch: LandmarkedFaces, phase: str) -> dict[str, torch.Tensor]:
        side = batch.images.shape[-1]
        return {"landmarks": lengths(self.modules["network"](batch.images) - batch.landmarks, dim=2).mean() / side}

    def validate(self) -> dict[str, float]:
        errors = [landmarks_off(self.network(faces.images.to(self.device)), faces) for faces in self.held_out]
        return {"landmarks_off": float(torch.cat(errors).mean())}


class WeakTask(PhotographTask[LandmarkedFaces]):
    """Coefficients, by the losses of eq. 14.

    Args:
        network: images -> FaceCoefficients.
        objective: the losses.
        photographs, held_out, fingerprint: as `PhotographTask`.
    """

    monitor = Monitor("loss", "lowest")

    def __init__(
        self,
        network: nn.Module,
        objective: WeakObjective,
        photographs: Photographs[LandmarkedFaces],
        held_out: Sequence[LandmarkedFaces],
        fingerprint: str,
    ) -> None:
        super().__init__(network, photographs, held_out, fingerprint)
        self.objective = objective

    def losses(self, batch: LandmarkedFaces, phase: str) -> dict[str, torch.Tensor]:
        self.objective.renderer.to(batch.images.device)
        found = self.modules["network"](batch.images)
        with torch.autocast(batch.images.device.type, enabled=False):  # bfloat16 resolves neither vertices nor pixels
            return self.objective.terms(found, batch)

    def validate(self) -> dict[str, float]:
        """The loss on held-out people, how far landmarks are from the detected ones, and how far faces deviate.

        None of it needs a 3D label. A network that is silent about a part of the face has a spread of 0.
        """
        renderer = self.objective.renderer.to(self.device)
        parts = []
        for faces in self.held_out:
            some = to_device(faces, self.device)
            found = self.network(some.images)
            terms = self.objective.terms(found, some)
            off = landmarks_off(renderer.landmarks_of(found), some)
            means = {f"held_out_{name}": float(term) for name, term in terms.items()}
            parts.append(means | {"loss": sum(means.values()), "landmarks_off": float(off.mean())} | spreads(found))
        counts = torch.tensor([float(len(faces)) for faces in self.held_out])
        share = (counts / counts.sum()).tolist()
        return {name: sum(part[name] * each for part, each in zip(parts, share, strict=True)) for name in parts[0]}


def landmarks_off(found: torch.Tensor, faces: LandmarkedFaces) -> torch.Tensor:
    """Mean distance (B,) of landmarks (B, 68, 2) from the detected ones, over the root of their box's area."""
    detected = faces.landmarks
    return lengths(found.cpu() - detected.cpu(), dim=2).mean(dim=1) / box_root(detected.cpu())


def spreads(found: FaceCoefficients) -> dict[str, float]:
    """Root mean squares of the coefficients of a person and an expression; of a silent network they are zero."""
    return {f"spread_{name}": float(getattr(found, name).square().mean().sqrt()) for name in SPREAD}
