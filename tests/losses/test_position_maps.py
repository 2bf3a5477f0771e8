from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry.rotations import euler_to_matrix
from facelib.losses.position_maps import attention_loss, edge_length_loss, normal_loss, weighted_distance

EDGES = torch.tensor([[0, 1], [1, 2], [0, 2], [2, 3], [0, 3]])
TRIANGLES = torch.tensor([[0, 1, 2], [0, 2, 3]])
SEEDS = st.integers(0, 2**31)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def even(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- eq. 19 ----


def test_weighted_distance_by_hand():
    """Distances 5 (3, 4, 0), 0, 2 and 1 with weights 2, 7, 1 and 0: (10 + 0 + 2 + 0) / 10."""
    predicted = torch.zeros(1, 3, 2, 2)
    predicted[0, :, 0, 0] = torch.tensor([3.0, 4.0, 0.0])
    predicted[0, 2, 1] = torch.tensor([2.0, 1.0])
    weights = torch.tensor([[2.0, 7.0], [1.0, 0.0]])
    assert weighted_distance(predicted, torch.zeros(1, 3, 2, 2), weights).item() == pytest.approx(1.2)


def test_weighted_distance_is_the_definition_texel_by_texel():
    predicted, true, weights = normal(3, 3, 4, 4), normal(3, 3, 4, 4, seed=1), even(4, 4)
    expected = 0.0
    for b in range(3):
        for u in range(4):
            for v in range(4):
                expected += math.dist(predicted[b, :, u, v], true[b, :, u, v]) * weights[u, v].item()
    assert weighted_distance(predicted, true, weights).item() == pytest.approx(expected / 3 / weights.sum().item())


@given(SEEDS, st.floats(0.1, 10))
def test_weighted_distance_keeps_the_unit_of_the_maps_and_forgets_that_of_the_weights(seed, factor):
    predicted, true, weights = normal(2, 3, 3, 3, seed=seed), normal(2, 3, 3, 3, seed=seed + 1), even(3, 3, seed=seed)
    value = weighted_distance(predicted, true, weights).item()
    assert weighted_distance(predicted, true, factor * weights).item() == pytest.approx(value)
    assert weighted_distance(factor * predicted, factor * true, weights).item() == pytest.approx(factor * value)


def test_texels_without_weight_do_not_count():
    predicted, true = normal(1, 3, 2, 2).requires_grad_(), normal(1, 3, 2, 2, seed=1)
    weighted_distance(predicted, true, torch.tensor([[1.0, 0.0], [0.0, 0.0]])).backward()
    assert predicted.grad is not None
    assert predicted.grad[0, :, 0, 0].norm().item() == pytest.approx(1)
    assert predicted.grad.count_nonzero() == 3


# ---- eqs. 20 and 21 ----


def test_edge_length_loss_by_hand():
    """Sides 3, 4 and 5 against 3, 4 and 1: a mean of 4/3."""
    true = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [3, 4, 0]]])
    predicted = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [3, 0, 4]]])  # the same lengths, another place
    edges = torch.tensor([[0, 1], [1, 2], [0, 2]])
    assert edge_length_loss(predicted, true, edges).item() == pytest.approx(0, abs=1e-6)
    shorter = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [-1, 0, 0]]])
    assert edge_length_loss(shorter, true, edges).item() == pytest.approx(4 / 3)


def test_edge_length_loss_is_the_definition_edge_by_edge():
    predicted, true = normal(2, 4, 3), normal(2, 4, 3, seed=1)
    differences = [
        abs(math.dist(found[i], found[j]) - math.dist(wanted[i], wanted[j]))
        for found, wanted in zip(predicted, true, strict=True)
        for i, j in EDGES.tolist()
    ]
    expected = sum(differences) / len(differences)
    assert edge_length_loss(predicted, true, EDGES).item() == pytest.approx(expected)


@given(SEEDS)
def test_edge_lengths_do_not_see_rigid_motions(seed):
    points = normal(1, 4, 3, seed=seed)
    moved = points @ euler_to_matrix(*normal(3, 1, seed=seed + 1)).mT + normal(3, seed=seed + 2)
    assert edge_length_loss(moved, points, EDGES).item() == pytest.approx(0, abs=1e-12)
    assert edge_length_loss(1.5 * moved, points, EDGES).item() == pytest.approx(
        0.5 * edge_length_loss(torch.zeros_like(points), points, EDGES).item()
    )


# ---- eqs. 22 and 23 ----


def test_normal_loss_by_hand():
    """The triangle lies in the plane z = 0; a corner lifted by 1 makes edges of slope 45 degrees."""
    true = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    lifted = torch.tensor([[[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]])
    triangle = torch.tensor([[0, 1, 2]])
    assert normal_loss(true, true, triangle).item() == 0
    assert normal_loss(lifted, true, triangle).item() == pytest.approx(math.sqrt(2))  # of both edges at that corner
    upright = torch.tensor([[[0.0, 0, 0], [0, 0, 1], [0, 0, 3]]])
    assert normal_loss(upright, true, triangle).item() == pytest.approx(3)  # the most there is


def test_normal_loss_is_the_definition_triangle_by_triangle():
    predicted, true = normal(2, 4, 3), normal(2, 4, 3, seed=1)
    total = 0.0
    for found, wanted in zip(predicted, true, strict=True):
        for i, j, k in TRIANGLES.tolist():
            cross = torch.linalg.cross(wanted[i] - wanted[j], wanted[j] - wanted[k])
            for a, b in ((i, j), (j, k), (k, i)):
                edge = found[a] - found[b]
                total += abs(float(edge @ cross)) / float(edge.norm() * cross.norm())
    assert normal_loss(predicted, true, TRIANGLES).item() == pytest.approx(total / 4)


@given(SEEDS)
def test_eq_23_as_printed_is_zero_for_every_mesh(seed):
    """Edges against the normal of their own triangle: the finding behind our reading."""
    predicted, true = normal(1, 4, 3, seed=seed), normal(1, 4, 3, seed=seed + 1)
    assert normal_loss(predicted, predicted, TRIANGLES).item() == pytest.approx(0, abs=1e-9)
    assert normal_loss(predicted, true, TRIANGLES).item() > 1e-4


@given(SEEDS)
def test_the_normal_loss_sees_turns_and_no_shifts_or_sizes(seed):
    predicted, true = normal(1, 4, 3, seed=seed), normal(1, 4, 3, seed=seed + 1)
    value = normal_loss(predicted, true, TRIANGLES).item()
    assert normal_loss(100 + 50 * predicted, true, TRIANGLES).item() == pytest.approx(value, rel=1e-6)
    turn = euler_to_matrix(*normal(3, 1, seed=seed + 2)).mT
    assert normal_loss(predicted @ turn, true @ turn, TRIANGLES).item() == pytest.approx(value, rel=1e-6)


# ---- the attention mask ----


def test_attention_loss_by_hand():
    """A cell of four pixels, three of them skin: the target is 3/4."""
    target = torch.tensor([[[1.0, 1, 0, 0], [1, 0, 0, 0]]])
    attention = torch.tensor([[[0.5, 0.2]]])
    expected = (math.log(2) - math.log(0.8)) / 2  # log 1/2 whatever the target, and log 4/5 of no skin
    assert attention_loss(attention, target).item() == pytest.approx(expected)


def test_attention_loss_is_least_at_the_target():
    target = (even(2, 16, 16) > 0.5).double()
    cells = target.unflatten(1, (4, 4)).unflatten(3, (4, 4)).mean(dim=(2, 4)).requires_grad_()
    loss = attention_loss(cells, target)
    (gradient,) = torch.autograd.grad(loss, cells)
    assert gradient.abs().max() < 1e-12
    assert loss < attention_loss((cells + 0.1).clamp(0, 1), target)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_certain_attention_has_a_finite_loss_and_gradient(dtype):
    logits = torch.tensor([[[-200.0, 200.0], [-200.0, 200.0]]], dtype=dtype, requires_grad=True)
    target = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])
    loss = attention_loss(logits.sigmoid(), target)
    loss.backward()
    assert 0 < loss < 20
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_all_losses_run_under_autocast_in_full_precision():
    """Coordinates of hundreds of pixels, which bfloat16 would round to one or two."""
    maps, points, mask = normal(2, 3, 4, 4).float(), normal(2, 4, 3).float(), even(2, 2, 2).float()
    target = (even(2, 8, 8) > 0.5).float()
    cases = (
        lambda: weighted_distance(300 + maps, 300.3 + maps, torch.ones(4, 4)),
        lambda: edge_length_loss(300 + points, 300 + 1.1 * points, EDGES),
        lambda: normal_loss(300 + points, 300 + points.flip(1), TRIANGLES),
        lambda: attention_loss(mask, target),
    )
    for case in cases:
        expected = case()
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(case(), expected)


# ---- all of them ----


def test_gradcheck():
    maps, other = normal(2, 3, 3, 3).requires_grad_(), normal(2, 3, 3, 3, seed=1)
    points, others = normal(2, 4, 3).requires_grad_(), normal(2, 4, 3, seed=1)
    mask, target = even(2, 2, 2).requires_grad_(), even(2, 6, 6, seed=1)
    assert torch.autograd.gradcheck(lambda x: weighted_distance(x, other, even(3, 3)), (maps,))
    assert torch.autograd.gradcheck(lambda x: edge_length_loss(x, others, EDGES), (points,))
    assert torch.autograd.gradcheck(lambda x: normal_loss(x, others, TRIANGLES), (points,))
    assert torch.autograd.gradcheck(lambda x: attention_loss(x, target), (mask,))


def test_equal_maps_and_degenerate_meshes_have_finite_gradients():
    true = normal(1, 4, 3).float()
    line = torch.arange(4.0)[:, None].expand(4, 3)[None]
    for start in (true, torch.zeros(1, 4, 3), torch.full((1, 4, 3), 1e-30), 1e-20 * true, line):
        for wanted in (true, torch.zeros(1, 4, 3), line):
            predicted = start.clone().requires_grad_()
            texels = predicted.mT.unflatten(2, (2, 2))
            loss = weighted_distance(texels, wanted.mT.unflatten(2, (2, 2)), torch.ones(2, 2))
            loss = loss + edge_length_loss(predicted, wanted, EDGES) + normal_loss(predicted, wanted, TRIANGLES)
            loss.backward()
            assert loss.isfinite()
            assert predicted.grad is not None
            assert predicted.grad.isfinite().all()
            assert predicted.grad.abs().max() < 1e3


def test_nan_is_not_hidden():
    """A network that has diverged must not look perfect."""
    spoilt = torch.full((1, 4, 3), torch.nan)
    assert weighted_distance(spoilt.mT.unflatten(2, (2, 2)), torch.zeros(1, 3, 2, 2), torch.ones(2, 2)).isnan()
    assert edge_length_loss(spoilt, torch.zeros(1, 4, 3), EDGES).isnan()
    assert normal_loss(spoilt, normal(1, 4, 3).float(), TRIANGLES).isnan()


MAPS, POINTS, MASK = torch.zeros(1, 3, 2, 2), torch.zeros(1, 4, 3), torch.zeros(1, 2, 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: weighted_distance(POINTS, POINTS, MASK[0]), "predicted has shape"),
        (lambda: weighted_distance(MAPS, MAPS[..., :1], torch.ones(2, 2)), "true has shape"),
        (lambda: weighted_distance(MAPS, MAPS, torch.ones(3, 2)), "weights has shape"),
        (lambda: weighted_distance(MAPS, MAPS, torch.zeros(2, 2)), "at least one of them positive"),
        (lambda: weighted_distance(MAPS, MAPS, torch.tensor([[1.0, -1], [1, 1]])), "reach from -1 to 1"),
        (lambda: weighted_distance(MAPS, MAPS, torch.full((2, 2), torch.nan)), "reach from nan"),
        (lambda: weighted_distance(MAPS, MAPS, torch.full((2, 2), torch.inf)), "to inf"),
        (lambda: edge_length_loss(POINTS, POINTS[:, :3], EDGES), "true has shape"),
        (lambda: edge_length_loss(POINTS, POINTS, EDGES.T), "edges has shape"),
        (lambda: edge_length_loss(POINTS, POINTS, EDGES + 1), "ids in 0 to 3"),
        (lambda: edge_length_loss(POINTS, POINTS, EDGES.float()), "expected integer"),
        (lambda: normal_loss(POINTS[..., :2], POINTS, TRIANGLES), "predicted has shape"),
        (lambda: normal_loss(POINTS, POINTS, TRIANGLES - 1), "ids in 0 to 3"),
        (lambda: attention_loss(MASK, MASK[:, None]), "target has shape"),
        (lambda: attention_loss(MASK, torch.zeros(1, 1, 4)), "at least 2 x 2 pixels"),
        (lambda: attention_loss(MASK + 2, MASK), "attention reaches from 2"),
        (lambda: attention_loss(MASK, MASK - 1), "target reaches from -1"),
        (lambda: attention_loss(MASK * torch.nan, MASK), "attention reaches from nan"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(BadInput, match=message):
        call()
