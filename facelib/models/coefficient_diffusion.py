"""Shape of a face from a photograph by diffusion: coefficients of a face model, denoised in view of the photograph.

A counterpart of TEx-Face, with which paper 2 replaces ExpNet, not TEx-Face itself: that is diffusion over 14 codes of
512 numbers of a generator of pictures, and knows neither a face model nor a mesh. Taken over are the transformer of
depth 4, 512 channels and 8 heads, predicted velocities, the cosine schedule, 1,000 steps of training and 50 of DDIM,
the L1 loss, and conditions that are dropped half the time, with guidance. Ours are the tokens, groups of 8 neighbouring
coefficients, and the condition, one more token from a ResNet of the photograph that learns with the rest.

At full size, with ResNet-50 and 99 + 29 coefficients, there are 37,710,408 parameters, 13,152,776 of the transformer.

Sources: paper 2, section 3.2; Shen et al., "TEx-Face", AAAI 2024, and its published settings; Ho and Salimans,
"Classifier-free diffusion guidance", 2022, eq. 6 with guidance w + 1.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from facelib.errors import BadInput, check_finite, check_shape
from facelib.models.blocks import zero_linear
from facelib.models.diffusion import ddim, q_sample
from facelib.models.expnet import ShapeCoefficients, check_counts
from facelib.models.pooled_resnet import PooledResNet
from facelib.models.reconstructor_settings import EXPRESSIONS, IDENTITIES, SAMPLING_STEPS, DiffusionSettings

LONGEST_WAVE = 10_000.0  # over 2 pi, in training steps, of the waves that tell a time


class CoefficientDiffusion(nn.Module):
    """Draws coefficients of faces that a photograph may show.

    Example:
        loss = network(coefficients, images, generator)
        drawn = network.eval().sample(network.condition(images), generator=generator)

    Args:
        settings: of the networks.
        identities, expressions: numbers of the face model that are drawn.

    Raises:
        BadInput: for sizes that cannot be built, a share outside of 0 to 1, or nothing to draw.
    """

    def __init__(
        self, settings: DiffusionSettings, identities: int = IDENTITIES, expressions: int = EXPRESSIONS
    ) -> None:
        super().__init__()
        check_counts(identities, expressions)
        if not 0 <= settings.drop <= 1:
            raise BadInput(f"drop {settings.drop}: expected a share of 0 to 1")
        self.settings = settings
        self.parts = (identities, expressions)
        self.encoder = PooledResNet(settings.encoder)
        self.project = nn.Linear(self.encoder.features, settings.channels)
        self.unseen = nn.Parameter(torch.randn(settings.channels))  # the condition of a photograph that is not shown
        self.denoiser = Denoiser(sum(self.parts), settings)

    def condition(self, images: torch.Tensor) -> torch.Tensor:
        """Images (B, 3, S, S), RGB in [0, 1] -> conditions (B, C), what is known of a face.

        Raises:
            BadInput: for an empty batch, another image size, NaN, or a batch of one in training mode.
        """
        return self.project(self.encoder(images))

    def forward(
        self, coefficients: ShapeCoefficients, images: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The training loss: mean absolute error of the velocity, at a random time for each face.

        Args:
            coefficients: (B, K) and (B, E), true, in standard deviations.
            images: (B, 3, S, S), RGB in [0, 1].
            generator: draws times, noise, and which photographs are not shown.

        Raises:
            BadInput: on wrong shapes or batch sizes, different dtypes, NaN, or as `condition`.
        """
        clean = self._joined(coefficients)
        check_shape("images", images, (len(clean), None, None, None))
        condition = self.condition(images)
        count, last, device = len(clean), self.settings.training_steps, generator.device
        times = torch.randint(1, last + 1, (count,), generator=generator, device=device).to(clean.device)
        noise = torch.randn(clean.shape, generator=generator, device=device).to(clean)
        chance = torch.rand(count, 1, generator=generator, device=device).to(clean.device)
        noised, velocity = q_sample(clean, noise, times, last)
        condition = torch.where(chance < self.settings.drop, self.unseen, condition)
        return functional.l1_loss(self.denoiser(noised, times, condition), velocity)

    @torch.no_grad()
    def sample(
        self,
        condition: torch.Tensor,
        steps: int = SAMPLING_STEPS,
        guidance: float = 1.0,
        draws: int = 1,
        *,
        generator: torch.Generator,
    ) -> ShapeCoefficients:
        """Coefficients for each condition, the mean of some draws.

        A single draw of a perfect model is off by the photograph's ambiguity twice: its squared error is double that of
        the mean of many.

        Args:
            condition: (B, C), from `condition`.
            steps: of DDIM.
            guidance: how far velocities are led from those without photograph, 0, to those with it, 1, and beyond.
            draws: D, for each condition.
            generator: draws the noise that all begins with.

        Returns:
            (B, K) and (B, E) in standard deviations.

        Raises:
            BadInput: for another shape, NaN, a guidance that is not finite, no draw, or steps that are too few or too
                many.
        """
        check_shape("condition", condition, (None, self.settings.channels))
        check_finite("condition", condition)
        if not math.isfinite(guidance):
            raise BadInput(f"guidance {guidance}: expected a finite number")
        if draws < 1:
            raise BadInput(f"draws {draws}: expected at least 1")
        condition = condition.repeat(draws, 1)  # (D * B, C)
        noise = torch.randn(len(condition), sum(self.parts), generator=generator, device=generator.device)
        unseen = self.unseen.expand_as(condition)

        def velocity(noised: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
            with_photograph = self.denoiser(noised, times, condition)
            if guidance == 1:
                return with_photograph
            return torch.lerp(self.denoiser(noised, times, unseen), with_photograph, guidance)

        drawn = ddim(velocity, noise.to(self.unseen), steps, self.settings.training_steps)
        return ShapeCoefficients(*drawn.unflatten(0, (draws, -1)).mean(dim=0).split(self.parts, dim=1))

    def _joined(self, coefficients: ShapeCoefficients) -> torch.Tensor:
        identity, expression = coefficients
        check_shape("identity", identity, (None, self.parts[0]))
        check_shape("expression", expression, (len(identity), self.parts[1]))
        return torch.cat((identity, expression), dim=1)


class Denoiser(nn.Module):
    """Velocities of noised vectors: a transformer over tokens of the time, the condition, and groups of numbers.

    Args:
        numbers: D, of a vector; the last group is filled up with zeros.
        settings: channels, heads, depth and group.

    Raises:
        BadInput: for channels that are no even multiple of heads, no layer, or an empty group.
    """

    def __init__(self, numbers: int, settings: DiffusionSettings) -> None:
        super().__init__()
        channels, heads, depth, group = settings.channels, settings.heads, settings.depth, settings.group
        if min(channels, heads, depth, group) < 1 or channels % (2 * heads):
            raise BadInput(
                f"channels {channels}, heads {heads}, depth {depth}, group {group}: expected positive numbers, and "
                "channels an even multiple of heads"
            )
        self.numbers, self.group = numbers, group
        tokens = -(-numbers // group)
        self.read = nn.Linear(group, channels)
        self.position = nn.Parameter(torch.randn(tokens, channels))
        self.time = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, channels))
        self.layers = nn.Sequential(*(_layer(channels, heads) for _ in range(depth)))
        self.write = nn.Sequential(nn.LayerNorm(channels), zero_linear(channels, group))

    def forward(self, noised: torch.Tensor, times: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Noised vectors (B, D), times (B,) and conditions (B, C) -> velocities (B, D)."""
        filled = functional.pad(noised, (0, len(self.position) * self.group - self.numbers))
        tokens = self.read(filled.unflatten(1, (-1, self.group))) + self.position
        told = torch.stack((self.time(_waves(times, condition.shape[1]).to(noised)), condition), dim=1)
        seen = self.layers(torch.cat((told, tokens), dim=1))[:, told.shape[1] :]
        return self.write(seen).flatten(1)[:, : self.numbers].to(noised.dtype)


def _waves(times: torch.Tensor, channels: int) -> torch.Tensor:
    """Times (B,) as sines and cosines (B, channels) of geometrically growing wavelengths (Vaswani et al., 2017)."""
    half = channels // 2
    rates = LONGEST_WAVE ** (-torch.arange(half, device=times.device) / half)
    phases = times[:, None] * rates
    return torch.cat((phases.sin(), phases.cos()), dim=1)


def _layer(channels: int, heads: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        channels, heads, 4 * channels, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
