"""SADRNet's encoder with one head that reads all that is known of a face: what networks start from.

Ours: paper 3 learns everything from scratch over 190,000 steps at 256 pixels. What is slow to learn is where a face
lies and looks, and who it is; it takes many people, and no map. A step of this network costs a quarter of one of
SADRNet.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from facelib.conventions import FACE_TO_CAMERA, LANDMARK_COUNT
from facelib.errors import BadInput, check_shape
from facelib.geometry.alignment import Similarity
from facelib.geometry.rotations import quaternion_to_matrix
from facelib.models.blocks import check_training_batch, check_width, take_fastest_layout
from facelib.models.map_layers import check_halvings, initialise
from facelib.models.trunks import PRINTED, Trunk

GRID, HIDDEN = 4, 512  # places a side that a face's features are read at, and units between them and what is read
FACE_MM = 200.0  # about the side of a face's crop, for a pose's scale
POSE_NUMBERS = 7  # of a quaternion, a log scale and a shift
DARKEST = 0.05  # least contrast that standardised images are divided by: a blank one stays blank


class FaceReading(NamedTuple):
    """What is read off images of S x S pixels.

    Args:
        landmarks: (B, 68, 3) column, row and depth in pixels, hidden ones included.
        visible: (B, 68) logits of their being seen.
        scale, rotation, translation: (B,), (B, 3, 3) and (B, 3), of the pose.
        identity: (B, K) coefficients of the face model, standard deviations.
        expression: (B, E) strengths of the facial actions.
        code: (B, 512), what all of these are read off.
    """

    landmarks: torch.Tensor
    visible: torch.Tensor
    scale: torch.Tensor
    rotation: torch.Tensor
    translation: torch.Tensor
    identity: torch.Tensor
    expression: torch.Tensor
    code: torch.Tensor

    @property
    def pose(self) -> Similarity:
        """From the face frame (mm) to the image (pixels)."""
        return Similarity(self.scale, self.rotation, self.translation)


class FaceCode(nn.Sequential):
    """Features (B, C, H, W), averaged to a grid of 4 x 4, to numbers (B, 512) that shape and pose are read off.

    Without the norm its ReLUs die: 97 of 100 were silent for good after 400,000 samples at Adam's rate of 0.002, and
    what was left told the pose and one number of the shape.
    """

    def __init__(self, channels: int) -> None:
        linear = nn.Linear(channels * GRID**2, HIDDEN, bias=False)
        super().__init__(nn.AdaptiveAvgPool2d(GRID), nn.Flatten(), linear, nn.BatchNorm1d(HIDDEN), nn.ReLU())

    def start(self) -> None:
        """He's normal weights, where `initialise` leaves linear layers at zero: the last one alone starts there."""
        for linear in self.children():
            if isinstance(linear, nn.Linear):
                nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")


class FaceEncoder(nn.Module):
    """Landmarks, their visibility, pose, identity and expression of a face, from a photograph.

    Args:
        size: pixels a side of the images.
        width: factor on all channels. `low` and `high` are SADRNet's with the same trunk.
        identities: K, components of the face model that are read, the first ones.
        expressions: E, actions of the face model.
        trunk: of which blocks; see `facelib.models.trunks`.

    Raises:
        BadInput: for a size that cannot be halved so often, or nothing to read.
    """

    def __init__(self, size: int, width: float, identities: int, expressions: int, trunk: Trunk = PRINTED) -> None:
        super().__init__()
        check_halvings(size, trunk.halvings)
        check_width(width)
        if identities < 1 or expressions < 1:
            raise BadInput(f"{identities} identities and {expressions} expressions: expected at least one of each")
        self.size = size
        self.parts = (3 * LANDMARK_COUNT, LANDMARK_COUNT, POSE_NUMBERS, identities, expressions)
        self.low, channels = trunk.low(width)
        self.high, channels = trunk.high(channels, width)
        self.hidden = FaceCode(channels)
        self.reading = nn.Linear(HIDDEN, sum(self.parts))
        initialise(self)
        self.hidden.start()
        self.layout = take_fastest_layout(self)

    def forward(self, images: torch.Tensor) -> FaceReading:
        """Images (B, 3, S, S), RGB in [0, 1].

        Raises:
            BadInput: for an empty batch, another image size, or a batch of one in training mode.
        """
        check_shape("images", images, (None, 3, self.size, self.size))
        check_training_batch(self, len(images))
        prepared = standardised(images).contiguous(memory_format=self.layout)
        code = self.hidden(self.high(self.low(prepared)))
        output = self.reading(code).float()
        landmarks, visible, pose, identity, expression = output.split(self.parts, dim=1)
        placed = landmarks_of(landmarks, self.size)
        turned = pose_of(pose, self.size)
        pose = (turned.scale, turned.rotation, turned.translation)
        return FaceReading(placed, visible, *pose, identity, expression, code)

    def landmark_reading(self) -> dict[str, torch.Tensor]:
        """Weight and bias of the linear layer that reads the landmarks alone off the code."""
        return {name: value[: self.parts[0]] for name, value in self.reading.state_dict().items()}


def standardised(images: torch.Tensor) -> torch.Tensor:
    """Images (B, 3, H, W) of mean 0 and standard deviation 1 in each channel: light and white balance are taken out."""
    mean = images.mean(dim=(2, 3), keepdim=True)
    spread = images.std(dim=(2, 3), keepdim=True)
    return (images - mean) / (spread + DARKEST)


def landmarks_of(numbers: torch.Tensor, size: int) -> torch.Tensor:
    """Numbers (B, 204) in sides of the image as landmarks (B, 68, 3), pixels; zero is the middle of the image."""
    middle = torch.tensor([0.5, 0.5, 0.0], device=numbers.device)
    return (numbers.unflatten(1, (LANDMARK_COUNT, 3)) + middle) * size


def pose_of(numbers: torch.Tensor, size: int) -> Similarity:
    """A quaternion, a log scale and a shift (B, 7) as a pose; zero is a frontal face in the middle of the image.

    Args:
        numbers: as a network gives them.
        size: pixels a side of the image.
    """
    no_turn = torch.tensor([0.0, 0.0, 0.0, 1.0], device=numbers.device)
    frontal = torch.tensor(FACE_TO_CAMERA, device=numbers.device)
    rotation = frontal @ quaternion_to_matrix(numbers[:, :4] + no_turn)
    translation = functional.pad((0.5 + numbers[:, 5:7]) * size, (0, 1))
    return Similarity(numbers[:, 4].exp() * (size / FACE_MM), rotation, translation)
