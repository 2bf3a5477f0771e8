"""The encoders that paper 3's networks may have: that of the paper, and ours of plain blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from facelib.models.map_layers import HALVINGS, high_level_features, low_level_features
from facelib.models.plain_trunk import plain_high_features, plain_low_features

Features = tuple[nn.Sequential, int]  # layers, and the channels that come out


@dataclass(frozen=True)
class Trunk:
    """What makes the layers of an encoder.

    Args:
        low: width -> from images to features of an eighth of their size.
        high: channels and width -> from those, attended, to the smallest.
        halvings: of the image in all.
    """

    low: Callable[[float], Features]
    high: Callable[[int, float], Features]
    halvings: int


PRINTED = Trunk(low_level_features, high_level_features, HALVINGS)
TRUNKS = {
    "printed": PRINTED,
    "printed_4": Trunk(low_level_features, partial(high_level_features, halvings=4), 4),
    "plain": Trunk(plain_low_features, plain_high_features, 4),
}
