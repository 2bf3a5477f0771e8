"""Runs of paper 2 with made-up ranks, and what networks make of made-up scans."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from made_records import write_run

from facelib.papers.normal_components.methods import METHODS
from facelib.papers.normal_components.metrics import APART, MERGED, TITLES
from facelib.papers.normal_components.protocol import SeenScans, metrics_of
from facelib.runs.folders import Run
from facelib.runs.records import Record

PEOPLE, PROBES = 8, 6  # on each data set, and of each person


def made_ranks(skill: float, seed: int = 0, mm: float = 2.0) -> dict[str, np.ndarray]:
    """Scores of a run: of every probe ranks by each component and fused, the first with this probability.

    Args:
        skill: of the fused distances; components have less.
        seed: of the ranks.
        mm: error of the reconstructed faces.
    """
    generator, scores = np.random.default_rng(seed), dict[str, np.ndarray]()
    count = PEOPLE * PROBES
    for name in (*TITLES, MERGED):
        for view, less in (("", 0.0), ("/x", 0.2), ("/y", 0.15), ("/z", 0.1), ("/raw", 0.05)):
            missed = generator.random(count) >= skill - less
            scores[f"{name}{view}"] = np.where(missed, generator.integers(2, PEOPLE + 1, count), 1)
        numbers = np.arange(count)
        scores |= {f"{name}_identity": numbers // PROBES, f"{name}_expression": 1 + numbers % PROBES}
        scores |= {f"{name}_level": 1 + numbers % 2, f"{name}_failed": numbers == count - 1}
        scores[name][-1] = PEOPLE + 1
    scores[APART] = scores[MERGED]
    people = np.arange(PEOPLE)
    scores |= {"fidelity_mm": np.repeat(mm, 2 * PEOPLE) + 0.1 * generator.random(2 * PEOPLE)}
    scores |= {"fidelity_identity": people.repeat(2), "fidelity_probe": people}
    return scores | {"fidelity_rank1": np.where(generator.random(PEOPLE) < 0.5, 1, 2)}


def make_identification_record(method: str, skill: float = 0.8, mm: float = 2.0) -> Record:
    """The run of a method at the smoke tier with `made_ranks`."""
    scores = made_ranks(skill, zlib.crc32(method.encode()), mm)
    if not METHODS[method].reconstructor:
        scores = {name: each for name, each in scores.items() if not name.startswith("fidelity")}
    return write_run(Run("normal_components", method), metrics_of(scores), scores, source="embedded_web_faces")


def made_scans(
    features: Mapping[str, np.ndarray], identity: list[int], enrolled: int, failed: tuple[int, ...] = ()
) -> SeenScans:
    """Scans of which the first ones are enrolled."""
    rows = np.arange(len(identity))
    told = {"identity": np.array(identity), "is_gallery": rows < enrolled, "failed": np.isin(rows, failed)}
    return SeenScans({view: np.asarray(each, float) for view, each in features.items()}, told)
