"""What DASHapeNet and DAPoseNet are made of, known without torch, which settings of runs must not import.

Where the supplement of paper 4 leaves a size open, the default is that of the published code of "Generate To Adapt"
(Sankaranarayanan et al., CVPR 2018), whose networks and weights AR-GAN shares; where it contradicts itself, a setting
is named after the question and its comment says how we read it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DepthNetworkSettings:
    """Sizes of F, R, G, D and of DAPoseNet (supplement, section 1.1).

    Args:
        image_size: pixels a side of the position images.
        halvings: pairs of layers, a 4x4 of stride 2 and a 3x3 each, before the last, valid convolution, which has the
            size of what is left: 5x5 of 160 pixels after five.
        width: factor on the channels of all convolutions.
        channels: after each halving, at width 1; as many as there are halvings are used. Not printed.
        embedding: numbers that F makes of an image.
        last_activation: whether F's last layer, which has no batch norm, has a leaky ReLU. Section 1.1 says first that
            it has neither, and then that it has one; we take the second as said of the activation alone.
        slope: of the leaky ReLUs. Not printed.
        noise: numbers drawn from N(0, 1) for the generator. Not printed.
        hidden: units between the embedding and what R and D read off it; the printed "three layers" are 512, 1024 and
            the outputs. (1024, 1024) would be three maps.
        pose_hidden: the same for DAPoseNet.
        reach_mm: half the side of the cube around a frame's centre that the images show; it becomes [-1, 1], the range
            of G's tanh. What lies beyond is empty. Not printed.
        before_mm: from the head's place to the middle of that cube, towards the camera. Not printed.
        shape_unit, translation_unit: what an output of 1 means; not printed. 10 mm suits displacements of vertices,
            1 coefficients in standard deviations.
    """

    image_size: int = 160
    halvings: int = 5
    width: float = 1.0
    channels: tuple[int, ...] = (64, 128, 256, 512, 512)
    embedding: int = 512
    last_activation: bool = True
    slope: float = 0.2
    noise: int = 512
    hidden: tuple[int, ...] = (1024,)
    pose_hidden: tuple[int, ...] = (256,)
    reach_mm: float = 150.0
    before_mm: float = 0.0
    shape_unit: float = 10.0
    translation_unit: float = 100.0
