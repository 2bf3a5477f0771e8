"""Spikes are cut off, the surface stays: against a plain median of each window."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.range_images import range_image_of_depth
from facelib.geometry.spikes import without_spikes


def plane(slope_x: float = 0.0, slope_y: float = 0.0, size: int = 12) -> torch.Tensor:
    x = torch.arange(float(size))
    return range_image_of_depth((slope_x * x + slope_y * x[:, None])[None], 1.0)


def borne_out(depth: torch.Tensor, limit: float, window: int, neighbours: int) -> torch.Tensor:
    """The slow reference."""
    kept = torch.zeros_like(depth, dtype=torch.bool)
    reach = window // 2
    for i in range(depth.shape[0]):
        for j in range(depth.shape[1]):
            around = depth[max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1].flatten().tolist()
            around = [z for z in around if math.isfinite(z)]
            if math.isfinite(depth[i, j]) and len(around) >= neighbours:
                kept[i, j] = abs(float(depth[i, j]) - statistics.median(around)) <= limit
    return kept


@settings(max_examples=20)
@given(st.integers(0, 9999), st.sampled_from([3, 5]), st.floats(0.3, 2.0))
def test_each_sample_is_held_against_the_median_of_its_window(seed: int, window: int, limit: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    depth = torch.randn(2, 9, 11, generator=generator)
    depth[torch.rand(depth.shape, generator=generator) < 0.3] = torch.nan
    found = without_spikes(range_image_of_depth(depth, 1.0), limit, window=window)
    for image, cleaned in zip(depth, found, strict=True):
        assert torch.equal(cleaned.isfinite().all(dim=0), borne_out(image, limit, window, 6))


def test_a_spike_goes_and_all_else_stays_as_it_was() -> None:
    image = plane(0.5, -0.25)
    expected = image.clone()
    image[:, 2, 5, 7] += 8
    expected[:, :, 5, 7] = torch.nan
    found = without_spikes(image)
    torch.testing.assert_close(found, expected, equal_nan=True, rtol=0, atol=0)
    assert image.isfinite().all()  # the input stays as it was


def test_lonely_samples_go() -> None:
    image = plane()
    image[:, :, :, 4:] = torch.nan
    image[:, :, 6, 9] = 0.0
    assert without_spikes(image)[0, 2, 6, 9].isnan()
    assert without_spikes(image, neighbours=1)[0, 2, 6, 9] == 0


def test_an_image_of_holes_stays_one() -> None:
    assert without_spikes(torch.full((1, 3, 6, 6), torch.nan)).isnan().all()


def test_bad_input_is_refused() -> None:
    with pytest.raises(BadInput, match="positions has shape"):
        without_spikes(torch.zeros(3, 5, 5))
    with pytest.raises(BadInput, match="window is 4"):
        without_spikes(plane(), window=4)
    with pytest.raises(BadInput, match="limit is nan"):
        without_spikes(plane(), math.nan)
    with pytest.raises(BadInput, match=r"torch\.int64"):
        without_spikes(torch.zeros(1, 3, 5, 5, dtype=torch.int64))
