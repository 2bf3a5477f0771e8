from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facelib.benchmarks import differentiable
from facelib.benchmarks.differentiable import coloured_heads, draw, draw_lit, same_picture_and_gradients


def test_agreement_accepts_the_same_and_refuses_another_picture_or_gradient():
    drawn = draw(coloured_heads(1))
    assert same_picture_and_gradients(drawn, drawn)
    for wrong in (
        replace(drawn, image=drawn.image.roll(1, dims=2)),
        replace(drawn, to_screen=drawn.to_screen.flip(-1)),
        replace(drawn, to_colours=1.01 * drawn.to_colours),
    ):
        assert not same_picture_and_gradients(wrong, drawn)


def test_the_gradient_is_that_of_the_picture():
    """To the colours, in which the picture is linear: what it would be worth to have them all brighter."""
    heads = coloured_heads(2)
    drawn = draw(heads)
    seen = drawn.image.any(dim=-1, keepdim=True)
    torch.testing.assert_close(
        drawn.to_colours.sum(dim=1), (seen * heads.upstream).sum(dim=(1, 2)), rtol=1e-3, atol=1e-2
    )


def test_a_lit_picture_pulls_at_the_vertices_that_are_seen():
    gradient = draw_lit(coloured_heads(1))
    assert gradient.isfinite().all()
    assert 0.3 < float(gradient.any(dim=-1).float().mean()) < 0.7


@pytest.mark.parametrize("case", differentiable.CASES[:2], ids=lambda case: case.name)
def test_the_peer_sees_the_same(case):
    try:
        peer = case.load_peer()
    except (ImportError, OSError) as error:
        pytest.skip(f"{case.peer} cannot be imported: {error}")
    heads = case.prepare(case.n)
    assert case.agree(case.ours(heads), peer(heads))
