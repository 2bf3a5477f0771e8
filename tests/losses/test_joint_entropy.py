import math

import numpy as np
import pytest
import torch

from facelib.errors import BadInput, UnknownName
from facelib.losses.joint_entropy import entropy, histogram, joint_entropy, joint_histogram

BINS = 5


def attention(positions: int = 4, batch: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, positions, positions, generator=generator, dtype=torch.float64).softmax(dim=2)


def soft_bins(value: float, largest: float) -> np.ndarray:
    """Triangular memberships of one value, computed bin by bin."""
    centres = np.arange(BINS) * largest / (BINS - 1)
    return np.maximum(0, 1 - np.abs(value - centres) * (BINS - 1) / largest)


@pytest.mark.parametrize("pairs", ["all", "aligned"])
def test_is_a_positive_scalar_below_its_bound(pairs):
    loss = joint_entropy(attention(), attention(seed=1), pairs=pairs)
    assert loss.shape == ()
    assert 0 < loss < 2 * math.log(32)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((attention()[:0], attention()[:0]), {}, "no size zero"),
        ((attention() * torch.nan, attention()), {}, "attention_2d holds"),
        ((attention(), attention() * torch.nan), {}, "attention_3d holds"),
        ((attention(), attention(batch=3)), {}, "2 attention maps in 2D and 3 in 3D"),
        ((attention(), attention(positions=3)), {"pairs": "aligned"}, "maps of one size"),
        ((attention(), attention()), {"bins": 1}, "at least 2"),
        ((attention(), attention()), {"value_range": (1.0, 1.0)}, "low < high"),
    ],
)
def test_refuses_bad_input(arguments, options, message):
    with pytest.raises(BadInput, match=message):
        joint_entropy(*arguments, **options)


def test_refuses_unknown_pairs():
    with pytest.raises(UnknownName, match="aligned"):
        joint_entropy(attention(), attention(), pairs="alligned")


@pytest.mark.parametrize("pairs", ["all", "aligned"])
@pytest.mark.parametrize("value_range", [None, (0.0, 1.0)])
def test_gradcheck(pairs, value_range):
    maps = (attention().requires_grad_(), attention(seed=1).requires_grad_())
    run = lambda a, b: joint_entropy(a, b, pairs=pairs, bins=BINS, value_range=value_range)  # noqa: E731
    assert torch.autograd.gradcheck(run, maps)


@pytest.mark.parametrize("pairs", ["all", "aligned"])
def test_equals_the_histogram_over_enumerated_pairs(pairs):
    a, b = attention(), attention(seed=1)
    expected = []
    for x, y in zip(a.flatten(1).numpy(), b.flatten(1).numpy(), strict=True):
        p = np.zeros((BINS, BINS))
        chosen = [(i, j) for i in range(len(x)) for j in range(len(y)) if pairs == "all" or i == j]
        for i, j in chosen:
            p += np.outer(soft_bins(x[i], x.max()), soft_bins(y[j], y.max())) / len(chosen)
        p = p[p > 0]
        expected.append(-(p * np.log(p)).sum())
    found = joint_entropy(a, b, pairs=pairs, bins=BINS).item()
    assert found == pytest.approx(np.mean(expected), abs=1e-12)


def test_values_on_bin_centres_give_the_hard_histogram_of_the_paper():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, BINS, 30), generator.integers(0, BINS, 30)
    x[0] = y[0] = BINS - 1  # so that the largest value sits on the last centre
    maps = [torch.from_numpy(v / 7.0)[None] for v in (x, y)]
    p = np.array([[np.mean((x[:, None] == a) & (y[None, :] == b)) for b in range(BINS)] for a in range(BINS)])
    expected = -sum(q * math.log(q) for q in p.ravel() if q > 0)
    assert joint_entropy(*maps, bins=BINS).item() == pytest.approx(expected, abs=1e-12)


def test_hand_computed():
    two_values = torch.tensor([[0.0, 1.0]])
    assert joint_entropy(two_values, two_values, bins=2).item() == pytest.approx(2 * math.log(2))
    assert joint_entropy(two_values, two_values, bins=2, pairs="aligned").item() == pytest.approx(math.log(2))


def test_printed_form_ignores_which_entry_belongs_to_which_and_aligned_does_not():
    a, b = attention().flatten(1), attention(seed=1).flatten(1)
    moved = b[:, torch.randperm(16, generator=torch.Generator().manual_seed(7))]
    assert joint_entropy(a, b).item() == pytest.approx(joint_entropy(a, moved).item(), abs=1e-12)
    aligned = [joint_entropy(a, other, pairs="aligned").item() for other in (b, moved)]
    assert abs(aligned[0] - aligned[1]) > 1e-3


def test_aligned_is_printed_minus_mutual_information():
    a, b = attention().flatten(1), attention(seed=1).flatten(1)
    joint = joint_histogram(a, b, BINS)
    independent = joint.sum(2, keepdim=True) * joint.sum(1, keepdim=True)
    information = torch.where(joint > 0, joint * (joint / independent).log(), 0).sum((1, 2)).mean()
    difference = joint_entropy(a, b, bins=BINS) - joint_entropy(a, b, bins=BINS, pairs="aligned")
    assert information > 0.1
    assert difference.item() == pytest.approx(information.item(), abs=1e-12)


def test_histograms_sum_to_one_and_joint_has_the_marginals():
    a, b = attention().flatten(1), attention(seed=1).flatten(1)
    joint = joint_histogram(a, b, BINS)
    assert torch.allclose(joint.sum(2), histogram(a, BINS), atol=1e-14)
    assert torch.allclose(joint.sum(1), histogram(b, BINS), atol=1e-14)
    assert torch.allclose(histogram(a, BINS).sum(1), torch.ones(2, dtype=torch.float64), atol=1e-14)


@pytest.mark.parametrize("pairs", ["all", "aligned"])
def test_uniform_attention_gives_zero_with_finite_gradient(pairs):
    maps = [torch.full((2, 4, 4), 0.25, requires_grad=True) for _ in range(2)]
    loss = joint_entropy(*maps, pairs=pairs)
    loss.backward()
    assert loss.item() == 0
    assert all(m.grad.isfinite().all() for m in maps)


@pytest.mark.parametrize("pairs", ["all", "aligned"])
def test_has_a_gradient_on_a_softmax_map_of_the_papers_size(pairs):
    maps = [attention(positions=196, batch=1, seed=seed).float().requires_grad_() for seed in (0, 1)]
    joint_entropy(*maps, pairs=pairs).backward()
    for m in maps:
        assert m.grad.isfinite().all()
        assert (m.grad != 0).float().mean() > 0.9


def test_a_fixed_range_lets_softmax_maps_fall_into_the_first_bin():
    a = attention(positions=196, batch=1).flatten(1)
    assert histogram(a, 32, (0.0, 1.0))[0, 0] > 0.8
    assert histogram(a, 32)[0, 0] < 0.5


@pytest.mark.parametrize("gamma", [3.0, -0.2, 1e-9])
def test_gamma_does_not_matter_with_the_farthest_value_as_range(gamma):
    a, b = attention(), attention(seed=1)
    assert joint_entropy(gamma * a, gamma * b).item() == pytest.approx(joint_entropy(a, b).item(), abs=1e-12)


def test_attention_without_gamma_has_no_gradient():
    a, gamma = attention(), torch.zeros((), dtype=torch.float64, requires_grad=True)
    loss = joint_entropy(gamma * a, gamma * attention(seed=1))
    loss.backward()
    assert (loss.item(), gamma.grad.item()) == (0, 0)


@pytest.mark.parametrize("pairs", ["all", "aligned"])
def test_over_a_batch_is_that_of_one_long_map(pairs):
    a, b = attention(batch=3), attention(batch=3, seed=1)
    found = joint_entropy(a, b, pairs=pairs, over="batch", bins=BINS).item()
    x, y = a.flatten().numpy(), b.flatten().numpy()
    p = np.zeros((BINS, BINS))
    for i, j in ((i, j) for i in range(len(x)) for j in range(len(y)) if pairs == "all" or i == j):
        p += np.outer(soft_bins(x[i], x.max()), soft_bins(y[j], y.max()))
    p = p[p > 0] / p.sum()
    assert found == pytest.approx(-(p * np.log(p)).sum(), abs=1e-12)
    assert found != pytest.approx(joint_entropy(a, b, pairs=pairs, bins=BINS).item(), abs=1e-3)


def test_refuses_an_unknown_range_of_the_distribution():
    with pytest.raises(UnknownName, match="joint entropy over 'batches'"):
        joint_entropy(attention(), attention(), over="batches")


def test_half_precision_is_summed_in_single():
    a = attention(positions=64, batch=1)
    exact = joint_entropy(a.half().double(), a.half().double()).item()
    assert joint_entropy(a.half(), a.half()).item() == pytest.approx(exact, abs=1e-4)


def test_entropy_of_known_distributions():
    p = torch.tensor([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]])
    assert entropy(p).tolist() == pytest.approx([math.log(4), 0.0], abs=1e-6)
