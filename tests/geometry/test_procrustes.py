from __future__ import annotations

import pytest
import torch

from facelib.geometry.procrustes import nearest_rotation

DEGENERATE = {
    "zero": torch.zeros(3, 3),
    "rank one": torch.diag(torch.tensor([2.0, 0, 0])),
    "rank two": torch.diag(torch.tensor([2.0, 1, 0])),
    "equal values": torch.eye(3),
    "mirror": -torch.eye(3),
    "sum that vanishes": torch.diag(torch.tensor([3.0, 1, -1])),
    "tiny": torch.eye(3) * 1e-30,
    "huge": torch.eye(3) * 1e30,
}


def matrices(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def is_rotation(rotation: torch.Tensor) -> bool:
    identity = torch.eye(3).to(rotation)
    tolerance = 100 * torch.finfo(rotation.dtype).eps
    return bool(
        ((rotation @ rotation.mT - identity).abs() < tolerance).all()
        and ((torch.linalg.det(rotation) - 1).abs() < tolerance).all()
    )


def test_a_scaled_rotation_is_found_again():
    rotation = torch.linalg.matrix_exp(matrices(20) - matrices(20).mT)
    scale = torch.linspace(0.1, 50, 20, dtype=torch.float64)[:, None, None]
    torch.testing.assert_close(nearest_rotation(scale * rotation), rotation)


def test_no_rotation_is_nearer_and_mirrors_are_not_returned():
    given = matrices(50)
    assert (torch.linalg.det(given) < 0).any()
    best = nearest_rotation(given)
    assert is_rotation(best)
    for seed in range(20):
        other = torch.linalg.matrix_exp(0.3 * (matrices(50, seed) - matrices(50, seed).mT)) @ best
        assert ((other * given).sum((1, 2)) < (best * given).sum((1, 2))).all()


def test_gradcheck_also_near_equal_singular_values():
    near_equal = torch.eye(3, dtype=torch.float64) + 1e-9 * matrices(5)
    given = torch.cat((matrices(20), near_equal, torch.eye(3, dtype=torch.float64)[None])).requires_grad_()
    assert torch.autograd.gradcheck(nearest_rotation, given)


def test_value_and_gradient_are_those_of_roma():
    roma = pytest.importorskip("roma")
    given, weight = matrices(50).requires_grad_(), matrices(50, 1)
    ours, theirs = nearest_rotation(given), roma.special_procrustes(given, gradient_eps=1e-12)
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad((rotation * weight).sum(), given)[0] for rotation in (ours, theirs)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", list(DEGENERATE))
def test_degenerate_matrices_have_a_rotation_and_a_finite_gradient(name, dtype):
    given = DEGENERATE[name].to(dtype).requires_grad_()
    rotation = nearest_rotation(given)
    assert is_rotation(rotation)
    gradient = torch.autograd.grad((rotation * torch.arange(9.0).view(3, 3)).sum(), given)[0]
    assert gradient.isfinite().all()


def test_the_turn_that_a_line_leaves_open_has_no_gradient():
    """x to y is determined, the turn about x is not."""
    given = torch.diag(torch.tensor([1.0, 0, 0], dtype=torch.float64)).requires_grad_()
    rotation = nearest_rotation(given)
    assert not torch.autograd.grad(rotation[2, 1], given)[0].any()
    assert torch.autograd.grad(nearest_rotation(given)[1, 0], given)[0].any()


def test_nothing_gives_the_identity():
    assert torch.equal(nearest_rotation(torch.zeros(2, 3, 3)), torch.eye(3).expand(2, 3, 3))
