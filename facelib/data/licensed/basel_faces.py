"""The Basel Face Model that a user has, in our model's class and with its own expressions, of whatever year.

Its faces are laid on our mean, by their landmarks and without a change of size, so that poses are told of the same axes
and crops go about the same middle. It lies in the folder `basel` below the one that `FACELIB_DATA` names: a file of
2019 or 2017, or the three files of 2009 (`facelib.data.licensed.basel_2009`). Strengths of its expressions are scaled
as those of our facial actions, whose spread over faces fits to clouds count on. What 300W-LP and AFLW2000-3D say of
their faces needs the model of 2009 along its own axes: `facelib.data.licensed.basel_posed`.
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
Releases = tuple[tuple[str, ...], ...]
State = tuple[tuple[Path, int, int], ...]  # files with their times and sizes, as of which something is kept

OF_2009 = tuple(place for (place,) in basel_2009.LAYOUT.values())
FILES: Releases = (  # of each release; the first that is whole counts
    ("model2019_fullHead.h5",),
    ("model2019_bfm.h5",),
    ("model2017-1_bfm_nomouth.h5",),
    ("model2019_face12.h5",),
    ("model2017-1_face12_nomouth.h5",),
    OF_2009,
)


def has_basel() -> bool:
    """Whether the user has a model."""
    return bool(_files())


def load_basel() -> MorphableModel:
    """The user's model, read once for as long as its files stay the same.

    Raises:
        MissingPart: there is none, or h5py is not installed.
        CorruptFile: its files are damaged, or not of one release.
    """
    return _read(basel_files())


def basel_checksum(releases: Releases = FILES) -> str:
    """Of the model's files, the first of these releases that is whole; raises MissingPart as `load_basel`."""
    return digest_of([sha256_once(path) for path, *_ in basel_files(releases)])


def basel_files(releases: Releases = FILES) -> State:
    """The files of the first of these releases that is whole, as they are now.

    Raises:
        MissingPart: none is.
    """
    paths = _files(releases)
    if not paths:
        usual, other = ("model2019_bfm.h5, or ", ", or take faces=ours") if releases is FILES else ("", "")
        raise MissingPart(
            f"there is no Basel Face Model in the folder {FOLDER} below {DATA_VARIABLE}: put {usual}"
            "01_MorphableModel.mat with 3DDFA's Model_Expression.mat and model_info.mat there (ask the University of "
            f"Basel){other}"
        )
    return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)


def _files(releases: Releases = FILES) -> tuple[Path, ...]:
    chosen = os.environ.get(DATA_VARIABLE)
    if not chosen:
        return ()
    every = (tuple(Path(chosen, FOLDER, name) for name in names) for names in releases)
    return next((paths for paths in every if all(path.is_file() for path in paths)), ())


@lru_cache(maxsize=1)
def _read(state: State) -> MorphableModel:
    (path, *_), ours = state[0], load_face_model("coarse")
    read = read_basel_h5(path, ours) if len(state) == 1 else basel_2009.read_basel_model(path.parent, ours)
    return with_our_spread(_on_ours(read, ours))


def with_our_spread(model: MorphableModel) -> MorphableModel:
    """A model whose expressions count in the strengths of our facial actions, from one in standard deviations."""
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
