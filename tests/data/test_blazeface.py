"""BlazeFace in torch answers as MediaPipe's own network does, and joins the boxes of one face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from facelib.data.blazeface import BlazeFace, decoded, find_faces, joined, overlaps
from facelib.errors import BadInput
from facelib.weights import read_shipped_weights

LOGITS = [-6.319, -3.893, -2.521, -8.4646]  # at places of the diagonal, and beside it
NUMBERS = [-1.8918, -2.1828, 26.8799, 26.877]


@pytest.fixture(scope="module")
def person() -> torch.Tensor:
    pixels = np.array(Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


def test_the_network_answers_as_the_original() -> None:
    """A striped image; the numbers are those of face_detection_full_range.tflite under LiteRT 2.3."""
    network = BlazeFace().eval()
    network.load_state_dict(read_shipped_weights("blazeface_full_range"))
    place = torch.arange(192.0)
    image = torch.stack([torch.sin(place[:, None] / step + place / 9).expand(192, 192) for step in (5.0, 11.0, 23.0)])
    with torch.no_grad():
        logits, numbers = network(image[None])

    assert logits[0, [0, 10, 24, 47], [0, 40, 24, 47]].tolist() == pytest.approx(LOGITS, abs=1e-3)
    assert numbers[0, :4, 24, 24].tolist() == pytest.approx(NUMBERS, abs=1e-3)
    with pytest.raises(BadInput, match="images has shape"):
        network(image[None, :, :190])


def test_the_points_of_a_real_face(person: torch.Tensor) -> None:
    """As dlib's landmarks say: means of both eyes and the mouth, and the nose."""
    (face,) = find_faces(person)

    seen = torch.tensor([[203.0, 101.5], [247, 104], [225, 127], [223, 145.5]])
    torch.testing.assert_close(face[2:6], seen, atol=4, rtol=0)
    assert (face[0] < face[2:6]).all()
    assert (face[1] > face[2:6]).all()


def test_all_faces_are_found_once(person: torch.Tensor) -> None:
    """A person and her mirror image, whose eyes and ears change places."""
    person = person[:, 20:240, 120:340]
    together = find_faces(torch.cat((person, person.flip(2)), dim=2))

    assert together.shape == (2, 8, 2)
    left, right = together[together[:, 0, 0].argsort()]
    mirrored = torch.stack((440 - left[:, 0], left[:, 1]), dim=1)[[0, 1, 3, 2, 4, 5, 7, 6]]
    mirrored[:2, 0] = mirrored[:2, 0].flip(0)
    torch.testing.assert_close(right, mirrored, atol=8, rtol=0)


def test_a_wider_frame_moves_nothing(person: torch.Tensor) -> None:
    (face,), (framed,) = find_faces(person), find_faces(person, 1.5)

    torch.testing.assert_close(face[2:6], framed[2:6], atol=8, rtol=0)


def test_an_image_that_is_none(person: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="image has shape"):
        find_faces(person[:1])
    with pytest.raises(BadInput, match="image holds 1 non-finite values"):
        find_faces(person.index_put((torch.tensor(0), torch.tensor(5), torch.tensor(7)), torch.tensor(torch.nan)))


def test_numbers_of_a_place_by_hand() -> None:
    """Row 2 and column 5 of the places is at 22, 10; box, then points, as counted from there."""
    logits, numbers = torch.full((48, 48), -9.0), torch.zeros(16, 48, 48)
    logits[2, 5] = 0.0  # half: not above half
    assert len(decoded(logits, numbers)[0]) == 0

    logits[2, 5] = 2.0
    numbers[:6, 2, 5] = torch.tensor([1.0, -2, 8, 6, 3, 4])
    faces, probability = decoded(logits, numbers)
    assert probability.tolist() == pytest.approx([1 / (1 + np.exp(-2))])
    assert faces[0].tolist() == [[19, 5], [27, 11], [25, 14], *[[22, 10]] * 5]


def test_of_boxes_that_overlap_the_weighted_mean_stays() -> None:
    """The second shares 0.9 with the first, the third 0.2; the fourth lies elsewhere; the last has no area."""
    corners = [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 2], [50, 0, 60, 10], [3, 3, 3, 3]]
    boxes = torch.tensor(corners, dtype=torch.float32).reshape(5, 2, 2)

    assert overlaps(boxes[0], boxes).tolist() == pytest.approx([1, 0.9, 0.2, 0, 0])
    assert overlaps(boxes[4], boxes[4:]).tolist() == [0]
    found = joined(boxes, torch.tensor([0.9, 0.6, 0.7, 0.8, 0.55]))
    assert found.flatten(1).tolist() == [
        pytest.approx([0, 0, 10, 9.6]), [50, 0, 60, 10], [0, 0, 10, 2], [3, 3, 3, 3],
    ]  # fmt: skip
    assert joined(boxes[:0], torch.zeros(0)).shape == (0, 2, 2)
