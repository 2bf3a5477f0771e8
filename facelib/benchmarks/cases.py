"""The list of all benchmarks."""

from __future__ import annotations

from facelib.benchmarks import (
    differentiable,
    face_fitting,
    face_world,
    normal_maps,
    rasterizing,
    reconstruction,
    registration,
    sampling,
    scoring,
    surfaces,
    training_steps,
)
from facelib.benchmarks.measure import Case

CASES: tuple[Case, ...] = (
    *rasterizing.CASES,
    *differentiable.CASES,
    *normal_maps.CASES,
    *sampling.CASES,
    *registration.CASES,
    *surfaces.CASES,
    *scoring.CASES,
    *face_world.CASES,
    *reconstruction.CASES,
    *training_steps.CASES,
    *face_fitting.CASES,
)
