from __future__ import annotations

import pytest
import torch

from facelib.benchmarks import rasterizing, sampling
from facelib.benchmarks.rasterizing import bumpy_head, draw, same_triangles


def as_hits(seen) -> list[dict]:
    """Fragments in the words of a ray caster."""
    nothing = torch.iinfo(torch.uint32).max
    triangle = torch.where(seen.mask, seen.triangle.long(), nothing).to(torch.uint32)
    names = ("primitive_ids", "t_hit", "primitive_uvs")
    values = zip(triangle, seen.depth, seen.barycentric[..., 1:], strict=True)
    return [dict(zip(names, value, strict=True)) for value in values]


def test_the_head_has_10080_triangles_and_is_closed():
    """Seen from outside only: culling changes nothing; and each image has its own shape."""
    head = bumpy_head(2)
    assert head.triangles.shape == (10_080, 3)
    seen, culled = draw(head, False), draw(head, True)
    assert torch.equal(seen.triangle, culled.triangle)
    assert 0.2 < float(seen.mask.float().mean()) < 0.9
    assert not torch.equal(seen.depth[0], seen.depth[1])


def test_agreement_accepts_the_same_and_refuses_a_wrong_picture():
    seen = draw(bumpy_head(1), False)
    assert same_triangles(seen, as_hits(seen))
    other_ids, deeper, swapped = as_hits(seen), as_hits(seen), as_hits(seen)
    other_ids[0]["primitive_ids"] = other_ids[0]["primitive_ids"].roll(1)
    deeper[0]["t_hit"] = deeper[0]["t_hit"] + 0.1
    swapped[0]["primitive_uvs"] = swapped[0]["primitive_uvs"].flip(-1)
    for wrong in (other_ids, deeper, swapped):
        assert not same_triangles(seen, wrong)


def test_open3d_sees_the_same():
    try:
        cast = rasterizing.load_open3d()
    except (ImportError, OSError) as error:
        pytest.skip(f"open3d cannot be imported: {error}")
    head = bumpy_head(1)
    assert same_triangles(draw(head, True), cast(head))


def test_the_usual_sampling_code_gives_our_answers(monkeypatch):
    monkeypatch.setattr(sampling, "POINTS", 600)
    monkeypatch.setattr(sampling, "CENTRES", 100)
    monkeypatch.setattr(sampling, "RADIUS", 0.4)
    for case in sampling.CASES:
        points = case.prepare()
        ours, theirs = case.ours(points), case.load_peer()(points)
        assert case.agree(ours, theirs)
        assert not case.agree(ours, theirs.roll(1, dims=1))
