"""The stream of people as weak supervision has it: photographs, what a detector finds on them, and a mask of the skin.

Where a photograph was made, what is known of its face's shape, pose and light is dropped; what is left is
`LandmarkedFaces`, cropped by the landmarks that were detected (paper 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from facelib.data.detected_landmarks import detected, read_errors
from facelib.data.embedded.generation import as_bytes, generator_of
from facelib.data.embedded.people_stream import PeopleStream, PeopleStreamSettings
from facelib.data.landmarked_faces import LandmarkedFaces, aligned

DETECTOR = 1  # added to a stream's seed, for the errors of the detector


@dataclass(frozen=True)
class LandmarkedStream:
    """Makes batches of a stream of people without their truth.

    Args:
        people: the stream.
        standard: (68, 2) pixels, landmarks of the mean face where photographs are cropped to.
    """

    people: PeopleStream
    standard: torch.Tensor

    @classmethod
    def open(cls, settings: PeopleStreamSettings, standard: torch.Tensor) -> LandmarkedStream:
        """With the skins from the cache, painted where they are missing."""
        return cls(PeopleStream.open(settings), standard)

    def batch(self, number: int, count: int) -> dict[str, np.ndarray]:
        """The photographs of a batch, as `landmarked_faces_of` takes them; raises as `PeopleStream.batch`."""
        cropped = self.cropped(self.detected(self.people.batch(number, count), number))
        return {
            "images": as_bytes(cropped.images),
            "landmarks": cropped.landmarks.numpy(),
            "skin": cropped.skin.to(torch.uint8).numpy(),
        }

    def detected(self, arrays: Mapping[str, np.ndarray], number: int) -> LandmarkedFaces:
        """The photographs of batch `number` of the stream of people, as a detector sees them."""
        return detected_faces(arrays, generator_of(self.people.settings.seed + DETECTOR, number))

    def cropped(self, faces: LandmarkedFaces) -> LandmarkedFaces:
        """As networks take them."""
        return aligned(faces, self.standard)


def landmarked_faces_of(arrays: Mapping[str, np.ndarray]) -> LandmarkedFaces:
    """Photographs by their arrays: images (B, 3, S, S) and skin (B, S, S) uint8, landmarks (B, 68, 2) pixels."""
    images, skin = (torch.from_numpy(arrays[name]).float() for name in ("images", "skin"))
    return LandmarkedFaces(images / 255, torch.from_numpy(arrays["landmarks"]), skin)


def detected_faces(arrays: Mapping[str, np.ndarray], generator: torch.Generator) -> LandmarkedFaces:
    """Photographs with the landmarks that a detector finds on them.

    Args:
        arrays: of `posed_photographs`.
        generator: of the detector's errors.
    """
    yaw, _, roll = torch.from_numpy(arrays["pose"]).unbind(1)
    found = detected(torch.from_numpy(arrays["landmarks_2d"]), yaw, roll, generator, read_errors())
    return landmarked_faces_of({**arrays, "landmarks": found.numpy()})
