"""Names stand where lines end, in their order, and not upon each other."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from facelib.report.line_labels import MUTED, label_lines, muted_looks, spread_apart
from facelib.report.style import EMPHASISED_COLOURS


@given(st.lists(st.floats(-5, 5), max_size=12), st.floats(0.01, 1))
def test_places_keep_the_order_and_a_gap(values: list[float], gap: float) -> None:
    places = spread_apart(values, gap)

    order = np.argsort(values, kind="stable")
    assert (np.diff(places[order]) >= gap - 1e-9).all()
    assert np.sum(places) == pytest.approx(np.sum(values), abs=1e-9)
    if len(values) > 1 and (np.diff(np.sort(values)) >= gap).all():
        np.testing.assert_allclose(places, values, atol=1e-9)


def test_places_are_the_nearest_ones() -> None:
    values, gap = np.array([0.3, 0.31, 0.9, 0.28, 0.1]), 0.1
    order = np.argsort(values)
    apart = [{"type": "ineq", "fun": lambda x, i=i, j=j: x[j] - x[i] - gap} for i, j in pairwise(order)]
    best = minimize(lambda x: ((x - values) ** 2).sum(), spread_apart(values, gap) + 0.05, constraints=apart)

    np.testing.assert_allclose(spread_apart(values, gap), best.x, atol=1e-5)


def test_places_stay_within_limits_as_long_as_they_fit() -> None:
    np.testing.assert_allclose(spread_apart([0.02, 0.0, 0.9], 0.1, (0, 1)), [0.1, 0.0, 0.9])
    np.testing.assert_allclose(spread_apart([1, 1, 1], 0.1, (0, 1)), [0.8, 0.9, 1])
    np.testing.assert_allclose(spread_apart([0.5, 0.5, 0.5], 0.6, (0, 1)), [0, 0.6, 1.2])


def test_names_stand_outside_at_their_lines() -> None:
    figure, axis = plt.subplots()
    axis.set(ylim=(0, 1))
    looks = muted_looks(["a", "b", "c"], ["b"])
    label_lines(axis, {"a": (1, 0.9), "b": (1, 0.2), "c": (1, 0.2)}, looks, side="right")

    texts = {text.get_text(): text for text in axis.texts}
    assert texts["a"].get_position() == (1.06, pytest.approx(0.9))
    heights = [texts[name].get_position()[1] for name in ("b", "c")]
    assert np.mean(heights) == pytest.approx(0.2)
    assert heights[0] != heights[1]
    assert (texts["b"].get_color(), texts["b"].get_weight()) == (EMPHASISED_COLOURS[0], "bold")
    assert looks["a"]["color"] == looks["c"]["color"] == MUTED
    plt.close(figure)
