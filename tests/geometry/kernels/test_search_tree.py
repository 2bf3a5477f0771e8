from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.geometry.kernels.search_tree import LEAF, build_tree


def clouds(batch: int, count: int, kind: str) -> np.ndarray:
    generator = np.random.default_rng(count)
    points = 100 * generator.standard_normal((batch, count, 3))
    if kind == "same place":
        points[:] = 7
    if kind == "sorted":
        points.sort(axis=1)
    if kind == "doubled":
        points = points.round(-2)
    return points.astype(np.float32)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("kind", ["plain", "same place", "sorted", "doubled"])
@pytest.mark.parametrize("count", [1, LEAF, LEAF + 1, 1000])
def test_every_node_encloses_its_share_and_knows_its_lowest_index(count, kind, batch, threads):
    points = clouds(batch, count, kind)
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        tree = build_tree(points)
    finally:
        torch.set_num_threads(usual)
    levels = (tree.lowest.shape[1] + 1).bit_length() - 1
    for cloud in range(batch):
        order = tree.order[cloud]
        assert sorted(order) == list(range(count))
        assert np.array_equal(tree.planes[cloud], points[cloud, order].T)
        for level in range(levels):
            for place in range(1 << level):
                node, members = (1 << level) - 1 + place, order[place * count >> level : (place + 1) * count >> level]
                assert level < levels - 1 or 1 <= len(members) <= LEAF
                corners = points[cloud, members].min(0), points[cloud, members].max(0)
                assert np.array_equal(tree.boxes[cloud, node], np.concatenate(corners))
                assert tree.lowest[cloud, node] == members.min()


def test_siblings_are_halves_along_the_widest_axis():
    tree = build_tree(clouds(1, 1000, "plain") * np.array([1, 9, 1], np.float32))
    below, above = tree.boxes[0, 1], tree.boxes[0, 2]
    assert below[4] <= above[1]


def test_the_points_are_left_as_they_are():
    points = clouds(1, 500, "plain").transpose(0, 2, 1).copy().transpose(0, 2, 1)  # planes in memory
    before = points.copy()
    build_tree(points)
    assert np.array_equal(points, before)
