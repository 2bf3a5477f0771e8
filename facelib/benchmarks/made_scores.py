"""Scores and embeddings for the scoring benchmarks, made so that errors are a few per cent, as of a real recogniser."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NOISE = np.float32(2)  # on every coordinate of an embedding, times the spread of people


class LabelledScores(NamedTuple):
    """The same scores twice: by kind for ours, in one array with labels for the peer."""

    genuine: np.ndarray
    impostor: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


class EmbeddingSets(NamedTuple):
    """Probes (P, D) and gallery (G, D), float32, with their identities."""

    probes: np.ndarray
    probe_ids: np.ndarray
    gallery: np.ndarray
    gallery_ids: np.ndarray


def made_scores(count: int, genuine_share: float) -> LabelledScores:
    """Cosines of many pairs, float32; EER about 2 %."""
    generator = np.random.default_rng(0)
    of_each = int(count * genuine_share), count - int(count * genuine_share)
    genuine, impostor = (
        np.clip(mean + spread * generator.standard_normal(size, np.float32), -1, 1)
        for mean, spread, size in zip((0.5, 0.0), (0.15, 0.1), of_each, strict=True)
    )
    labels = np.concatenate([np.ones(of_each[0], bool), np.zeros(of_each[1], bool)])
    return LabelledScores(genuine, impostor, np.concatenate([genuine, impostor]), labels)


def made_embeddings(
    probes: int, gallery: int, identities: int, dimension: int, enrol_once: bool = False
) -> EmbeddingSets:
    """Probes of random people; a gallery of random people, too, or of each one once."""
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((identities, dimension), np.float32)
    probe_ids = generator.integers(0, identities, probes)
    gallery_ids = np.arange(identities) if enrol_once else generator.integers(0, identities, gallery)
    sets = (
        centres[ids] + NOISE * generator.standard_normal((len(ids), dimension), np.float32)
        for ids in (probe_ids, gallery_ids)
    )
    return EmbeddingSets(next(sets), probe_ids, next(sets), gallery_ids)
