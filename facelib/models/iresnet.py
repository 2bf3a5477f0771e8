"""IResNet, the network of public ArcFace weights, with the names that their files have.

Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR 2019: faces of 112 x 112 pixels,
cropped to five points, become embeddings of 512 numbers whose directions tell people apart. Blocks are those of IR-18
(`facelib.models.irnet`) but for the shortcut, which is projected wherever the map is halved. Stage and layer names
follow the state dictionaries that InsightFace's PyTorch trainings write (`conv1`, `layer1.0.bn1`, `fc`, `features`), so
that a user's file is loaded name by name; how deep it is follows from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import nn

from facelib.errors import BadInput, check_shape

SIZE = 112  # pixels a side
EMBEDDING = 512
CHANNELS = (64, 128, 256, 512)  # of the four stages
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}  # depth -> blocks of each
BLOCK = re.compile(r"layer([1-4])\.(\d+)\.")  # at the beginning of a name


def depth_of(names: Iterable[str]) -> int:
    """Which of `BLOCKS` the tensors of a state dictionary belong to, told from their names.

    Raises:
        BadInput: none of them.
    """
    found = {match.groups() for match in map(BLOCK.match, names) if match}
    counts = tuple(sum(stage == str(number) for stage, _ in found) for number in range(1, 5))
    for depth, blocks in BLOCKS.items():
        if counts == blocks:
            return depth
    known = ", ".join(f"{depth} ({' '.join(map(str, blocks))})" for depth, blocks in BLOCKS.items())
    raise BadInput(
        f"layer1 to layer4 have {' '.join(map(str, counts))} blocks: expected IResNet of one of the depths {known}"
    )


class IResBlock(nn.Module):
    """BN, conv, BN, PReLU, conv with the stride, BN; plus the input, projected where shapes differ."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.prelu = nn.PReLU(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        same = inputs == channels and stride == 1
        projection = (nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.downsample = None if same else nn.Sequential(*projection)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = self.conv1(self.bn1(x))
        residual = self.bn3(self.conv2(self.prelu(self.bn2(residual))))
        return residual + (x if self.downsample is None else self.downsample(x))


class IResNet(nn.Module):
    """Images to embeddings.

    Args:
        depth: one of `BLOCKS`.

    Raises:
        BadInput: for another depth.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise BadInput(f"IResNet of depth {depth}: expected one of {', '.join(map(str, BLOCKS))}")
        self.conv1 = nn.Conv2d(3, CHANNELS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(CHANNELS[0])
        self.prelu = nn.PReLU(CHANNELS[0])
        inputs = (CHANNELS[0], *CHANNELS[:-1])
        stages = [_stage(*each) for each in zip(inputs, CHANNELS, BLOCKS[depth], strict=True)]
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.bn2 = nn.BatchNorm2d(CHANNELS[-1])
        self.dropout = nn.Dropout(0.0)  # has no weights, and rate 0 in the public trainings
        self.fc = nn.Linear(CHANNELS[-1] * (SIZE // 16) ** 2, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, 112, 112), RGB in [0, 1] -> embeddings (B, 512) of any length.

        Raises:
            BadInput: for another shape.
        """
        check_shape("images", images, (None, 3, SIZE, SIZE))
        x = self.prelu(self.bn1(self.conv1(2 * images - 1)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.dropout(self.bn2(x).flatten(1))))


def _stage(inputs: int, channels: int, blocks: int) -> nn.Sequential:
    others = (IResBlock(channels, channels, 1) for _ in range(blocks - 1))
    return nn.Sequential(IResBlock(inputs, channels, 2), *others)
