"""FLAME (`generic_model.pkl` and its kin) in our model's class: 300 components of identity and 100 of expression.

The file is a pickle of Python 2 with chumpy's objects, of which only arrays are taken (`pickled_arrays`). Lengths are
in metres, axes those of our face frame. Joints, and what bends with them, are left out: heads are at rest.
Source: Li et al., "Learning a model of facial shape and expression from 4D scans", SIGGRAPH Asia 2017.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facelib.data.licensed.linear_models import REMEDY, completed
from facelib.data.licensed.pickled_arrays import read_pickled_arrays
from facelib.errors import CorruptFile
from facelib.faces.morphable_model import MorphableModel

MM = 1000.0
IDENTITIES = 300  # first columns of shapedirs; expressions follow


def read_flame(path: Path, ours: MorphableModel, identities: int = IDENTITIES) -> MorphableModel:
    """The model.

    Args:
        path: the pickle.
        ours: the baked face model.
        identities: columns of `shapedirs` that are of identity, the first ones.

    Raises:
        CorruptFile: it is no such file, is damaged, or asks for more than arrays.
    """
    wanted: dict[str, tuple[int | None, ...]] = {
        "v_template": (None, 3),
        "shapedirs": (None, 3, None),
        "f": (None, 3),
    }
    arrays = read_pickled_arrays(path, wanted)
    mean, shapes, faces = (arrays[name] for name in wanted)
    if len(shapes) != len(mean) or shapes.shape[2] <= identities:
        raise CorruptFile(
            f"{path} has shapedirs of {shapes.shape} for {len(mean)} vertices: expected more than {identities} "
            f"components of each; {REMEDY}"
        )
    if faces.dtype.kind not in "iu":
        raise CorruptFile(f"{path} has faces of {faces.dtype}: expected numbers of vertices; {REMEDY}")
    basis = np.moveaxis(shapes.astype(np.float32), 2, 0) * MM
    return completed(path, mean * MM, basis[:identities], basis[identities:], faces.astype(np.int64), ours)
