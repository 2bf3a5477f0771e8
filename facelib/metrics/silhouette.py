"""How well embeddings of the same person keep together: silhouettes (Rousseeuw 1987) by cosine distance."""

from __future__ import annotations

import numpy as np

from facelib.errors import BadInput
from facelib.metrics.inputs import Array, identity_array, point_array


def silhouettes(embeddings: Array, identities: Array) -> np.ndarray:
    """Of each sample (b - a) / max(a, b), where a is its mean distance to the others of its person and b that to the
    nearest other person.

    Args:
        embeddings: (N, D), of any length but 0.
        identities: (N,), whose they are.

    Returns:
        (N,) in [-1, 1]: 1 where own samples are far nearer, below 0 where somebody else's are; 0 for the only sample
        of a person.

    Raises:
        BadInput: for values that are not finite, shapes that do not fit, a row of zeros, or one identity only.
    """
    rows = point_array("embeddings", embeddings, (None, None)).astype(np.float64)
    people, place = np.unique(identity_array("identities", identities, len(rows)), return_inverse=True)
    if len(people) < 2:
        raise BadInput(f"{len(people)} identity: expected at least two to tell apart")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    if not length.all():
        raise BadInput(f"embedding {int(np.argmin(length))} is zero: expected a direction in every row")
    unit, count = rows / length, np.bincount(place)
    total = np.zeros((len(people), rows.shape[1]))
    np.add.at(total, place, unit)
    distance = 1 - unit @ (total / count[:, None]).T  # (N, I), mean over a person's samples, itself among them
    every, own_count = np.arange(len(rows)), count[place]
    own = distance[every, place] * own_count / np.maximum(own_count - 1, 1)
    distance[every, place] = np.inf
    other = distance.min(axis=1)
    larger = np.maximum(own, other)
    value = np.divide(other - own, larger, out=np.zeros(len(rows)), where=larger > 0)
    return np.where(own_count > 1, value, 0)
