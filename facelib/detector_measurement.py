"""For maintainers: how far dlib's landmarks lie from the true ones on rendered faces, stored for paper 5.

`python -m facelib.detector_measurement` measures anew what `facelib.data.detected_landmarks` reads (extra
"photographs", about three minutes).
"""

from __future__ import annotations

import torch

from facelib.conventions import MIRRORED_LANDMARKS
from facelib.data.detected_landmarks import DetectorErrors, box_root, roll_axes, turn_features, write_errors
from facelib.data.embedded.portraits import portraits
from facelib.data.photographs import FaceBox, Photograph
from facelib.geometry.rotations import matrix_to_euler
from facelib.landmark_comparison import dlib_landmarks
from facelib.papers.sadrnet.networks import face_model

PHOTOGRAPHS, LARGEST_YAW, SIZE, CROP = 900, 70.0, 256, 2.6
COMPONENTS = 24  # directions of the spread that are kept, the strongest


def measured_errors(count: int = PHOTOGRAPHS) -> DetectorErrors:
    """The errors on so many rendered faces, of those that dlib finds, and of their mirror images."""
    people = portraits(face_model(), count, SIZE, yaw=LARGEST_YAW, crop=CROP)
    yaws, _, rolls = matrix_to_euler(people.rotation)
    rows, found = list[int](), list[torch.Tensor]()
    for row, (image, landmarks) in enumerate(zip(people.image, people.landmarks, strict=True)):
        low, high = landmarks.amin(dim=0), landmarks.amax(dim=0)
        theirs = dlib_landmarks(Photograph(image), FaceBox(*low.tolist(), *high.tolist()))
        if theirs is not None:
            rows.append(row)
            found.append(theirs)
    return fitted_errors(people.landmarks[rows], torch.stack(found), yaws[rows], rolls[rows])


def fitted_errors(
    true: torch.Tensor, found: torch.Tensor, yaw: torch.Tensor, roll: torch.Tensor, components: int = COMPONENTS
) -> DetectorErrors:
    """What best describes errors, and their mirror images.

    Args:
        true, found: (N, 68, 2) pixels.
        yaw, roll: (N,) radians.
        components: directions of the spread.
    """
    off = ((found - true) / box_root(true)[:, None, None]) @ roll_axes(roll).mT
    mirrored = off[:, list(MIRRORED_LANDMARKS)] * torch.tensor([-1.0, 1.0])
    off, yaw = torch.cat((off, mirrored)).double().flatten(1), torch.cat((yaw, -yaw)).double()
    features = turn_features(yaw)
    bias = torch.linalg.lstsq(features, off).solution
    left = off - features @ bias
    size = left.square().mean(dim=1).sqrt()
    lines = torch.stack((torch.ones_like(yaw), yaw.abs()), dim=1)
    growth = torch.linalg.lstsq(lines, size[:, None]).solution[:, 0]
    mean = (lines @ growth).mean()
    even = left * (mean / (lines @ growth).clamp(min=0.2 * mean))[:, None]
    _, strength, directions = torch.linalg.svd(even, full_matrices=False)
    spread = (strength[:components, None] / len(even) ** 0.5) * directions[:components]
    shape = (-1, *true.shape[1:])
    return DetectorErrors(
        bias.unflatten(1, shape[1:]).float(), spread.unflatten(1, shape[1:]).float(), (growth / mean).float()
    )


if __name__ == "__main__":
    write_errors(measured_errors())
