"""SADRNet at the laptop tier's size: the network against other ways to run the same weights, alignment against SciPy.

The network as it is was the fastest or even with the fastest; folded norms cost time, as biases join the transposed
convolutions. Left out, after measuring on one core: torch.compile, which takes 75 s to gain a tenth to a quarter; and
autocast to bfloat16, six times slower on a processor without instructions for it, and off by tens of pixels with fresh
weights.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from facelib.benchmarks.measure import Case, median_seconds
from facelib.geometry.alignment import Similarity, self_alignment
from facelib.models.sadrnet import SADRNet
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.networks import build_network

TIER = "laptop"
BATCHES = (1, 16)
SAME_PIXELS = 0.05
SAME_TURN, SAME_SCALE = 1e-4, 1e-4  # of a rotation's entries, of the scale as a share
STAGES = ("network", "alignment")


class Drawn(NamedTuple):
    """What the network draws before it aligns: P (B, 3, S, S) pixels, S (B, 3, S, S) mm, A (B, H/8, W/8)."""

    pose_dependent: torch.Tensor
    shape: torch.Tensor
    attention: torch.Tensor


class Drawing(nn.Module):
    """All of SADRNet before the alignment, which looks at its values and so can be neither exported nor compiled.

    Args:
        network: with attention and a shape of its own.
    """

    def __init__(self, network: SADRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> Drawn:
        features, attention = self.network.encode(images)
        assert attention is not None
        decoded = self.network.decoder(features)
        return Drawn(self.network.position_map(decoded), self.network.shape_map(decoded), attention)


@dataclass(frozen=True)
class Photographs:
    """A network in eval mode and noise (B, 3, S, S) to read faces off; time does not depend on what is seen."""

    network: SADRNet
    images: torch.Tensor


class Landmarks(NamedTuple):
    """Of B faces, (B, 68, 3) in the shape and in the image, and visibilities (B, 68)."""

    shape: torch.Tensor
    pose: torch.Tensor
    visibility: torch.Tensor


def photographs(count: int, tier: str = TIER) -> Photographs:
    """Fresh weights whose norms have seen a batch, as those of a trained network have."""
    settings = PAPER.run_settings("sadrnet", tier)
    torch.manual_seed(0)
    network = build_network(PAPER.method("sadrnet"), settings)
    assert isinstance(network, SADRNet)
    images = torch.rand(max(count, 4), 3, settings.network.image_size, settings.network.image_size)
    with torch.no_grad():
        network.train()(images[:4])
    return Photographs(network.eval(), images[:count])


def read_faces(given: Photographs) -> torch.Tensor:
    """Ours: geometry G (B, 3, S, S), pixels."""
    with torch.inference_mode():
        return given.network(given.images).geometry


def turned(network: SADRNet, drawn: Drawn) -> torch.Tensor:
    """The alignment and the shape turned by it: G."""
    pose = network.align(drawn.shape, drawn.pose_dependent, drawn.attention)
    return pose.apply(drawn.shape.flatten(2).mT).mT.unflatten(2, drawn.shape.shape[2:])


def folded(module: nn.Module) -> nn.Module:
    """A copy for inference in which norms are part of the convolutions before them."""
    result = copy.deepcopy(module)
    for sequence in [each for each in result.modules() if isinstance(each, nn.Sequential)]:
        for (name, layer), (after, norm) in pairwise(list(sequence.named_children())):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                one = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
                setattr(sequence, name, one)
                setattr(sequence, after, nn.Identity())
    return result


def channels_last(module: nn.Module) -> Callable[[torch.Tensor], Drawn]:
    other = copy.deepcopy(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return lambda images: other(images.contiguous(memory_format=torch.channels_last))


def same_faces(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Every point within a twentieth of a pixel."""
    return bool((ours - theirs).abs().max() < SAME_PIXELS)


def landmarks(count: int) -> Landmarks:
    """Shapes of the size of a face in mm, each turned, at 0.5 pixels a mm, with a pixel of noise."""
    generator = torch.Generator().manual_seed(0)
    shape = 40 * torch.randn(count, 68, 3, generator=generator)
    turn = torch.linalg.qr(torch.randn(count, 3, 3, generator=generator)).Q
    turn = turn * torch.linalg.det(turn)[:, None, None]  # no reflection
    pose = 0.5 * shape @ turn.mT + torch.tensor([64.0, 64.0, 0.0]) + torch.randn(count, 68, 3, generator=generator)
    return Landmarks(shape, pose, torch.rand(count, 68, generator=generator))


def load_scipy() -> Callable[[Landmarks], Similarity]:
    """Rotation.align_vectors, a face at a time, about the same weighted means and with the scale of eq. 14."""
    from scipy.spatial.transform import Rotation

    def align_one(shape: np.ndarray, pose: np.ndarray, visibility: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        weights = visibility + 0.1
        shape_mean, pose_mean = (np.average(points, axis=0, weights=weights) for points in (shape, pose))
        about_shape, about_pose = shape - shape_mean, pose - pose_mean
        rotation = Rotation.align_vectors(about_pose, about_shape, weights=weights)[0].as_matrix()
        scale = np.linalg.norm(about_pose, axis=1).sum() / np.linalg.norm(about_shape, axis=1).sum()
        return scale, rotation, pose_mean - scale * rotation @ shape_mean

    def align_all(given: Landmarks) -> Similarity:
        poses = [align_one(*one) for one in zip(*(part.double().numpy() for part in given), strict=True)]
        return Similarity(*(torch.from_numpy(np.array(part)) for part in zip(*poses, strict=True)))

    return align_all


def same_poses(ours: Similarity, theirs: Similarity) -> bool:
    turns = (ours.rotation.double() - theirs.rotation).abs().max() < SAME_TURN
    return bool(turns and (ours.scale.double() / theirs.scale - 1).abs().max() < SAME_SCALE)


def running_times(tier: str) -> pd.DataFrame:
    """Milliseconds a photograph of the network and of the alignment with the turning of all points.

    Args:
        tier: whose sizes the network has.

    Returns:
        Rows STAGES and "together"; columns such as "cpu, 16 at once", and the same on a GPU where there is one.
    """
    devices = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    columns = {}
    for device in devices:
        for count in BATCHES:
            given = photographs(count, tier)
            times = _stage_seconds(given.network.to(device), given.images.to(device))
            columns[f"{device}, {count} at once"] = [1000 * seconds / count for seconds in times]
    table = pd.DataFrame(columns, index=list(STAGES))
    table.loc["together"] = table.sum()
    return table


def _stage_seconds(network: SADRNet, images: torch.Tensor) -> tuple[float, float]:
    drawing = Drawing(network)
    with torch.inference_mode():
        drawn = drawing(images)
        turned(network, drawn)  # warm

        def finished(result: object) -> None:
            if images.is_cuda:
                torch.cuda.synchronize()

        return (
            median_seconds(lambda: finished(drawing(images))),
            median_seconds(lambda: finished(turned(network, drawn))),
        )


def _prepared(
    convert: Callable[[nn.Module, torch.Tensor], Callable[[torch.Tensor], Drawn]],
) -> Callable[[Photographs], torch.Tensor]:
    """Converts a network at its first photographs, outside the clock, and aligns what the converted one draws."""
    ready: dict[int, Callable[[torch.Tensor], Drawn]] = {}

    def read(given: Photographs) -> torch.Tensor:
        with torch.no_grad():
            if id(given) not in ready:
                ready[id(given)] = convert(Drawing(given.network).eval(), given.images)
            return turned(given.network, ready[id(given)](given.images))

    return read


PEERS = {
    "folded": ("norms folded into convolutions", partial(_prepared, lambda drawing, images: folded(drawing))),
    "exported": (
        "torch.export",
        partial(_prepared, lambda drawing, images: torch.export.export(drawing, (images,)).module()),
    ),
    "channels-last": ("channels last", partial(_prepared, lambda drawing, images: channels_last(drawing))),
}

_case = partial(Case, kernel="SADRNet", prepare=photographs, counted="photographs", ours=read_faces, agree=same_faces)
CASES: tuple[Case, ...] = (
    *(
        _case(
            name=f"reconstruct-{name}-{count}",
            size=f"laptop tier, batch of {count}",
            peer=peer,
            n=count,
            load_peer=load_peer,
            images=count,
            growth=(1, 4, 16) if (name, count) == ("folded", 1) else (),
        )
        for name, (peer, load_peer) in PEERS.items()
        for count in BATCHES
    ),
    *(
        Case(
            name=f"self-alignment-{count}",
            kernel="self-alignment",
            size=f"68 landmarks with weights, batch of {count}",
            peer="SciPy",
            prepare=landmarks,
            n=count,
            counted="faces",
            ours=lambda given: self_alignment(*given),
            load_peer=load_scipy,
            agree=same_poses,
            images=count,
            growth=(16, 64, 256) if count == 1 else (),
        )
        for count in BATCHES
    ),
)
