"""SynData1 to 3 as paper 4 made them (section 1.4): clean depth frames of faces of the Basel Face Model.

Counts, poses, distances and camera are those of `facelib.data.embedded.syn_data`; identities have coefficients N(0, 1).
The paper's expressions are FaceWarehouse's blendshapes; here they are twenty draws of the model's own expression
components, the first of them neutral, the same for everybody and in all three sets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.embedded.depth_sets import dealt_evenly, open_depth_set, turned_frames
from facelib.data.embedded.generation import generator_of
from facelib.data.embedded.syn_data import SynDataSettings, expressions_in_turn, open_syn_data
from facelib.data.licensed.basel_faces import basel_checksum, load_basel
from facelib.errors import BadInput
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, SHAPE_LIMIT

EXPRESSION_SEED = 40

OnImages = Callable[[int], None]


@dataclass(frozen=True)
class BaselFramesSettings:
    """A source set of Basel faces.

    Args:
        like: which set, and its size.
        model: the checksum of the user's model (`basel_checksum`), by which the fingerprint follows its files.
    """

    archive: ClassVar[str] = "basel_syn_data"
    version: ClassVar[int] = 1  # raise it when the generation changes: older data are then passed over

    like: SynDataSettings
    model: str

    @property
    def image_count(self) -> int:
        """Frames in the data set."""
        return self.like.image_count


def open_source_frames(
    settings: SynDataSettings | BaselFramesSettings, on_images: OnImages = lambda count: None
) -> FaceArchive:
    """A source set of our faces or of Basel faces from the cache, generated where it is missing.

    Its arrays are those of `open_syn_data`; coefficients are those of the model whose faces they are.

    Args:
        settings, on_images: as `open_depth_set`.

    Raises:
        MissingPart: of Basel faces, when the user has no model.
        BadInput: on fewer frames than people, no people, or another model than the settings name.
    """
    if isinstance(settings, SynDataSettings):
        return open_syn_data(settings, on_images)
    if basel_checksum() != settings.model:
        raise BadInput("the Basel Face Model has changed since the settings were made: make them again")
    like = settings.like
    frames = dealt_evenly(like.frames, like.identities)
    make = partial(_frames, like, frames)
    return open_depth_set(settings, like.seed, range(like.identities), frames, make, on_images, load_basel)


def expression_draws(model: MorphableModel) -> torch.Tensor:
    """(20, E) coefficients of expressions, as many as the embedded faces show; the first is neutral."""
    generator = generator_of(EXPRESSION_SEED, 0)
    drawn = torch.randn(len(EXPRESSIONS), len(model.expression_basis), generator=generator)
    drawn[0] = 0
    return EXPRESSION_SPREAD * drawn.clamp(-SHAPE_LIMIT, SHAPE_LIMIT)


def _frames(
    like: SynDataSettings,
    frames: list[int],
    model: MorphableModel,
    shape: torch.Tensor,
    number: int,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """The frames of one person, its expressions in turn."""
    expression = expressions_in_turn(frames[number], like.expressions, generator)
    bare = replace(like, scene=replace(like.scene, dressed=False))  # our hair and necks belong to our model
    return turned_frames(bare, model, shape, expression, expression_draws(model)[expression], generator)
