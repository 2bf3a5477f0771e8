"""What MSMA is made of, known without torch, which settings of runs must not import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MSMASettings:
    """What the network is made of; the ablation switches its parts off.

    Args:
        depth: of the ResNet.
        image_size: pixels a side of the images.
        small_stem: of the ResNet, for small images.
        width: factor on all its channels.
        fusion: MSF, eqs. 4 to 7.
        attention: MLKA, eqs. 8 to 10.
        multi_attribute: each attribute is read off the map that suits it, eq. 11; else all off the smallest.
    """

    depth: int = 50
    image_size: int = 224
    small_stem: bool = False
    width: float = 1.0
    fusion: bool = True
    attention: bool = True
    multi_attribute: bool = True
