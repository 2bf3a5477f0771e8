from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from facelib.errors import BadInput
from facelib.geometry.chamfer import chamfer

chamfer_squared = partial(chamfer, squared=True)
FIRST = torch.tensor([[[0.0, 0, 0], [10, 0, 0]]])
SECOND = torch.tensor([[[0.0, 3, 0], [10, 0, 4], [0, 50, 0]]])


def cloud(count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, count, 3, generator=generator, dtype=torch.float64)


def test_both_ways_by_hand():
    """There 3 and 4; back 3, 4 and 50."""
    assert chamfer(FIRST, SECOND).tolist() == pytest.approx([3.5 + 19])
    assert chamfer_squared(FIRST, SECOND).tolist() == pytest.approx([12.5 + 2525 / 3])


def test_one_way_by_hand():
    assert chamfer(FIRST, SECOND, one_sided=True).tolist() == pytest.approx([3.5])
    assert chamfer_squared(SECOND, FIRST, one_sided=True).tolist() == pytest.approx([2525 / 3])


@pytest.mark.parametrize(("threshold", "lengths"), [(3.5, [3]), (4.0, [3, 4]), (30.0, [3, 4]), (50.0, [3, 4, 50])])
def test_the_threshold_is_a_length_and_inclusive(threshold, lengths):
    squares = [length**2 for length in lengths]
    distance = chamfer(SECOND, FIRST, threshold, one_sided=True)
    squared = chamfer_squared(SECOND, FIRST, threshold, one_sided=True)
    assert distance.tolist() == pytest.approx([sum(lengths) / len(lengths)])
    assert squared.tolist() == pytest.approx([sum(squares) / len(squares)])


@pytest.mark.parametrize("distance", [chamfer, chamfer_squared])
def test_equals_brute_force(distance):
    first, second = cloud(40, 0), cloud(55, 1)
    pairs = torch.cdist(first, second) ** (2 if distance is chamfer_squared else 1)
    expected = pairs.amin(2).mean(1) + pairs.amin(1).mean(1)
    torch.testing.assert_close(distance(first, second), expected)


@pytest.mark.parametrize("distance", [chamfer, chamfer_squared])
@pytest.mark.parametrize("threshold", [None, 0.8])
def test_gradcheck_through_the_chosen_pairs(distance, threshold):
    first, second = cloud(6, 2).requires_grad_(), cloud(8, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: distance(a, b, threshold), (first, second))


@pytest.mark.parametrize("distance", [chamfer, chamfer_squared])
def test_a_cloud_that_loses_all_pairs_counts_zero_with_zero_gradient(distance):
    first = torch.cat((FIRST, FIRST + 1000)).requires_grad_()
    value = distance(first, SECOND.expand(2, -1, -1), 30.0)
    assert value[0] > 0
    assert value[1] == 0
    (gradient,) = torch.autograd.grad(value.sum(), first)
    assert gradient[0].any()
    assert not gradient[1].any()


def test_an_evaluation_refuses_a_cloud_that_loses_all_pairs():
    far = torch.cat((FIRST, FIRST + 1000))
    with pytest.raises(BadInput, match="cloud 1 has no pair within"):
        chamfer(far, SECOND.expand(2, -1, -1), 30.0, one_sided=True, require_pairs=True)
    assert chamfer(FIRST, SECOND, 30.0, require_pairs=True) > 0


@pytest.mark.parametrize("distance", [chamfer, chamfer_squared])
def test_coincident_clouds_have_zero_distance_and_finite_gradient(distance):
    first = cloud(9, 4).requires_grad_()
    value = distance(first, first.detach())
    assert not value.any()
    assert not torch.autograd.grad(value.sum(), first)[0].any()


@pytest.mark.parametrize(
    ("first", "second", "threshold", "message"),
    [
        (FIRST, SECOND[..., :2], None, "shape"),
        (FIRST[:, :0], SECOND, None, "shape"),
        (FIRST, SECOND.double(), None, "dtype"),
        (FIRST * math.nan, SECOND, None, "non-finite"),
        (FIRST, SECOND, 0.0, "threshold"),
        (FIRST, SECOND, math.nan, "threshold"),
    ],
)
def test_bad_input_is_refused(first, second, threshold, message):
    for distance in (chamfer, chamfer_squared):
        with pytest.raises(BadInput, match=message):
            distance(first, second, threshold)
