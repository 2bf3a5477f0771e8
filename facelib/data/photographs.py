"""A user's photograph: read whatever its format, with bounded memory, and cropped around a face as in training.

Boxes and places are in the pixels of the file, turned as its EXIF orientation says, which is how viewers show it. Of a
photograph above 16 million pixels a smaller version is kept; boxes and places stay those of the file. Reading takes
up to 400 MB of memory, and of a WebP, which is decoded twice over, 700.
"""

from __future__ import annotations

import logging
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.embedded.people_stream import STREAM_SCENE
from facelib.data.resampling import resampled_square
from facelib.errors import BadInput, CorruptFile, FacelibError, check_finite, check_shape

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # no format that starts other programs
LARGEST = 40_000_000  # pixels that are decoded, in 8 or 16 bits
KEPT = 16_000_000  # pixels that are kept, in float32
SMALLEST = 16  # pixels a side of a photograph, and of a face's box
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # grey of 16 bits, as Pillow calls it

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photograph:
    """An image as it was decoded.

    Args:
        pixels: (3, H, W) RGB in [0, 1].
        reduction: pixels of the file along each axis that one of these stands for.
    """

    pixels: torch.Tensor
    reduction: float = 1.0

    def __post_init__(self) -> None:
        check_shape("pixels", self.pixels, (3, None, None))
        if not self.pixels.sum().isfinite():  # which, unlike the look at each, needs no memory
            check_finite("the photograph", self.pixels)

    @property
    def width(self) -> float:
        """In pixels of the file."""
        return self.pixels.shape[2] * self.reduction

    @property
    def height(self) -> float:
        """In pixels of the file."""
        return self.pixels.shape[1] * self.reduction

    def colours_at(self, places: torch.Tensor) -> torch.Tensor:
        """RGB (N, 3) between pixels, bilinearly, at places (N, 2) in pixels of the file; NaN outside."""
        check_shape("places", places, (None, 2))
        size = torch.tensor([self.width, self.height])
        grid = (2 * places / size - 1)[None, None]
        colours = functional.grid_sample(self.pixels[None], grid, padding_mode="border", align_corners=False)[0, :, 0].T
        inside = ((places >= 0) & (places < size)).all(dim=1, keepdim=True)
        return colours.where(inside, torch.nan)


@dataclass(frozen=True)
class FaceBox:
    """Around the 68 landmarks of a face, from brows to chin, in pixels of the file.

    Raises:
        BadInput: for a box without area or with a NaN.
    """

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.corners)):
            raise BadInput(f"the box {self} is not finite: expected left, top, right and bottom in pixels")
        if not (self.left < self.right and self.top < self.bottom):
            raise BadInput(f"the box {self} is empty: expected left < right and top < bottom, in pixels")

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.right, self.bottom

    def __str__(self) -> str:
        return ",".join(f"{number:g}" for number in self.corners)


@dataclass(frozen=True)
class FaceCrop:
    """A square of a photograph.

    Args:
        image: (3, S, S) RGB in [0, 1]; beyond the photograph 0, or as at its border.
        scale: pixels of the file in one of the crop.
        offset: column and row of the crop's upper left corner in the file.
    """

    image: torch.Tensor
    scale: float
    offset: tuple[float, float]

    def from_photograph(self, points: torch.Tensor) -> torch.Tensor:
        """The inverse of `to_photograph`."""
        return (points - torch.tensor([*self.offset, 0.0])[: points.shape[-1]]) / self.scale

    def to_photograph(self, points: torch.Tensor) -> torch.Tensor:
        """Points (N, 2 or 3) of the crop (column, row, depth) in pixels of the file."""
        shift = torch.tensor([*self.offset, 0.0])[: points.shape[-1]]
        return points * self.scale + shift


def read_photograph(path: Path, size: tuple[int, int] | None = None) -> Photograph:
    """The first picture of an image file.

    Grey and palettes become RGB, 16 bits of grey are kept, transparency is laid over white; colour profiles are not
    applied. Nothing is decoded before the size is known. Above 16 million pixels means of 2 x 2, 4 x 4 or more of them
    are kept; a JPEG is decoded at up to an eighth of its size, and of other formats 40 million pixels at most.

    Args:
        path: the file.
        size: width and height in pixels that it must have, where they are known; another is refused before decoding.

    Raises:
        BadInput: no such file, or too many pixels.
        CorruptFile: empty, cut off, damaged, no image, or of another size.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise BadInput(f"there is no file {path}: expected a photograph")
    if path.stat().st_size == 0:
        raise CorruptFile(f"{path} is empty: copy or download the photograph again")
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are looked at below, and of tags that nobody asked for
            with Image.open(path, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
                if size is not None and image.size != size:
                    found, wanted = (" x ".join(map(str, each)) for each in (image.size, size))
                    raise CorruptFile(f"{path} has {found} pixels, expected {wanted}: copy or download it again")
                return decoded(image, str(path))
    except Image.DecompressionBombError as error:
        raise BadInput(f"{path} is too large ({error}): save a smaller version") from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(name for name in FORMATS if name != "MPO")
        raise CorruptFile(
            f"{path} is no image that can be read: expected {kinds}; convert it to PNG or JPEG"
        ) from error
    except (FacelibError, MemoryError):
        raise
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise CorruptFile(f"{path} is damaged ({error}): copy or download the photograph again") from error


def square_crop(
    photograph: Photograph, box: FaceBox, size: int, enlarge: float = CROP, *, as_border: bool = False
) -> FaceCrop:
    """The square around a face, as networks of paper 3 saw faces in training, without aliasing.

    Args:
        photograph: with the face, or part of it.
        box: of the face.
        size: of the crop in pixels.
        enlarge: side of the crop over the larger side of the box; the default is that of 300W-LP's counterpart.
        as_border: whether the crop is as at the photograph's border beyond it, as in paper 5, instead of 0.

    Raises:
        BadInput: for a box outside the photograph, one much larger than it, or fewer than 16 pixels a side of either.
    """
    return _crop(photograph, *_square(photograph, box, enlarge), size, as_border=as_border)


def crops_around(photograph: Photograph, box: FaceBox, size: int, count: int) -> list[FaceCrop]:
    """`square_crop` and others of nearly the same place and size: as networks of paper 3 saw faces, nobody's box being
    exact. The same ones for the same box.

    Args:
        photograph, box, size: as `square_crop` takes them.
        count: of all crops; the first one is that of the box.
    """
    left, top, side = _square(photograph, box, CROP)
    moves = STREAM_SCENE.crop_jitter * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    moves[0] = 0
    crops = []
    for right, down, larger in moves.tolist():
        longer = side * math.exp(larger)
        corner = (left + side * (0.5 + right) - longer / 2, top + side * (0.5 + down) - longer / 2)
        crops.append(_crop(photograph, *corner, longer, size))
    return crops


def _square(photograph: Photograph, box: FaceBox, enlarge: float) -> tuple[float, float, float]:
    """Left, top and side of the square around a box."""
    check_side(photograph)
    width, height = photograph.width, photograph.height
    where = f"the box {box} (left,top,right,bottom)"
    if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
        raise BadInput(f"{where} lies outside the photograph of {width:g} x {height:g} pixels: give another")
    if min(box.right - box.left, box.bottom - box.top) < SMALLEST:
        raise BadInput(f"{where} has a side below {SMALLEST} pixels: too little to see a face in; give a larger one")
    side = max(box.right - box.left, box.bottom - box.top) * enlarge
    if side > 4 * max(width, height):
        raise BadInput(f"{where} is far larger than the photograph of {width:g} x {height:g} pixels: give the face's")
    return (box.left + box.right - side) / 2, (box.top + box.bottom - side) / 2, side


def _crop(
    photograph: Photograph, left: float, top: float, side: float, size: int, *, as_border: bool = False
) -> FaceCrop:
    reduction = photograph.reduction
    place = left / reduction, top / reduction, side / reduction
    image = resampled_square(photograph.pixels, *place, size, as_border=as_border)
    return FaceCrop(image, side / size, (left, top))


def check_side(photograph: Photograph) -> None:
    """Raise BadInput for a photograph too small to show a face."""
    if min(photograph.width, photograph.height) < SMALLEST:
        size = f"{photograph.width:g} x {photograph.height:g}"
        raise BadInput(f"the photograph has {size} pixels: expected at least {SMALLEST} a side")


def decoded(image: Image, name: str) -> Photograph:
    """An image of Pillow as `read_photograph` gives a file's; it is turned in place as its EXIF orientation says.

    Args:
        image: decoded or not.
        name: what messages call it.

    Raises:
        BadInput: as `read_photograph`.
    """
    from PIL import ImageOps

    width, height = image.size
    reduction = 1
    while width * height > KEPT * reduction**2:
        reduction *= 2
    image.draft("RGB", (width // reduction, height // reduction))  # JPEG only; others stay as they are
    if image.width * image.height > LARGEST:
        raise BadInput(
            f"{name} has {width} x {height} pixels, above {LARGEST // 10**6} million: save a smaller version"
        )
    left = reduction // round(width / image.width)  # to be reduced after decoding
    image.load()
    if reduction > 1:
        _log.info("of %s, %d x %d pixels, 1/%d along each side is kept", name, width, height, reduction)
    ImageOps.exif_transpose(image, in_place=True)
    pixels = _grey_of_16_bits(image, name, left) if image.mode in DEEP_MODES else _rgb(image, name, left)
    return Photograph(pixels, float(reduction))


def _grey_of_16_bits(image: Image, name: str, reduction: int) -> torch.Tensor:
    """(3, H, W) float32 in [0, 1], three times the same."""
    grey = torch.from_numpy(np.array(image, np.float32)).div_(65535)
    low, high = grey.aminmax()
    if not (low >= 0 and high <= 1):
        raise BadInput(f"{name} has grey values beyond 16 bits: save it with 8 or 16 bits")
    if reduction > 1:
        grey = functional.avg_pool2d(grey[None], reduction, ceil_mode=True, count_include_pad=False)[0]
    return grey.repeat(3, 1, 1)


def _rgb(image: Image, name: str, reduction: int) -> torch.Tensor:
    """(3, H, W) float32 in [0, 1], of 8 bits, over white."""
    from PIL import Image as pillow

    if image.mode == "F":
        raise BadInput(f"{name} holds floating-point values of unknown range: save it with 8 or 16 bits")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode != mode:
        image = image.convert(mode)
    if reduction > 1:  # in 8 bits: in floating point it would take four times the memory
        image = image.reduce(reduction)
    if mode == "RGBA":
        image = pillow.alpha_composite(pillow.new("RGBA", image.size, "white"), image).convert("RGB")
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div_(255)
