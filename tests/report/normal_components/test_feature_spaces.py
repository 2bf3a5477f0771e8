"""t-SNE of components shows the same people in each, and separation tells enrolled scans from probes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from made_identification import made_scans

from facelib.errors import BadInput
from facelib.report.normal_components.feature_spaces import draw_feature_spaces, space_data


def test_the_same_people_in_each_space() -> None:
    generator, identity = np.random.default_rng(0), [0, 1, 2, 3] * 6
    places = np.eye(4)[identity]
    features = {view: places + noise * generator.normal(size=places.shape) for view, noise in (("x", 0.6), ("z", 0.05))}
    seen = made_scans(features, identity, enrolled=4, failed=(1, 7))
    points, numbers = space_data(seen, people=2)
    for _, part in points.groupby("space"):
        assert sorted(set(part["identity"])) == [0, 2]  # the enrolled scan of 1 failed
        assert part["kind"].value_counts().to_dict() == {"probe": 10, "gallery": 2}
    told = numbers.set_index("space")
    assert set(numbers["people"]) == {3}
    assert told.loc["$N_z$", "silhouette"] > told.loc["$N_x$", "silhouette"]
    unit = features["x"] / np.linalg.norm(features["x"], axis=1, keepdims=True)
    who = np.array(identity)
    probes = [row for row in range(4, 24) if row != 7]
    own = [np.mean([unit[p] @ unit[row] for row in probes if who[row] == p]) for p in (0, 2, 3)]
    assert told.loc["$N_x$", "own"] == pytest.approx(np.mean(own))
    figure = draw_feature_spaces(points, numbers)
    assert f"own {told.loc['$N_x$', 'own']:.3f}" in figure.axes[0].get_xlabel()
    assert len(figure.axes[0].texts) == 2  # probes of two people; stars have no number
    plt.close(figure)


def test_two_people_are_needed() -> None:
    seen = made_scans({"x": np.eye(4)}, [0, 1, 0, 1], enrolled=2, failed=(3,))
    with pytest.raises(BadInput, match="1 people to show with an enrolled scan and a probe"):
        space_data(seen)
