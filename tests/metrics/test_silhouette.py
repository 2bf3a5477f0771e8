"""Silhouettes against scikit-learn's, by hand, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

from facelib.errors import BadInput
from facelib.metrics.silhouette import silhouettes


def test_they_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    embeddings, people = generator.normal(size=(40, 5)), np.repeat([3, 8, 9, 20], [1, 19, 2, 18])

    found = silhouettes(embeddings, people)
    np.testing.assert_allclose(found, silhouette_samples(embeddings, people, metric="cosine"), atol=1e-12)
    assert found[0] == 0  # the only one of its person


def test_by_hand() -> None:
    # Two people at right angles: own samples at distance 0, others' at 1; then one sample lies with the other person.
    axes = np.array([[1, 0], [2, 0], [0, 1], [0, 3]])
    assert silhouettes(axes, [0, 0, 1, 1]).tolist() == [1, 1, 1, 1]
    assert silhouettes(axes, [0, 1, 0, 1]).tolist() == [-0.5, -0.5, -0.5, -0.5]


@pytest.mark.parametrize(
    ("embeddings", "people", "message"),
    [
        (np.ones((3, 2)), [1, 1, 1], "1 identity"),
        (np.array([[1.0, 0], [0, 0]]), [0, 1], "embedding 1 is zero"),
        (np.array([[1.0, np.nan], [0, 1]]), [0, 1], "embeddings"),
        (np.ones((3, 2)), [0, 1], "identities"),
    ],
)
def test_bad_input_is_refused(embeddings: np.ndarray, people: list[int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        silhouettes(embeddings, people)
