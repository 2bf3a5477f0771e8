"""Whatever a program hands over as an image: a path, an image of Pillow, an array, or a photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from facelib.data.photographs import KEPT, Photograph, decoded, read_photograph
from facelib.errors import BadInput


def as_photograph(image: object) -> Photograph:
    """The photograph that an image is.

    Args:
        image: a file's path; an image of Pillow; a NumPy array (H, W, 3) of RGB, either uint8 or floating-point in
            [0, 1]; or a Photograph, which stays itself.

    Raises:
        BadInput: for anything else, a NaN, values outside [0, 1], an empty array or one above 16 million pixels; and
            as `read_photograph`.
        CorruptFile: as `read_photograph`.
    """
    from PIL import Image, ImageOps

    if isinstance(image, Photograph):
        return image
    if isinstance(image, str | Path):
        return read_photograph(Path(image))
    if isinstance(image, Image.Image):
        return decoded(ImageOps.exif_transpose(image), "the image")  # a copy: the caller's stays as it is
    if isinstance(image, np.ndarray):
        return _of_array(image)
    kind = f"{type(image).__module__}.{type(image).__qualname__}".removeprefix("builtins.")
    raise BadInput(
        f"the image is of type {kind}: expected a path, an image of Pillow, or a NumPy array (height, width, 3)"
    )


def _of_array(array: np.ndarray) -> Photograph:
    expected = "expected (height, width, 3), RGB"
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise BadInput(f"the image has shape {array.shape}: {expected}, no size zero")
    if array.shape[0] * array.shape[1] > KEPT:
        raise BadInput(f"the image has {array.shape[1]} x {array.shape[0]} pixels, above {KEPT // 10**6} million")
    if array.dtype == np.uint8:
        pixels = torch.from_numpy(np.array(array)).float().div_(255)
    elif np.issubdtype(array.dtype, np.floating):
        pixels = torch.from_numpy(array.astype(np.float32))
        low, high = float(pixels.min()), float(pixels.max())
        if not (low >= 0 and high <= 1):  # of a NaN neither holds
            raise BadInput(f"the image has values from {low:g} to {high:g}: expected [0, 1], or uint8 from 0 to 255")
    else:
        raise BadInput(f"the image holds {array.dtype}: {expected}, of uint8 or floating-point numbers in [0, 1]")
    return Photograph(pixels.permute(2, 0, 1).contiguous())
