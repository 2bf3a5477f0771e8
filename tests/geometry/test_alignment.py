from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.geometry.alignment import SCALES, Similarity, self_alignment, similarity_transform

SEEDS = st.integers(0, 2**31)
STEPS = 1000  # of training on degenerate sets


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_similarity(batch: int, seed: int, scale: bool = True) -> Similarity:
    skew = 2 * normal(batch, 3, 3, seed=seed)
    factor = (normal(batch, seed=seed + 1) / 2).exp() if scale else torch.ones(batch, dtype=torch.float64)
    return Similarity(factor, torch.linalg.matrix_exp(skew - skew.mT), 50 * normal(batch, 3, seed=seed + 2))


def flat(similarity: Similarity) -> torch.Tensor:
    return torch.cat((similarity.scale[:, None], similarity.rotation.flatten(1), similarity.translation), dim=1)


def weighted_residual(similarity: Similarity, source, target, weights) -> torch.Tensor:
    return (weights * ((similarity.apply(source) - target) ** 2).sum(-1)).sum(1)


# ---- similarities ----


def test_a_similarity_by_hand():
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    similarity = Similarity(torch.tensor(2.0), quarter, torch.tensor([0.0, 0, 5]))
    assert similarity.apply(torch.tensor([[1.0, 0, 0], [0, 1, 1]])).tolist() == [[0, 2, 5], [-2, 0, 7]]


def test_inverse_and_composition_act_as_they_say():
    first, second, points = random_similarity(4, 0), random_similarity(4, 10), normal(4, 9, 3, seed=3)
    torch.testing.assert_close(first.inverse().apply(first.apply(points)), points)
    torch.testing.assert_close(second.compose(first).apply(points), second.apply(first.apply(points)))


def test_unusable_similarities_are_refused():
    similarity = random_similarity(1, 0)
    with pytest.raises(BadInput, match="no inverse"):
        Similarity(torch.zeros(1), similarity.rotation, similarity.translation).inverse()
    with pytest.raises(BadInput, match="shape"):
        similarity.apply(torch.zeros(3))


# ---- least squares ----


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(3, 40), st.booleans(), st.booleans())
def test_noise_free_points_give_the_transform_exactly(seed, count, scale, weighted):
    source, truth = 80 * normal(2, count, 3, seed=seed), random_similarity(2, seed + 5, scale)
    weights = normal(2, count, seed=seed + 9).abs() + 0.1 if weighted else None
    found = similarity_transform(source, truth.apply(source), weights, scale=scale)
    torch.testing.assert_close(flat(found), flat(truth), rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.booleans())
def test_no_other_transform_fits_better(seed, scale):
    source, target = 10 * normal(3, 7, 3, seed=seed), 10 * normal(3, 7, 3, seed=seed + 1)
    weights = normal(3, 7, seed=seed + 2).abs()
    best = similarity_transform(source, target, weights, scale=scale)
    torch.testing.assert_close(torch.linalg.det(best.rotation), torch.ones(3, dtype=torch.float64))
    least = weighted_residual(best, source, target, weights)
    for other in range(5):
        skew, growth = 0.05 * normal(3, 3, 3, seed=other), (0.05 * normal(3, seed=other)).exp()
        nudge = Similarity(
            growth if scale else torch.ones_like(growth),
            torch.linalg.matrix_exp(skew - skew.mT),
            0.1 * normal(3, 3, seed=other + 1),
        )
        assert (weighted_residual(nudge.compose(best), source, target, weights) > least).all()


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_rigid_motions_of_either_side_carry_over(seed):
    source, target = 10 * normal(2, 9, 3, seed=seed), 10 * normal(2, 9, 3, seed=seed + 1)
    before, after = random_similarity(2, seed + 2, scale=False), random_similarity(2, seed + 6, scale=False)
    plain = similarity_transform(source, target)
    moved = similarity_transform(before.apply(source), after.apply(target))
    torch.testing.assert_close(flat(moved), flat(after.compose(plain).compose(before.inverse())))


def test_a_weight_of_zero_leaves_a_point_out_and_two_count_it_twice():
    source, target = normal(1, 6, 3), normal(1, 6, 3, seed=1)
    without = similarity_transform(source, target, torch.tensor([[1.0, 1, 1, 1, 1, 0]]))
    torch.testing.assert_close(flat(without), flat(similarity_transform(source[:, :5], target[:, :5])))
    doubled = similarity_transform(source, target, torch.tensor([[2.0, 1, 1, 1, 1, 1]]))
    repeated = [torch.cat((points, points[:, :1]), dim=1) for points in (source, target)]
    torch.testing.assert_close(flat(doubled), flat(similarity_transform(*repeated)))


def test_equals_scipy():
    from scipy.spatial.transform import Rotation

    source, target, weights = normal(1, 20, 3), normal(1, 20, 3, seed=1), normal(20, seed=2).abs()
    centred = [(points[0] - (weights @ points[0]) / weights.sum()).numpy() for points in (source, target)]
    expected, _ = Rotation.align_vectors(centred[1], centred[0], weights=weights.numpy())
    found = similarity_transform(source, target, weights[None], scale=False)
    torch.testing.assert_close(found.rotation[0], torch.from_numpy(expected.as_matrix()))


def test_a_mirror_image_is_met_by_a_rotation():
    source = normal(1, 20, 3)
    found = similarity_transform(source, source * torch.tensor([-1.0, 1, 1]))
    assert float(torch.linalg.det(found.rotation)) == pytest.approx(1)
    assert 0 < float(found.scale) < 1


def test_collinear_points_are_fitted_by_one_of_the_best_rotations():
    along = torch.linspace(-1, 2, 7, dtype=torch.float64)[:, None]
    truth = random_similarity(1, 4)
    source = (along * torch.tensor([3.0, 1, 2]).double() + 5)[None]
    found = similarity_transform(source, truth.apply(source))
    torch.testing.assert_close(found.apply(source), truth.apply(source))
    assert float(torch.linalg.det(found.rotation)) == pytest.approx(1)
    torch.testing.assert_close(found.scale, truth.scale)


def test_points_in_one_place_have_no_scale_but_a_motion():
    source = torch.full((2, 5, 3), 0.1)
    source[0] = normal(5, 3).float()
    target = source + torch.tensor([1.0, 2, 3])
    with pytest.raises(BadInput, match="source 1 has all its points"):
        similarity_transform(source, target)
    with pytest.raises(BadInput, match="source 0"):
        similarity_transform(source, target, torch.eye(5)[[0, 0]])  # one place of positive weight
    motion = similarity_transform(source, target, scale=False)
    torch.testing.assert_close(motion.apply(source), target)
    single = similarity_transform(source[:, :1], target[:, :1], scale=False)
    torch.testing.assert_close(single.rotation, torch.eye(3).expand(2, 3, 3))


@pytest.mark.parametrize("scale", [True, False])
def test_gradcheck_of_least_squares(scale):
    given = normal(3, 7, 3), normal(3, 7, 3, seed=1), normal(3, 7, seed=2).abs() + 0.1
    assert torch.autograd.gradcheck(
        lambda *values: flat(similarity_transform(*values, scale=scale)), [value.requires_grad_() for value in given]
    )


@pytest.mark.parametrize(
    ("source", "target", "weights", "message"),
    [
        (torch.ones(5, 3), torch.ones(5, 3), None, "shape"),
        (torch.ones(1, 0, 3), torch.ones(1, 0, 3), None, "shape"),
        (torch.ones(1, 5, 3), torch.ones(1, 4, 3), None, "matched pairs"),
        (torch.ones(1, 5, 3), torch.ones(2, 5, 3), None, "expected the same"),
        (torch.ones(1, 5, 3), torch.ones(1, 5, 3).double(), None, "dtype"),
        (torch.ones(1, 5, 3).int(), torch.ones(1, 5, 3).int(), None, "floating-point"),
        (torch.full((1, 5, 3), math.nan), torch.ones(1, 5, 3), None, "non-finite"),
        (torch.ones(1, 5, 3), torch.ones(1, 5, 3), torch.ones(1, 4), "weights has shape"),
        (torch.ones(1, 5, 3), torch.ones(1, 5, 3), torch.full((1, 5), math.nan), "non-finite"),
        (torch.ones(1, 5, 3), torch.ones(1, 5, 3), -torch.ones(1, 5), "-1: expected zero or positive"),
        (torch.ones(1, 5, 3), torch.ones(1, 5, 3), torch.zeros(1, 5), "weights of cloud 0 are all zero"),
    ],
)
def test_bad_pairs_are_refused(source, target, weights, message):
    with pytest.raises(BadInput, match=message):
        similarity_transform(source, target, weights, scale=False)


# ---- self-alignment ----


def printed_self_alignment(shape, pose, visibility, eps=0.1):
    """Eqs. 11-18 one face at a time, with t = M_P - f R M_S."""
    rows = []
    for k_s, k_p, vis in zip(shape, pose, visibility, strict=True):
        w = torch.diag(vis + eps)
        m_s, m_p = (w @ k_s).sum(0) / w.trace(), (w @ k_p).sum(0) / w.trace()
        f = (k_p - m_p).norm(dim=1).sum() / (k_s - m_s).norm(dim=1).sum()
        h = (f * (k_s - m_s)).T @ w @ (k_p - m_p)
        u, _, vh = torch.linalg.svd(h)
        r = vh.T @ u.T
        if torch.linalg.det(r) < 0:
            r = vh.T @ torch.diag(torch.tensor([1.0, 1, -1]).double()) @ u.T
        rows.append(torch.cat((f[None], r.flatten(), m_p - f * r @ m_s)))
    return torch.stack(rows)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(4, 68))
def test_the_printed_equations_are_followed(seed, count):
    shape, pose = 80 * normal(3, count, 3, seed=seed), 80 * normal(3, count, 3, seed=seed + 1)
    visibility = normal(3, count, seed=seed + 2).sigmoid().round()
    found = self_alignment(shape, pose, visibility)
    torch.testing.assert_close(flat(found), printed_self_alignment(shape, pose, visibility))


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(SCALES))
def test_the_pose_is_found_exactly_with_either_scale(seed, scale):
    shape, truth = 80 * normal(2, 68, 3, seed=seed), random_similarity(2, seed + 1)
    visibility = normal(2, 68, seed=seed + 2).sigmoid()
    found = self_alignment(shape, truth.apply(shape), visibility, scale=scale)
    torch.testing.assert_close(flat(found), flat(truth), rtol=1e-6, atol=1e-6)


def test_least_squares_is_the_weighted_similarity():
    shape, pose, visibility = normal(2, 9, 3), normal(2, 9, 3, seed=1), normal(2, 9, seed=2).sigmoid()
    found = self_alignment(shape, pose, visibility, scale="least_squares")
    torch.testing.assert_close(flat(found), flat(similarity_transform(shape, pose, visibility + 0.1)))


@pytest.mark.parametrize("scale", SCALES)
def test_gradcheck_of_self_alignment(scale):
    given = normal(3, 7, 3), normal(3, 7, 3, seed=1), normal(3, 7, seed=2).sigmoid()
    assert torch.autograd.gradcheck(
        lambda *values: flat(self_alignment(*values, scale=scale)), [value.requires_grad_() for value in given]
    )


def degenerate_set(kind: str, seed: int, count: int = 68) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(1, K, 3) shape and pose in float32, mm, and a visibility."""
    shape = 60 * normal(1, count, 3, seed=seed).float()
    pose = random_similarity(1, seed + 1).apply(shape.double()).float()
    visibility = normal(1, count, seed=seed + 2).float().sigmoid().round()
    direction = normal(3, seed=seed + 3).float()
    match kind:
        case "collinear shape":
            shape = shape[..., :1] * direction
        case "collinear pose":
            pose = pose[..., :1] * direction + 700
        case "both collinear":
            shape, pose = shape[..., :1] * direction, pose[..., :1] * direction
        case "coplanar":
            shape, pose = shape * torch.tensor([1.0, 1, 0]), pose * torch.tensor([0.0, 1, 1])
        case "coincident shape":
            shape = shape[:, :1].expand(-1, count, -1)
        case "coincident pose":
            pose = pose[:, :1].expand(-1, count, -1)
        case "both coincident":
            shape, pose = shape[:, :1].expand(-1, count, -1), pose[:, :1].expand(-1, count, -1)
        case "zero":
            shape, pose = torch.zeros_like(shape), torch.zeros_like(pose)
        case "invisible":
            visibility = torch.zeros_like(visibility)
        case "mirrored":
            pose = shape * torch.tensor([1.0, 1, -1])
        case "equal singular values":
            axes = 50 * torch.cat((torch.eye(3), -torch.eye(3)))[None]
            shape, pose = axes.repeat(1, 12, 1)[:, :count], axes.repeat(1, 12, 1)[:, :count]
            visibility = torch.ones_like(visibility)
        case "mirrored with equal values":
            axes = 50 * torch.cat((torch.eye(3), -torch.eye(3)))[None].repeat(1, 12, 1)[:, :count]
            shape, pose, visibility = axes, -axes, torch.ones_like(visibility)
        case "almost collinear":
            shape = shape[..., :1] * direction + 1e-4 * normal(1, count, 3, seed=seed + 4).float()
        case "almost coincident":
            shape = 1e-3 * shape + 500
        case "tiny":
            shape, pose = 1e-20 * shape, 1e-20 * pose
    return shape, pose, visibility


KINDS = (
    "collinear shape", "collinear pose", "both collinear", "coplanar", "coincident shape", "coincident pose",
    "both coincident", "zero", "invisible", "mirrored", "equal singular values", "mirrored with equal values",
    "almost collinear", "almost coincident", "tiny",
)  # fmt: skip


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_landmarks_give_a_rotation_and_finite_gradients(kind, scale):
    for seed in range(5):
        given = [value.clone().requires_grad_() for value in degenerate_set(kind, seed)]
        found = self_alignment(*given, scale=scale)
        assert flat(found).isfinite().all()
        assert float(torch.linalg.det(found.rotation.detach())) == pytest.approx(1, abs=1e-5)
        moved = found.apply(given[0])
        for gradient in torch.autograd.grad(moved.square().sum() + flat(found).sum(), given):
            assert gradient.isfinite().all()


def test_where_the_scale_is_undetermined_it_is_one_and_where_the_pose_shrinks_zero():
    assert float(self_alignment(*degenerate_set("coincident shape", 0)).scale) == 1
    assert float(self_alignment(*degenerate_set("coincident pose", 0)).scale) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_training_on_degenerate_landmarks_stays_finite(scale):
    """Gradient steps towards a pose, from a new degenerate set every time, with landmarks that drift together."""
    drift = torch.zeros(1, 68, 3, requires_grad=True)
    optimiser = torch.optim.Adam([drift], lr=1e-2)
    for step in range(STEPS):
        shape, pose, visibility = degenerate_set(KINDS[step % len(KINDS)], seed=step)
        found = self_alignment(shape + drift * (step % 2), pose + drift, visibility, scale=scale)
        loss = (found.apply(shape + drift) - pose).abs().mean() + found.rotation.sum()
        optimiser.zero_grad()
        loss.backward()
        assert drift.grad.isfinite().all(), (step, KINDS[step % len(KINDS)])
        optimiser.step()


def test_bad_self_alignments_are_refused():
    shape, visibility = torch.rand(2, 68, 3), torch.rand(2, 68)
    with pytest.raises(UnknownName, match="did you mean 'ratio'"):
        self_alignment(shape, shape, visibility, scale="ration")
    with pytest.raises(BadInput, match="zero or positive"):
        self_alignment(shape, shape, visibility - 2)
    with pytest.raises(BadInput, match="non-finite"):
        self_alignment(shape, shape * math.nan, visibility)
    with pytest.raises(BadInput, match="shape"):
        self_alignment(shape, shape, visibility[:, :5])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_result_has_the_dtype_of_the_points(dtype):
    shape = normal(1, 20, 3).to(dtype)
    found = self_alignment(shape, shape, torch.ones(1, 20, dtype=dtype))
    assert {value.dtype for value in (found.scale, found.rotation, found.translation)} == {dtype}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_gpu_finds_the_same():
    shape, pose, visibility = normal(4, 68, 3), normal(4, 68, 3, seed=1), normal(4, 68, seed=2).sigmoid()
    found = self_alignment(shape.cuda(), pose.cuda(), visibility.cuda())
    torch.testing.assert_close(flat(found).cpu(), flat(self_alignment(shape, pose, visibility)))
