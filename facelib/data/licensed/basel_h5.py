"""The Basel Face Models of 2017 and 2019 (`.h5`), in our model's class.

A file has groups shape, expression and color, each with model/mean (3V), model/pcaBasis (3V, K) and
model/pcaVariance (K), VARIANCES and not deviations, and shape/representer/cells (3, T). Lengths are in mm, axes those
of our face frame, colours sRGB in [0, 1]. The expression's own mean is added to the shape's, once.
Needs h5py (extra "licensed"); links to other files and data that lie in others are refused.
Source: Gerig et al., "Morphable face models - an open framework", FG 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facelib.data.licensed.linear_models import REMEDY, completed
from facelib.errors import CorruptFile, MissingPart
from facelib.faces.morphable_model import MorphableModel

LARGEST = 300_000_000  # bytes of a data set: bases have 140 MB
FARTHEST = 1e9  # nothing in such a model is as large


def read_basel_h5(path: Path, ours: MorphableModel, components: int = 199) -> MorphableModel:
    """A model of 2017 or 2019.

    Args:
        path: the file, such as `model2019_bfm.h5`.
        ours: the baked face model.
        components: of identity, expression and colour that are kept, at most.

    Raises:
        MissingPart: h5py is not installed.
        CorruptFile: it is no such file, is damaged, or holds a number that is not finite.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingPart('h5py is not installed: pip install "facelib-companion[licensed]"') from error
    try:
        with h5py.File(path, "r") as file:
            shape, expression, colour = (
                _part(path, file, name, components) for name in ("shape", "expression", "color")
            )
            cells = _array(path, file, "shape/representer/cells", (3, None)).T
    except CorruptFile:
        raise
    except Exception as error:  # the library raises whatever it stumbles over in a damaged file
        raise CorruptFile(f"{path} is no HDF5 file of a Basel model ({error}): {REMEDY}") from error
    if not len(shape[0]) == len(expression[0]) == len(colour[0]):
        sizes = ", ".join(str(len(part[0])) for part in (shape, expression, colour))
        raise CorruptFile(f"{path} has shape, expression and colour of {sizes} vertices: expected as many; {REMEDY}")
    mean = shape[0] + expression[0]
    return completed(path, mean, shape[1], expression[1], cells.astype(np.int64), ours, colour)


def _part(path: Path, file: Any, name: str, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (V, 3), and basis (K, V, 3) a standard deviation, of shape, expression or colour."""
    mean = _array(path, file, f"{name}/model/mean", (None,))
    basis = _array(path, file, f"{name}/model/pcaBasis", (len(mean), None))
    variance = _array(path, file, f"{name}/model/pcaVariance", (basis.shape[1],))
    if len(mean) % 3 or variance.min() < 0:
        raise CorruptFile(f"{path} has {len(mean)} values in {name}, or a variance below 0: expected x, y, z; {REMEDY}")
    kept = basis[:, :components]
    kept *= np.sqrt(variance[:components])
    return mean.reshape(-1, 3), kept.T.reshape(-1, len(mean) // 3, 3)


def _array(path: Path, file: Any, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array of numbers of this shape, which lies in the file itself."""
    import h5py

    at = file
    for step in name.split("/"):
        link = at.get(step, getlink=True) if isinstance(at, h5py.Group) else None
        if not isinstance(link, h5py.HardLink):
            raise CorruptFile(f"{path} has no {name}, or a link in its place: expected a Basel model; {REMEDY}")
        at = at[step]
    if not isinstance(at, h5py.Dataset) or at.dtype.kind not in "fiu" or at.is_virtual or at.external:
        raise CorruptFile(f"{path} has a {name} that is no array of numbers in the file itself: {REMEDY}")
    fits = len(at.shape) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, at.shape, strict=False)
    )
    if not fits or 0 in at.shape or at.size * at.dtype.itemsize > LARGEST:
        raise CorruptFile(f"{path} has a {name} of {at.shape}: expected {shape} and at most {LARGEST} bytes; {REMEDY}")
    values = at[()].astype(np.float32 if at.dtype.kind == "f" else np.int64, copy=False)
    if not -FARTHEST < values.min() <= values.max() < FARTHEST:  # false of NaN
        raise CorruptFile(f"{path} has a {name} with a value that is not finite, or far too large: {REMEDY}")
    return values
