from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.benchmarks import rasterizing
from facelib.benchmarks.rasterizing import (
    NO_TRIANGLE,
    bumpy_head,
    draw,
    draw_culled,
    draw_positions,
    same_surface,
    same_triangles,
)


def as_hits(seen) -> list[dict]:
    """Fragments in the words of a ray caster."""
    triangle = torch.where(seen.mask, seen.triangle.long(), NO_TRIANGLE)
    names = ("primitive_ids", "t_hit", "primitive_uvs")
    values = zip(triangle, seen.depth, seen.barycentric[..., 1:], strict=True)
    return [{name: value.numpy() for name, value in zip(names, image, strict=True)} for image in values]


def test_the_head_has_10080_triangles_and_is_closed():
    """Seen from outside only: culling changes nothing; and each image has its own shape."""
    head = bumpy_head(2)
    assert head.triangles.shape == (10_080, 3)
    seen, culled = draw(head), draw_culled(head)
    assert torch.equal(seen.triangle, culled.triangle)
    assert 0.2 < float(seen.mask.float().mean()) < 0.9
    assert not torch.equal(seen.depth[0], seen.depth[1])


@pytest.mark.parametrize("count", [10_080, 40_320, 161_280])
def test_a_finer_head_has_the_asked_number_of_triangles_and_the_same_shape(count):
    head = bumpy_head(1, count)
    assert head.triangles.shape == (count, 3)
    seen, coarse = draw_culled(head), draw_culled(bumpy_head(1))
    assert float((seen.mask != coarse.mask).float().mean()) < 0.01
    both = seen.mask & coarse.mask
    assert float((seen.depth - coarse.depth)[both].abs().median()) < 0.5


def test_agreement_accepts_the_same_and_refuses_a_wrong_picture():
    seen = draw(bumpy_head(1))
    assert same_triangles(seen, as_hits(seen))
    other_ids, deeper, swapped = as_hits(seen), as_hits(seen), as_hits(seen)
    other_ids[0]["primitive_ids"] = np.roll(other_ids[0]["primitive_ids"], 1)
    deeper[0]["t_hit"] = deeper[0]["t_hit"] + 0.1
    swapped[0]["primitive_uvs"] = swapped[0]["primitive_uvs"][..., ::-1].copy()
    for wrong in (other_ids, deeper, swapped):
        assert not same_triangles(seen, wrong)


def test_agreement_of_surfaces_accepts_the_same_and_refuses_another():
    ours = seen, positions = draw_positions(bumpy_head(1))
    image, depth = positions[0].numpy(), seen.depth[0].numpy()
    assert same_surface(ours, [(image, depth)])
    for wrong in ((image + 0.2, depth), (image, depth + 0.2), (image, np.roll(depth, 3))):
        assert not same_surface(ours, [wrong])


@pytest.mark.parametrize("case", rasterizing.CASES, ids=lambda case: case.name)
def test_the_peer_sees_the_same(case):
    try:
        peer = case.load_peer()
    except (ImportError, OSError) as error:
        pytest.skip(f"{case.peer} cannot be imported: {error}")
    head = bumpy_head(1)
    assert case.agree(case.ours(head), peer(head))
