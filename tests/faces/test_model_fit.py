"""The regularised fit of the face model: against a slow solution of its least-squares problem."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.errors import BadInput
from facelib.faces.model_fit import EXPRESSION_SPREAD, RESIDUAL_MM, ModelFit, aligned_root
from facelib.geometry.alignment import similarity_transform

GENERATOR = torch.Generator().manual_seed(3)
BASIS = torch.randn(5, 20, 3, generator=GENERATOR)  # three identities, two actions
FIT = ModelFit(BASIS, 3)


def test_it_solves_the_problem_that_it_states():
    """As one tall system: the points' equations over r sqrt(N), and one for each coefficient over its spread."""
    deformation = torch.randn(4, 20, 3, generator=GENERATOR)
    identity, expression = FIT.coefficients(deformation)
    spread = np.array([1, 1, 1, EXPRESSION_SPREAD, EXPRESSION_SPREAD])
    equations = np.vstack([BASIS.flatten(1).numpy().T / (RESIDUAL_MM * 20**0.5), np.diag(1 / spread)])
    for row in range(4):
        right = np.concatenate([deformation[row].flatten().numpy() / (RESIDUAL_MM * 20**0.5), np.zeros(5)])
        slow = np.linalg.lstsq(equations, right, rcond=None)[0]
        np.testing.assert_allclose(torch.cat((identity[row], expression[row])), slow, atol=1e-4)


def test_the_mean_face_has_no_coefficients_and_a_large_one_is_found():
    identity, expression = FIT.coefficients(torch.stack((torch.zeros(20, 3), 2 * BASIS[1])))
    assert not identity[0].any()
    assert not expression[0].any()
    assert identity[1].tolist() == pytest.approx([0, 2, 0], abs=0.3)


def test_products_of_embeddings_are_those_of_the_deformations():
    identity = torch.randn(2, 3, generator=GENERATOR)
    embedding = FIT.embedding(identity)
    deformation = torch.tensordot(identity, BASIS[:3], dims=1)
    expected = (deformation[0] * deformation[1]).sum() / 20
    assert (embedding[0] @ embedding[1]).item() == pytest.approx(expected.item(), rel=1e-4)
    short = FIT.embedding(identity[:, :1])  # the first components alone
    assert short.norm(dim=1).tolist() == pytest.approx(
        [(value * BASIS[0]).square().sum().div(20).sqrt().item() for value in identity[:, 0]], rel=1e-4
    )


def test_what_a_similarity_undoes_is_no_change():
    mean = torch.randn(20, 3, generator=GENERATOR)
    turned = torch.linalg.cross(torch.tensor([[0.0, 1.0, 0.0]]).expand(20, 3), mean)
    other = torch.randn(20, 3, generator=GENERATOR)
    root = aligned_root(torch.stack((torch.ones(20, 3), mean, turned, other, other + 3 * mean + turned)), mean)
    moved = root.norm(dim=1)  # of each component by itself
    assert moved[:3].tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert moved[4].item() == pytest.approx(moved[3].item(), rel=1e-5)
    # What is left of a small change is what the best similarity leaves of it.
    from_mean = (mean + 1e-3 * other)[None].double()
    left = similarity_transform(from_mean, mean[None].double()).apply(from_mean) - mean
    assert left.square().sum(dim=2).mean().sqrt().item() == pytest.approx(1e-3 * moved[3].item(), rel=1e-2)


def test_bad_input_is_named():
    with pytest.raises(BadInput, match="5 identities of 5 components"):
        ModelFit(BASIS, 5)
    with pytest.raises(BadInput, match="1 points and 5 components"):
        aligned_root(BASIS[:, :1], torch.zeros(1, 3))
    with pytest.raises(BadInput, match="deformation"):
        FIT.coefficients(torch.zeros(1, 19, 3))
    with pytest.raises(BadInput, match="deformation"):
        FIT.coefficients(torch.full((1, 20, 3), torch.nan))
