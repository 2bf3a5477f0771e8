"""Faces in an image by BlazeFace, full range: one small network, and a box for each place that sees a face.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs", CV4ARVR 2019; the network for
faces up to five metres away, its anchors and the joining of boxes are those of MediaPipe (Google, Apache-2.0). The
card beside the weights says where they come from.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import nn
from torch.nn import functional

from facelib.data.resampling import resampled_square
from facelib.errors import check_finite, check_shape
from facelib.weights import read_shipped_weights

WEIGHTS = "blazeface_full_range"
SIZE = 192  # pixels a side of what the network sees
PLACES = 48  # along each axis, evenly spaced; each may see one face
ACCEPTED = 0.55  # least probability of a face: noise reached 0.53 in 24 tries, 98 % of rendered faces reach more
SAME_FACE = 0.3  # overlap (intersection over union) from which two boxes are one face's
NUMBERS = 16  # of a face: middle and size of its box, then six points


class Block(nn.Module):
    """Two depthwise convolutions, each followed by one that mixes channels, beside a short cut.

    Args:
        inputs, narrow, outputs: channels, of which the short cut is padded with zeros.
        stride: 1, or 2 to halve the image.
    """

    def __init__(self, inputs: int, narrow: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.added = stride, outputs - inputs
        self.first = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs)
        self.narrow = nn.Conv2d(inputs, narrow, 1)
        self.second = nn.Conv2d(narrow, narrow, 3, padding=1, groups=narrow)
        self.widen = nn.Conv2d(narrow, outputs, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        found = functional.relu(self.narrow(self.first(_padded(features, self.stride))))
        kept = functional.max_pool2d(features, 2) if self.stride == 2 else features
        return functional.relu(functional.pad(kept, (0, 0, 0, 0, 0, self.added)) + self.widen(self.second(found)))


class Joint(nn.Module):
    """Coarse features laid over finer ones, then blocks."""

    def __init__(self, coarse: int, fine: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, outputs, 1)
        self.fine = nn.Conv2d(fine, outputs, 1)
        self.blocks = nn.Sequential(*(Block(outputs, outputs // 2, outputs) for _ in range(blocks)))

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
        above = functional.relu(self.coarse(coarse))
        enlarged = functional.interpolate(above, scale_factor=2, mode="bilinear", align_corners=False)
        return self.blocks(functional.relu(self.fine(fine)) + enlarged)


class BlazeFace(nn.Module):
    """Images (B, 3, 192, 192) in [-1, 1] -> logits (B, 48, 48) of a face, and numbers of its box (B, 16, 48, 48)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        self.to_48 = nn.Sequential(
            *(Block(32, 8, 32), Block(32, 8, 32)),
            *(Block(32, 12, 48, 2), Block(48, 12, 48), Block(48, 16, 64)),
        )
        self.to_24 = nn.Sequential(Block(64, 24, 96, 2), Block(96, 32, 128), Block(128, 32, 128))
        self.to_12 = nn.Sequential(Block(128, 36, 144, 2), Block(144, 48, 192), Block(192, 64, 256))
        self.to_6 = nn.Sequential(Block(256, 96, 384, 2), *(Block(384, 96, 384) for _ in range(3)))
        self.from_6 = Joint(384, 256, 96, 2)
        self.from_12 = Joint(96, 128, 64, 2)
        self.from_24 = Joint(64, 64, 48, 1)
        self.face = nn.Conv2d(48, 1, 1)
        self.box = nn.Conv2d(48, NUMBERS, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        check_shape("images", images, (None, 3, SIZE, SIZE))
        of_48 = self.to_48(functional.relu(self.stem(_padded(images, 2))))
        of_24 = self.to_24(of_48)
        of_12 = self.to_12(of_24)
        found = self.from_24(self.from_12(self.from_6(self.to_6(of_12), of_12), of_24), of_48)
        return self.face(found)[:, 0], self.box(found)


def find_faces(image: torch.Tensor, frame: float = 1.0) -> torch.Tensor:
    """All faces found, (N, 8, 2) columns and rows in pixels, the likeliest first.

    Of each: the upper left and the lower right corner of a square from the middle of the forehead to the chin, both
    eyes (the one on the image's left first), tip of the nose, mouth, both ears.

    Args:
        image: (3, H, W) RGB in [0, 1], which is looked at as a whole.
        frame: side of the square that is looked at over the larger of H and W, black around the image; above 1 it
            helps with faces that fill the image.

    Raises:
        BadInput: for another shape, or a NaN.
    """
    check_shape("image", image, (3, None, None))
    check_finite("image", image)
    height, width = image.shape[1:]
    side = frame * max(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    square = resampled_square(image.float(), left, top, side, SIZE)
    with torch.no_grad():
        logits, numbers = _trained()(2 * square[None] - 1)
    return joined(*decoded(logits[0], numbers[0])) * (side / SIZE) + torch.tensor([left, top])


def face_probability(image: torch.Tensor) -> float:
    """How sure the network is of a face in the middle ninth of an image (3, 192, 192), RGB in [0, 1].

    Raises:
        BadInput: for another shape, or a NaN.
    """
    check_shape("image", image, (3, SIZE, SIZE))
    check_finite("image", image)
    with torch.no_grad():
        logits, _ = _trained()(2 * image[None] - 1)
    third = PLACES // 3
    return float(logits[0, third:-third, third:-third].amax().sigmoid())


def decoded(logits: torch.Tensor, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces (N, 8, 2) as `find_faces` gives them, in the network's pixels, and their probabilities (N,).

    Args:
        logits: (48, 48), of the places, which lie in the middle of squares of four pixels.
        numbers: (16, 48, 48), the box's middle from the place, its width and height, and six points from the place,
            all in pixels.
    """
    probability = logits.sigmoid()
    rows, columns = (probability > ACCEPTED).nonzero().unbind(1)
    place = (torch.stack((columns, rows), dim=1)[:, None] + 0.5) * (SIZE / PLACES)
    middle, size, points = numbers[:, rows, columns].T.unflatten(1, (8, 2)).split((1, 1, 6), dim=1)
    faces = torch.cat((place + middle - size / 2, place + middle + size / 2, place + points), dim=1)
    return faces, probability[rows, columns]


def joined(faces: torch.Tensor, probability: torch.Tensor) -> torch.Tensor:
    """Each face once (M, 8, 2): the mean, weighted by probability, of the likeliest and of those that overlap it.

    Args:
        faces: (N, 8, 2), of which the first two are corners of the box.
        probability: (N,).
    """
    left, found = probability.argsort(descending=True, stable=True), []
    while len(left):
        same = overlaps(faces[left[0], :2], faces[left, :2]) > SAME_FACE
        same[0] = True  # even of a box without area
        weights = probability[left[same]]
        found.append(torch.einsum("n,npc->pc", weights / weights.sum(), faces[left[same]]))
        left = left[~same]
    return torch.stack(found) if found else faces[:0]


def overlaps(box: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Intersection over union (N,) of a box (2, 2), upper left and lower right, and others (N, 2, 2)."""
    sides = (torch.minimum(box[1], boxes[:, 1]) - torch.maximum(box[0], boxes[:, 0])).clamp(min=0)
    shared = sides.prod(dim=1)
    areas = (boxes[:, 1] - boxes[:, 0]).prod(dim=1) + (box[1] - box[0]).prod()
    return shared / (areas - shared).clamp(min=torch.finfo(boxes.dtype).tiny)


def _padded(features: torch.Tensor, stride: int) -> torch.Tensor:
    """As TensorFlow pads for 3 x 3: on all sides, but with a stride of two and an even size right and below only."""
    return functional.pad(features, (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1))


@cache
def _trained() -> BlazeFace:
    network = BlazeFace()
    network.load_state_dict(read_shipped_weights(WEIGHTS))
    return network.eval()
