"""The Basel Face Model that a user has, in our model's class and with its own expressions, of whatever year.

Its faces are laid on our mean, by their landmarks and without a change of size, so that poses are told of the same axes
and crops go about the same middle. It lies in the folder `basel` below the one that `FACELIB_DATA` names: a file of
2019 or 2017, or the three files of 2009 (`facelib.data.licensed.basel_2009`). Strengths of its expressions are scaled
as those of our facial actions, whose spread over faces fits to clouds count on.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from facelib.data.licensed import basel_2009
from facelib.data.licensed.archives import DATA_VARIABLE
from facelib.data.licensed.basel_h5 import read_basel_h5
from facelib.errors import MissingPart
from facelib.faces.baking import load_face_model
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import similarity_transform
from facelib.storage import digest_of, sha256_once

FOLDER = "basel"
FILES: tuple[tuple[str, ...], ...] = (  # of each release; the first that is whole counts
    ("model2019_fullHead.h5",),
    ("model2019_bfm.h5",),
    ("model2017-1_bfm_nomouth.h5",),
    ("model2019_face12.h5",),
    ("model2017-1_face12_nomouth.h5",),
    tuple(place for (place,) in basel_2009.LAYOUT.values()),
)

State = tuple[tuple[Path, int, int], ...]  # files with their times and sizes, as of which something is kept


def has_basel() -> bool:
    """Whether the user has a model."""
    return bool(_files())


def load_basel() -> MorphableModel:
    """The user's model, read once for as long as its files stay the same.

    Raises:
        MissingPart: there is none, or h5py is not installed.
        CorruptFile: its files are damaged, or not of one release.
    """
    return _read(_state())


def basel_checksum() -> str:
    """Of the model's files; raises MissingPart as `load_basel`."""
    return digest_of([sha256_once(path) for path, *_ in _state()])


def _files() -> tuple[Path, ...]:
    """Those of the first model of `FILES` that is whole; none without one."""
    chosen = os.environ.get(DATA_VARIABLE)
    if not chosen:
        return ()
    every = (tuple(Path(chosen, FOLDER, name) for name in names) for names in FILES)
    return next((paths for paths in every if all(path.is_file() for path in paths)), ())


def _state() -> State:
    paths = _files()
    if not paths:
        usual = "model2019_bfm.h5, or 01_MorphableModel.mat with 3DDFA's Model_Expression.mat and model_info.mat"
        raise MissingPart(
            f"there is no Basel Face Model in the folder {FOLDER} below {DATA_VARIABLE}: put {usual} there (ask the "
            "University of Basel), or take faces=ours"
        )
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


@lru_cache(maxsize=1)
def _read(state: State) -> MorphableModel:
    (path, *_), ours = state[0], load_face_model("coarse")
    read = read_basel_h5(path, ours) if len(state) == 1 else basel_2009.read_basel_model(path.parent, ours)
    model = _on_ours(read, ours)
    return replace(model, expression_basis=model.expression_basis / EXPRESSION_SPREAD)


def _on_ours(model: MorphableModel, ours: MorphableModel) -> MorphableModel:
    """A model in the place of ours."""
    landmarks = (each.mean[each.landmarks].double()[None] for each in (model, ours))
    place = similarity_transform(*landmarks, scale=False)
    turn = place.rotation[0].mT.float()
    mean = place.apply(model.mean.double()[None])[0].float()
    return replace(
        model, mean=mean, identity_basis=model.identity_basis @ turn, expression_basis=model.expression_basis @ turn
    )
