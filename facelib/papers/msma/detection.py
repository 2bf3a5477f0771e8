"""What a detector says of a photograph: landmarks, the crop that networks of this paper see, and what seems to be skin.

For a user's photograph and for those of licensed data sets alike, nobody gives landmarks or a mask.
"""

from __future__ import annotations

import logging

import torch

from facelib.conventions import LANDMARK_GROUPS
from facelib.data.face_finding import find_points
from facelib.data.landmarked_faces import LandmarkedFaces, five_points, scale_and_shift, standard_place
from facelib.data.photographs import FaceBox, FaceCrop, Photograph, square_crop
from facelib.papers.msma.networks import standard_landmarks
from facelib.papers.sadrnet.reconstruction import reconstruct_with
from facelib.papers.sadrnet.trained import load_shipped

DETECTOR = "face_encoder"  # the shipped model whose landmarks photographs are cropped by
OTHER = 2.0  # factor between both detectors' sizes of a face from which they see different things
MIDDLE = slice(3, 5)  # eighths of the crop along each axis where nose and cheeks lie
SAME_TINT, DARKEST, BRIGHTEST = 0.04, 0.5, 2.0  # difference of shares of red, green and blue; factors on brightness
DARK = 0.05  # mean of red, green and blue below which there is no tint

_log = logging.getLogger(__name__)


def detected_face(photograph: Photograph, landmarks: torch.Tensor, size: int) -> tuple[FaceCrop, LandmarkedFaces]:
    """A face as networks of this paper take it, by its landmarks (68, 2) in pixels of the photograph.

    Returns:
        The crop of size x size pixels, and the face on it, one alone; raises as `standard_crop`.
    """
    crop = standard_crop(photograph, landmarks, size)
    inside = crop.from_photograph(landmarks)
    return crop, LandmarkedFaces(crop.image[None], inside[None], guessed_skin(crop.image)[None])


def detected_landmarks(photograph: Photograph, box: FaceBox) -> torch.Tensor:
    """Landmarks (68, 2) in pixels of the photograph, as the face encoder reads them, where BlazeFace sees the face.

    The encoder has learnt from rendered faces only, and hair leads it astray; BlazeFace has seen people, but tells six
    points. So the encoder's landmarks are moved and scaled to four of these. On scikit-image's photograph of a woman
    their distance from dlib's falls from 0.12 to 0.07 of that of the outer eye corners; on 60 rendered faces of up to
    40 degrees their error falls from 0.035 to 0.032 of the face's size, and rises from 0.042 to 0.043 on others of up
    to 80.
    """
    landmarks = reconstruct_with(load_shipped(DETECTOR), photograph, box).landmarks[:, :2]
    points = find_points(photograph, box)
    if points is None:
        return landmarks
    lips = landmarks[list(LANDMARK_GROUPS["outer_lips"])].mean(dim=0, keepdim=True)
    own = torch.cat((five_points(landmarks[None])[0, :3], lips))
    scale, shift = scale_and_shift(own[None], points[None])
    alike = 1 / OTHER < float(scale) < OTHER  # else a head lies on its side, or one of both is wrong
    return scale * landmarks + shift if alike else landmarks


def standard_crop(photograph: Photograph, landmarks: torch.Tensor, size: int) -> FaceCrop:
    """The square of a photograph in which landmarks (68, 2) lie as networks of this paper saw them in training.

    Raises:
        BadInput: for a square outside the photograph, or fewer than 16 pixels a side of either.
        DegenerateInput: for landmarks in one place or upside down.
    """
    scale, shift = standard_place(landmarks[None], standard_landmarks(size))
    (left, top), side = shift[0].tolist(), size * float(scale)
    return square_crop(photograph, FaceBox(left, top, left + side, top + side), size, enlarge=1.0, as_border=True)


def guessed_skin(image: torch.Tensor) -> torch.Tensor:
    """Where a crop (3, S, S) of `standard_crop` seems to show skin, (S, S) 1 or 0.

    For photographs nobody gives a mask, and what is worn over a face must not be taken for it. Skin has one tint in
    light and shade: pixels count whose tint and brightness are near the medians of nose and cheeks. Hair, cloth and
    most glasses differ; a hand does not.
    """
    eighth = image.shape[-1] // 8
    place = slice(MIDDLE.start * eighth, MIDDLE.stop * eighth)
    brightness = image.mean(dim=0)
    tint = image / (3 * brightness).clamp(min=1e-6)
    usual = brightness[place, place].median()
    if usual < DARK:
        _log.warning(
            "the face is dark: its median brightness is %.3f of 1; it is fitted to its landmarks alone", float(usual)
        )
        return torch.zeros_like(brightness)
    usual_tint = tint[:, place, place].flatten(1).median(dim=1).values
    alike = (tint - usual_tint[:, None, None]).abs().amax(dim=0) < SAME_TINT
    return (alike & (brightness > DARKEST * usual) & (brightness < BRIGHTEST * usual)).float()
