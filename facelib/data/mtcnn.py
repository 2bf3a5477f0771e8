"""Faces in an image by MTCNN, three small networks of which each judges what the one before it lets through.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded convolutional networks", IEEE
Signal Processing Letters 2016. The package `mtcnn` brings the trained weights (MIT licence). Its own code needs
TensorFlow and is not imported; the networks run here, with their fully connected layers as convolutions.
"""

from __future__ import annotations

import importlib.util
import math
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from facelib.data.resampling import resampled_square
from facelib.errors import CorruptFile, MissingPart, check_finite, check_shape

INSTALL = "pip install --force-reinstall mtcnn==1.0.0"
SMALLEST_FACE = 40  # pixels a side, from forehead to chin
CELL, STRIDE = 12, 2  # pixels that the first network sees, and between its places
PYRAMID = math.sqrt(0.5)  # each level to the one below it
PROPOSED, REFINED, ACCEPTED = 0.6, 0.7, 0.8  # least probability of a face that each network passes on
ON_LEVEL, AMONG_PROPOSALS, AMONG_FACES = 0.5, 0.7, 0.3  # largest overlap (intersection over union) of two boxes


class _Network(nn.Module):
    """Layers, then for each place four shifts of the box's corners, in its sides, and the probability of a face."""

    def __init__(self, *layers: nn.Module, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.shift = nn.Conv2d(width, 4, 1)
        self.kind = nn.Conv2d(width, 2, 1)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Shifts (N, 4, h, w) and probabilities (N, h, w)."""
        features = self.layers(images)
        return self.shift(features), self.kind(features).softmax(dim=1)[:, 1]


def _convolution(inputs: int, outputs: int, side: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, side), nn.PReLU(outputs)


def _pool(side: int) -> nn.Module:
    return nn.MaxPool2d(side, 2, ceil_mode=True)


def _proposing() -> _Network:
    layers = (*_convolution(3, 10, 3), _pool(2), *_convolution(10, 16, 3), *_convolution(16, 32, 3))
    return _Network(*layers, width=32)


def _refining() -> _Network:
    """For images of 24 pixels."""
    layers = (*_convolution(3, 28, 3), _pool(3), *_convolution(28, 48, 3), nn.MaxPool2d(3, 2))
    return _Network(*layers, *_convolution(48, 64, 2), *_convolution(64, 128, 3), width=128)


def _accepting() -> _Network:
    """For images of 48 pixels; its five landmarks are left out."""
    first = (*_convolution(3, 32, 3), _pool(3), *_convolution(32, 64, 3), nn.MaxPool2d(3, 2))
    then = (*_convolution(64, 64, 3), _pool(2), *_convolution(64, 128, 2))
    return _Network(*first, *then, *_convolution(128, 256, 3), width=256)


@torch.no_grad()
def face_boxes(image: torch.Tensor) -> torch.Tensor:
    """Boxes (N, 4) of all faces, N from 0: left, top, right and bottom in pixels, from forehead to chin.

    Args:
        image: (3, H, W) RGB in [0, 1].

    Raises:
        BadInput: for another shape, or values that are not finite.
        MissingPart, CorruptFile: without the package that brings the weights, or with damaged ones.
    """
    check_shape("image", image, (3, None, None))
    check_finite("image", image)
    propose, refine, accept = _trained()
    image = (255 * image - 127.5) / 128  # as the networks were trained
    boxes = _proposals(propose, image)
    boxes = _judged(refine, image, boxes, 24, REFINED, AMONG_PROPOSALS)
    return _judged(accept, image, boxes, 48, ACCEPTED, AMONG_FACES)


def _proposals(propose: _Network, image: torch.Tensor) -> torch.Tensor:
    """Boxes (N, 4) from a pyramid of smaller images, in each of which faces of one size are looked for."""
    height, width = image.shape[1:]
    found = [(torch.zeros(0, 4), torch.zeros(0))]
    scale = CELL / SMALLEST_FACE
    while scale * min(height, width) >= CELL:
        size = math.ceil(scale * height), math.ceil(scale * width)
        shift, probability = propose(functional.interpolate(image[None], size, mode="bilinear", antialias=True))
        row, column = (probability[0] > PROPOSED).nonzero(as_tuple=True)
        corner = STRIDE * torch.stack((column, row), dim=1)
        boxes = torch.cat((corner, corner + CELL), dim=1) * torch.tensor([width / size[1], height / size[0]]).repeat(2)
        probability = probability[0, row, column]
        kept = _distinct(boxes, probability, ON_LEVEL)
        found.append((_shifted(boxes, shift[0, :, row, column].T)[kept], probability[kept]))
        scale *= PYRAMID
    boxes, probability = (torch.cat(parts) for parts in zip(*found, strict=True))
    return boxes[_distinct(boxes, probability, AMONG_PROPOSALS)]


def _judged(
    network: _Network, image: torch.Tensor, boxes: torch.Tensor, size: int, least: float, overlap: float
) -> torch.Tensor:
    """Boxes (N, 4) that a network takes for faces when it sees the squares around them, shifted as it says."""
    if not len(boxes):
        return boxes
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    squares = torch.cat((middle - half, middle + half), dim=1)
    seen = [resampled_square(image, left, top, right - left, size) for left, top, right, _ in squares.tolist()]
    shift, probability = (output.flatten(1) for output in network(torch.stack(seen)))
    probability = probability[:, 0]
    passed = probability > least
    boxes, probability = _shifted(squares, shift)[passed], probability[passed]
    return boxes[_distinct(boxes, probability, overlap)]


def _shifted(boxes: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return boxes + shift * (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)


def _distinct(boxes: torch.Tensor, probability: torch.Tensor, overlap: float) -> torch.Tensor:
    """Numbers of the boxes of which no likelier one covers more than `overlap`, the likeliest first."""
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    kept = []
    left = probability.argsort(descending=True)
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        low = torch.maximum(boxes[best, :2], boxes[left, :2])
        high = torch.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        left = left[shared <= overlap * (area[best] + area[left] - shared)]
    return torch.tensor(kept, dtype=torch.long)


@cache
def _trained() -> tuple[_Network, _Network, _Network]:
    package = importlib.util.find_spec("mtcnn")  # found, not imported: importing it needs TensorFlow
    if package is None or package.origin is None:
        raise MissingPart(f"looking for faces needs the weights of the package mtcnn: {INSTALL}")
    folder = Path(package.origin).parent / "assets" / "weights"
    return (
        _filled(_proposing(), folder / "pnet.lz4"),
        _filled(_refining(), folder / "rnet.lz4"),
        _filled(_accepting(), folder / "onet.lz4"),
    )


def _filled(network: _Network, path: Path) -> _Network:
    """With the weights of a file: arrays in the order of the layers, in TensorFlow's layouts."""
    import joblib

    layers = list(network.layers.parameters())
    heads = [*network.shift.parameters(), *network.kind.parameters()]
    try:
        arrays = joblib.load(path)
        arrays = [*arrays[: len(layers) + 2], *arrays[-2:]]  # between these the last network has its landmarks
        for parameter, array in zip(layers + heads, arrays, strict=True):
            parameter.data.copy_(_torch_layout(array, parameter))
    except Exception as error:  # a damaged file makes joblib raise whatever it stumbles over
        raise CorruptFile(f"{path} is damaged or of another version ({error}): {INSTALL}") from error
    return network.eval().requires_grad_(False)


def _torch_layout(array: np.ndarray, parameter: nn.Parameter) -> torch.Tensor:
    values = torch.from_numpy(array)
    if parameter.dim() == 1:
        return values.flatten()
    outputs, inputs, height, width = parameter.shape
    if values.dim() == 4:
        return values.permute(3, 2, 0, 1)  # from (height, width, inputs, outputs)
    return values.reshape(width, height, inputs, outputs).permute(3, 2, 1, 0)  # a fully connected layer
