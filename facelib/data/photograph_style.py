"""How photographs differ from renderings: uneven skin, highlights, tones, too little light, what compression leaves.

Networks that are to read real photographs learn from faces whose look varies more than any test set's does.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from facelib.errors import BadInput
from facelib.faces.scene import GAMMA

LUMINANCE = (0.299, 0.587, 0.114)  # of encoded red, green and blue (ITU-R BT.601)
BEST_QUALITY = 95  # of JPEG


@dataclass(frozen=True)
class StyleSettings:
    """How far photographs vary; each has its own numbers.

    Args:
        mottling: largest standard deviation of the log albedo from vertex to vertex.
        shine: largest strength of highlights, over that of the lamp.
        contrast: standard deviation of the logarithm of the exponent on encoded images.
        saturation: range of the factor on colours' distance from grey; 1 leaves them, 0 is a grey photograph.
        grey: share of the photographs that are grey.
        jpeg: least quality that photographs are stored with, up to 95; 0 for storage that loses nothing.

    Raises:
        BadInput: on a negative number, a share above 1 or a quality above 95.
    """

    mottling: float = 0.0
    shine: float = 0.0
    contrast: float = 0.0
    saturation: tuple[float, float] = (1.0, 1.0)
    grey: float = 0.0
    jpeg: int = 0

    def __post_init__(self) -> None:
        limits = {"mottling": math.inf, "shine": math.inf, "contrast": math.inf, "grey": 1, "jpeg": BEST_QUALITY}
        for name, most in limits.items():
            if not 0 <= getattr(self, name) <= most:
                raise BadInput(f"{name} is {getattr(self, name)}: expected 0 to {most}")
        low, high = self.saturation
        if not 0 <= low <= high < math.inf:
            raise BadInput(f"saturation is ({low}, {high}): expected two numbers from 0 up, the lower first")


PLAIN = StyleSettings()


def mottled(albedo: torch.Tensor, settings: StyleSettings, generator: torch.Generator) -> torch.Tensor:
    """Albedo (B, V, 3) that is uneven from vertex to vertex, of each head by another measure."""
    if settings.mottling == 0:
        return albedo
    spread = settings.mottling * torch.rand(len(albedo), 1, generator=generator)
    return albedo * torch.exp(spread * torch.randn(albedo.shape[:2], generator=generator))[..., None]


def toned(images: torch.Tensor, settings: StyleSettings, generator: torch.Generator) -> torch.Tensor:
    """Photographs with other contrasts and colours, stored and read again.

    Args:
        images: (B, 3, H, W) encoded RGB in [0, 1].
        settings: how far.
        generator: of the randomness.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    batch = len(images)
    if settings.contrast > 0:
        images = images ** torch.exp(settings.contrast * torch.randn(batch, 1, 1, 1, generator=generator))
    if settings.saturation != (1, 1) or settings.grey > 0:
        low, high = settings.saturation
        factor = low + (high - low) * torch.rand(batch, generator=generator)
        factor = factor * (torch.rand(batch, generator=generator) >= settings.grey)
        grey = (images * torch.tensor(LUMINANCE).view(3, 1, 1)).sum(dim=1, keepdim=True)
        images = torch.lerp(grey, images, factor[:, None, None, None])
    images = images.clamp(0, 1)
    if settings.jpeg == 0:
        return images
    return _compressed(images, torch.randint(settings.jpeg, BEST_QUALITY + 1, (batch,), generator=generator))


def dimmed(images: torch.Tensor, stops: float, noise: float, generator: torch.Generator) -> torch.Tensor:
    """Photographs for which there was too little light: darker, and the noise of a sensor that makes the most of it.

    Args:
        images: (B, 3, H, W) encoded RGB in [0, 1].
        stops: by which less light reaches the sensor, 0 for none.
        noise: standard deviation of the noise on encoded images.
        generator: of the noise.

    Returns:
        (B, 3, H, W) in [0, 1].

    Raises:
        BadInput: on a negative number.
    """
    if not (0 <= stops < math.inf and 0 <= noise < math.inf):
        raise BadInput(f"stops {stops} and noise {noise}: expected two numbers from 0 up")
    dark = images * 2 ** (-stops / GAMMA)
    return (dark + noise * torch.randn(dark.shape, generator=generator)).clamp(0, 1)


def _compressed(images: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """Images (B, 3, H, W) stored as JPEG of a quality (B,) each."""
    kept = []
    for pixels, one in zip((images * 255).round().byte().permute(0, 2, 3, 1), quality.tolist(), strict=True):
        file = io.BytesIO()
        Image.fromarray(pixels.numpy()).save(file, "JPEG", quality=one)
        kept.append(np.array(Image.open(file)))
    return torch.from_numpy(np.stack(kept)).permute(0, 3, 1, 2).contiguous().float() / 255
