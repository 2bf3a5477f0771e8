from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput
from facelib.geometry import icp as icp_module
from facelib.geometry.alignment import Similarity
from facelib.geometry.icp import icp
from facelib.geometry.kernels.icp import Follower
from facelib.geometry.neighbours import nearest


def bumpy_surface(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points (N, 3) of an ellipsoid with a bump, float64 mm, and its normals where it has no bump."""
    direction = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    axes = torch.tensor([70.0, 100, 90], dtype=torch.float64)
    bump = 1 + 0.3 * torch.exp(-((1 - direction[:, 2:]) / 0.1)) + 0.2 * torch.exp(-((1 - direction[:, :1]) / 0.2))
    normals = direction / axes
    return direction * axes * bump, normals / normals.norm(dim=-1, keepdim=True)


def motion(turn: float = 0.1, scale: float = 0.95, shift: float = 3.0, dtype=torch.float64) -> Similarity:
    skew = turn * torch.tensor([[0.0, -0.5, 0.7], [0.5, 0, -0.4], [-0.7, 0.4, 0]], dtype=dtype)
    return Similarity(
        torch.tensor(scale, dtype=dtype),
        torch.linalg.matrix_exp(skew),
        shift * torch.tensor([1.0, -0.5, 0.7]).to(dtype),
    )


def assert_same(found: Similarity, expected: Similarity, tolerance: float = 1e-6) -> None:
    for name in ("scale", "rotation", "translation"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("with_scale", [True, False])
@pytest.mark.parametrize("to_planes", [True, False])
def test_a_known_motion_is_found_exactly(to_planes, with_scale):
    target, normals = bumpy_surface(1500)
    truth = motion(scale=0.95 if with_scale else 1.0)
    found = icp(
        truth.inverse().apply(target),
        target,
        target_normals=5 * normals if to_planes else None,
        scale=with_scale,
        iterations=200,
        tolerance=1e-10,
    )
    assert found.converged
    assert found.iterations < 200
    assert_same(found.transform, truth)
    assert found.residuals.shape == (found.iterations + 1,)
    assert found.residuals[0] > 1
    assert found.residuals[-1] < 1e-6


def test_residuals_to_points_never_rise_and_are_those_of_the_transform():
    (target, _), (source, _) = bumpy_surface(800), bumpy_surface(700, seed=1)
    found = icp(motion().apply(source), target, iterations=15, tolerance=0)
    assert found.iterations == 15
    assert not found.converged
    assert (found.residuals.diff() <= 1e-12).all()
    distance = torch.cdist(found.transform.apply(motion().apply(source)), target).amin(1)
    assert float(found.residuals[-1]) == pytest.approx(float(distance.square().mean().sqrt()))
    before = torch.cdist(motion().apply(source), target).amin(1)
    assert float(found.residuals[0]) == pytest.approx(float(before.square().mean().sqrt()))


def test_the_residual_to_planes_is_measured_along_the_normals():
    target, normals = bumpy_surface(500)
    moved = target + torch.tensor([0.1, 0.0, 0.05])
    index = torch.cdist(moved, target).argmin(1)
    expected = ((moved - target[index]) * normals[index]).sum(-1).square().mean().sqrt()
    found = icp(moved, target, target_normals=3 * normals, iterations=1)
    assert float(found.residuals[0]) == pytest.approx(float(expected))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.booleans(), st.sampled_from([1.0, 0.8]))
def test_a_rigid_motion_of_both_clouds_carries_over(seed, to_planes, keep):
    (target, normals), (source, _) = bumpy_surface(400), bumpy_surface(300, seed=1)
    skew = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    outer = Similarity(torch.ones((), dtype=torch.float64), torch.linalg.matrix_exp(skew - skew.mT), 100 * skew[0])
    settings_ = {"keep": keep, "iterations": 6, "tolerance": 0.0}
    plain = icp(source, target, target_normals=normals if to_planes else None, **settings_)
    moved_normals = normals @ outer.rotation.mT
    moved = icp(
        outer.apply(source),
        outer.apply(target),
        target_normals=moved_normals if to_planes else None,
        **settings_,
    )
    assert_same(moved.transform, outer.compose(plain.transform).compose(outer.inverse()))
    torch.testing.assert_close(moved.residuals, plain.residuals)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("keep", "max_distance"), [(1.0, math.inf), (0.7, math.inf), (1.0, 8.0), (0.9, 12.0)])
@pytest.mark.parametrize("to_planes", [True, False])
def test_the_tree_and_the_plain_search_lead_to_the_same_place(monkeypatch, to_planes, keep, max_distance, dtype):
    (target, normals), (source, _) = bumpy_surface(600), bumpy_surface(500, seed=1)
    clouds = source.to(dtype), target.to(dtype)
    given = {
        "target_normals": normals if to_planes else None,
        "keep": keep,
        "max_distance": max_distance,
        "iterations": 5,
        "tolerance": 0.0,
    }
    fast = icp(*clouds, **given)
    monkeypatch.setattr(icp_module, "has_kernel", lambda _: False)
    plain = icp(*clouds, **given)
    assert fast.transform.scale.dtype == dtype
    assert_same(fast.transform, plain.transform, 1e-4 if dtype == torch.float32 else 1e-9)
    torch.testing.assert_close(fast.residuals, plain.residuals, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["plain", "doubled", "one target point", "one place"])
def test_following_a_source_finds_what_a_new_search_finds(kind, dtype):
    """Through large and small steps and no step at all."""
    target, source = bumpy_surface(3000)[0].to(dtype), bumpy_surface(500, seed=1)[0]
    if kind == "doubled":
        target[::2] = target[1::2]
    if kind == "one target point":
        target = target[:1]
    if kind == "one place":
        target = target[:1].expand(100, -1).contiguous()
    follower, skipped = Follower(source.numpy(), target.numpy()), 0
    for size in (0.1, 0.01, 0.01, 1e-3, 1e-4, 0.0, 1e-6, 0.2):
        step = motion(turn=size, scale=1 + size, shift=20 * size)
        before = follower._anchors.copy()
        moved, distances, indices = follower.match((step.scale * step.rotation).numpy(), step.translation.numpy())
        skipped += int((before == follower._anchors).all(1).sum())
        torch.testing.assert_close(torch.from_numpy(moved), step.apply(source), rtol=1e-12, atol=1e-12)
        expected = nearest(torch.from_numpy(moved).to(dtype)[None], target[None])
        assert torch.equal(torch.from_numpy(indices), expected.indices[0])
        torch.testing.assert_close(torch.from_numpy(distances), expected.distances[0])
    if kind in ("plain", "one target point"):
        assert skipped > 1000  # of 4000


def test_it_is_deterministic():
    (target, _), (source, _) = bumpy_surface(900), bumpy_surface(800, seed=1)
    first, second = (icp(source, target, keep=0.9).transform for _ in range(2))
    assert torch.equal(first.rotation, second.rotation)
    assert torch.equal(first.translation, second.translation)


def with_flying_points(target: torch.Tensor, truth: Similarity) -> torch.Tensor:
    source = truth.inverse().apply(target)
    return torch.cat((source, 1.7 * source[:150]))


@pytest.mark.parametrize("to_planes", [True, False])
def test_trimming_and_a_greatest_distance_ignore_flying_points(to_planes):
    (target, normals), truth = bumpy_surface(1500), motion(turn=0.03, scale=0.98, shift=1.0)
    source = with_flying_points(target, truth)
    given = {"target_normals": normals if to_planes else None, "iterations": 200, "tolerance": 1e-10}
    spoilt = icp(source, target, **given)
    assert (spoilt.transform.translation - truth.translation).norm() > 0.1
    assert_same(icp(source, target, keep=0.85, **given).transform, truth)
    assert_same(icp(source, target, max_distance=12.0, **given).transform, truth)


def test_a_start_leads_to_a_place_that_is_out_of_reach_without():
    target, _ = bumpy_surface(1000)
    truth = motion(turn=3.0)
    source = truth.inverse().apply(target)
    near = motion(turn=2.9, scale=0.97)
    assert icp(source, target, iterations=60).residuals[-1] > 0.5
    assert_same(icp(source, target, start=near, iterations=200, tolerance=1e-10).transform, truth)


def test_without_scale_that_of_the_start_stays():
    target, normals = bumpy_surface(500)
    for planes in (None, normals):
        found = icp(target, target, target_normals=planes, start=motion(scale=1.1), scale=False, iterations=5)
        assert float(found.transform.scale) == pytest.approx(1.1)


def test_a_plane_leaves_sliding_open_and_no_slide_is_made():
    generator = torch.Generator().manual_seed(0)
    target = 100 * torch.rand(3000, 3, generator=generator, dtype=torch.float64)
    target[:, 2] = 0
    up = torch.tensor([0.0, 0, 1]).double().expand(3000, 3)
    source = target + torch.tensor([0.5, 0.5, 2.0])
    found = icp(source, target, target_normals=up, iterations=10)
    torch.testing.assert_close(found.transform.rotation, torch.eye(3, dtype=torch.float64))
    assert found.transform.apply(source)[:, 2].abs().max() < 1e-6
    assert found.transform.translation[:2].abs().max() < 1e-6


def test_points_with_a_zero_normal_are_not_fitted():
    target, normals = bumpy_surface(1000)
    normals[:300], wild = 0, target.clone()
    wild[:300] += 5 * torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = icp(target, wild, target_normals=normals, iterations=5)
    nearest = torch.cdist(target, wild).argmin(1)
    error = ((target - wild[nearest]) * normals[nearest]).sum(-1)[nearest >= 300]
    assert float(found.residuals[0]) == pytest.approx(float(error.square().mean().sqrt()), abs=1e-12)


def test_no_gradient_and_no_change_of_the_input():
    target, _ = bumpy_surface(200)
    source = motion().apply(target).requires_grad_()
    before = source.detach().clone()
    assert not icp(source, target).transform.rotation.requires_grad
    assert torch.equal(source, before)


CLOUD = bumpy_surface(50)[0]


@pytest.mark.parametrize(
    ("source", "target", "given", "message"),
    [
        (CLOUD[None], CLOUD, {}, "source has shape"),
        (CLOUD[:0], CLOUD, {}, "source has shape"),
        (CLOUD, CLOUD[:0], {}, "target has shape"),
        (CLOUD * math.nan, CLOUD, {}, "non-finite"),
        (CLOUD, CLOUD.float(), {}, "dtype"),
        (CLOUD[:2], CLOUD, {}, "2 pairs .* expected at least 3"),
        (CLOUD[:1], CLOUD[:1], {"scale": False}, "1 pairs"),
        (CLOUD[:1], CLOUD[:1], {}, "all its points in one place"),
        (CLOUD[:1].expand(9, 3), CLOUD, {"target_normals": CLOUD}, "all its points in one place"),
        (0 * CLOUD, CLOUD, {}, "all its points in one place"),
        (CLOUD.numpy(), CLOUD, {}, "source is of type ndarray"),
        (CLOUD, None, {}, r"target is of type NoneType: expected a tensor \(\*, 3\)"),
        (CLOUD + 1e4, CLOUD, {"max_distance": 10.0}, "0 pairs within 10.0 mm"),
        (CLOUD, CLOUD[:1], {}, "shrank to a point"),
        (CLOUD, CLOUD, {"keep": 0.0}, "keep"),
        (CLOUD, CLOUD, {"keep": 1.1}, "keep"),
        (CLOUD, CLOUD, {"max_distance": 0.0}, "max_distance"),
        (CLOUD, CLOUD, {"iterations": 0}, "iterations"),
        (CLOUD, CLOUD, {"tolerance": -1.0}, "tolerance"),
        (CLOUD, CLOUD, {"tolerance": math.nan}, "tolerance"),
        (CLOUD, CLOUD, {"target_normals": CLOUD[:5]}, "target_normals has shape"),
        (CLOUD, CLOUD, {"target_normals": CLOUD * math.inf}, "non-finite"),
        (CLOUD, CLOUD, {"target_normals": 0 * CLOUD}, "0 pairs"),
        (CLOUD, CLOUD, {"start": motion(scale=0.0)}, "start.scale"),
        (CLOUD, CLOUD, {"start": motion(shift=math.nan)}, "non-finite"),
        (
            CLOUD,
            CLOUD,
            {"start": Similarity(*(torch.ones(1, *s) for s in ((), (3, 3), (3,))))},
            "start.scale has shape",
        ),
    ],
)
def test_bad_input_is_refused(source, target, given, message):
    with pytest.raises(BadInput, match=message):
        icp(source, target, **given)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_arrives_at_the_same_place():
    (target, normals), (source, _) = bumpy_surface(600), bumpy_surface(500, seed=1)
    for planes in (None, normals):
        found = icp(source.cuda(), target.cuda(), target_normals=None if planes is None else planes.cuda())
        expected = icp(source, target, target_normals=planes)
        torch.testing.assert_close(found.transform.rotation.cpu(), expected.transform.rotation)
