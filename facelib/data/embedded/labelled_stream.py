"""The photographs of `landmarked_stream` with the shape and the landmarks of their faces, for networks that are taught
with 3D labels: what weak supervision is compared with (paper 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.embedded.generation import as_bytes
from facelib.data.embedded.landmarked_stream import LandmarkedStream
from facelib.data.landmarked_faces import moved_to_standard


@dataclass(frozen=True)
class LabelledFaces:
    """B photographs, cropped by landmarks as a detector finds them.

    Args:
        images: (B, 3, S, S) RGB in [0, 1].
        landmarks: (B, 68, 2) pixels, where they are.
        identity: (B, K) standard deviations.
        action: (B, E) strengths of the facial actions.
    """

    images: torch.Tensor
    landmarks: torch.Tensor
    identity: torch.Tensor
    action: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)


class LabelledStream(LandmarkedStream):
    """Makes batches of a stream of people with their shape."""

    def batch(self, number: int, count: int) -> dict[str, np.ndarray]:
        """The photographs of a batch, as `labelled_faces_of` takes them; raises as `PeopleStream.batch`."""
        arrays = self.people.batch(number, count)
        faces = self.detected(arrays, number)
        true = moved_to_standard(torch.from_numpy(arrays["landmarks_2d"]), faces.landmarks, self.standard)
        return {
            "images": as_bytes(self.cropped(faces).images),
            "landmarks": true.numpy(),
            "shape": arrays["shape"],
            "action": arrays["action"],
        }


def labelled_faces_of(arrays: Mapping[str, np.ndarray]) -> LabelledFaces:
    """Photographs by their arrays: images (B, 3, S, S) uint8, landmarks (B, 68, 2), shape (B, K), action (B, E)."""
    images = torch.from_numpy(arrays["images"]).float() / 255
    return LabelledFaces(images, *(torch.from_numpy(arrays[name]).float() for name in ("landmarks", "shape", "action")))
