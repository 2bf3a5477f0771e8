"""A small problem of two domains: a bump on a plane whose place is to be read, near, and further off and noisy."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from facelib.models.depth_settings import DepthNetworkSettings
from facelib.papers.depth_adaptation.frames import DomainBatch, SourceFrames, TargetFrames

SIZE, REACH = 8, 100.0
NETWORKS = DepthNetworkSettings(
    image_size=SIZE,
    halvings=1,
    width=0.5,
    channels=(32,),
    embedding=16,
    noise=2,
    hidden=(32,),
    pose_hidden=(8,),
    reach_mm=REACH,
    shape_unit=1.0,
)


def frames(count: int, seed: int, target: bool = False) -> SourceFrames:
    """The bump's place, each coordinate in [-1, 1], is the shape; in mm it is the translation, without any turn."""
    generator = torch.Generator().manual_seed(seed)
    place = 2 * torch.rand(count, 2, generator=generator) - 1
    v, u = torch.meshgrid(*[torch.linspace(-0.8, 0.8, SIZE)] * 2, indexing="ij")
    squares = (u - 0.4 * place[:, 0, None, None]) ** 2 + (v - 0.4 * place[:, 1, None, None]) ** 2
    noise = 0.05 * torch.randn(count, SIZE, SIZE, generator=generator)
    depth = (0.8 + noise if target else 0.4) - torch.exp(-squares / 0.2)
    positions = REACH * torch.stack((u.expand_as(depth), v.expand_as(depth), depth), dim=1)
    no_turn = torch.tensor([0.0, 0.0, 0.0, 1.0]).expand(count, 4)
    return SourceFrames(positions, place, no_turn, 40 * torch.nn.functional.pad(place, (0, 1)))


class MadeDomains:
    """Batches of 32 frames of each domain, in an order of each epoch's own."""

    def __init__(self, batches: int) -> None:
        self.batch_count = batches
        self.source, self.target = frames(32 * batches, 0), frames(32 * batches, 1, target=True)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[DomainBatch]:
        orders = [torch.randperm(len(self.source), generator=generator).split(32) for _ in range(2)]
        for some, others in zip(*orders, strict=True):
            source = self.source
            yield DomainBatch(
                SourceFrames(*(getattr(source, name)[some] for name in source.__dataclass_fields__)),
                TargetFrames(self.target.positions[others]),
            )


def held_out() -> DomainBatch:
    return DomainBatch(frames(64, 2), TargetFrames(frames(64, 3, target=True).positions))
