"""The embedded world: heads from coefficients, and whole photographs with everything that is known of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from facelib.benchmarks.measure import Case, Goal
from facelib.data.ahead import Arrays, BatchesAhead
from facelib.data.embedded import keep_freed_memory
from facelib.data.embedded.aflw_300wlp import WEB_SCENE
from facelib.data.embedded.people_stream import PeopleStream, PeopleStreamSettings
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scene import Rendering, SceneSettings, render

BATCH = 32
SIZE = 112  # pixels
PHOTOGRAPHS_A_SECOND = 300
STREAM_SIZE, STREAM_BATCH = 64, 48
SKINS = 40  # more take longer to paint, and none to wear
STREAMED = 40 * STREAM_BATCH


@dataclass(frozen=True)
class Heads:
    """Coefficients (B, 199), vertices and albedo (B, V, 3) and poses (B, 3) of people of the coarse face model."""

    model: MorphableModel
    identity: torch.Tensor
    vertices: torch.Tensor
    albedo: torch.Tensor
    pose: torch.Tensor


def draw_heads(count: int) -> Heads:
    keep_freed_memory()  # as the generation of data sets does
    model = load_face_model("coarse")
    people = sample_people(model, min(count, BATCH), seed=0)
    rows = torch.arange(count) % len(people)
    pose = 0.4 * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    identity = people.identity[rows]
    return Heads(model, identity, model.vertices(identity), model.albedo(people.texture[rows]), pose)


def photograph(heads: Heads) -> list[Rendering]:
    """Image, depth, mask, landmarks and their visibility under harmonic light, in batches."""
    generator = torch.Generator().manual_seed(0)
    settings = SceneSettings(image_size=SIZE)
    batches = zip(heads.vertices.split(BATCH), heads.albedo.split(BATCH), heads.pose.split(BATCH), strict=True)
    return [render(heads.model, *batch, settings=settings, generator=generator) for batch in batches]


class StreamedPeople:
    """A stream whose processes have started, and how far it has been asked for."""

    def __init__(self, count: int) -> None:
        self.settings = PeopleStreamSettings(skins=SKINS, scene=replace(WEB_SCENE, image_size=STREAM_SIZE))
        PeopleStream.open(self.settings)  # skins are painted once, outside the clock
        self.ahead = BatchesAhead(partial(PeopleStream.open, self.settings), STREAM_BATCH, os.cpu_count() or 1)
        self.number, self.batches = 0, count // STREAM_BATCH
        self.next_batches()

    def next_batches(self) -> list[Arrays]:
        """As many batches as are timed; a few of them lie ready, as many as are made ahead of the next call."""
        self.number += self.batches
        return list(self.ahead.batches(self.number - self.batches, self.batches))


def combine_in_numpy(heads: Heads) -> np.ndarray:
    """The linear model as it is usually written: mean + coefficients times basis."""
    basis, mean = heads.model.identity_basis.flatten(1).numpy(), heads.model.mean.flatten().numpy()
    return (mean + heads.identity.numpy() @ basis).reshape(len(heads.identity), -1, 3)


def same_vertices(ours: torch.Tensor, theirs: np.ndarray) -> bool:
    """Within a thousandth of a millimetre."""
    return bool(np.abs(ours.numpy() - theirs).max() < 1e-3)


_case = partial(Case, prepare=draw_heads, n=BATCH, images=BATCH, growth=(BATCH, 4 * BATCH, 16 * BATCH))
CASES = (
    _case(
        name="photograph",
        kernel="photograph",
        size=f"image, depth, mask, landmarks, visibility at {SIZE} x {SIZE}, 4 samples a pixel, batch of {BATCH}",
        peer=None,
        counted="photographs",
        ours=photograph,
        goal=Goal(ms=1000 / PHOTOGRAPHS_A_SECOND),
    ),
    Case(
        name="people-stream",
        kernel="stream of people",
        size=f"photographs of {STREAM_SIZE} x {STREAM_SIZE} of a new person each, with occluders, one process a core",
        peer=None,
        counted="photographs",
        prepare=StreamedPeople,
        n=STREAMED,
        images=STREAMED,
        ours=StreamedPeople.next_batches,
        growth=(STREAMED // 4, STREAMED, 4 * STREAMED),
        goal=Goal(ms=1000 / PHOTOGRAPHS_A_SECOND),
    ),
    _case(
        name="linear-face-model",
        kernel="linear face model",
        size=f"4,857 vertices, 199 components, batch of {BATCH}",
        peer="NumPy",
        counted="heads",
        ours=lambda heads: heads.model.vertices(heads.identity),
        load_peer=lambda: combine_in_numpy,
        agree=same_vertices,
    ),
)
