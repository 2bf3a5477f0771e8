"""The list of all benchmarks."""

from __future__ import annotations

from facelib.benchmarks import rasterizing, sampling
from facelib.benchmarks.measure import Case

CASES: tuple[Case, ...] = (*rasterizing.CASES, *sampling.CASES)
