import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from facelib.errors import BadInput, UnknownName
from facelib.losses.margins import AdaFaceHead, AdaFaceSettings, SoftmaxHead, adaface_logits

PAPER = AdaFaceSettings()
ADAPTIVE = AdaFaceSettings(margin=0.4, h=0.333)


def example(batch: int = 6, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    cosine = 1.8 * torch.rand(batch, classes, generator=generator, dtype=torch.float64) - 0.9
    norms = 40 * torch.rand(batch, 1, generator=generator, dtype=torch.float64)
    return cosine, norms, torch.randint(0, classes, (batch,), generator=generator)


def test_head_gives_finite_logits_and_gradients():
    head = AdaFaceHead(8, 5)
    unit = functional.normalize(torch.randn(4, 8)).requires_grad_()
    logits = head(unit, torch.full((4, 1), 20.0), torch.tensor([0, 1, 2, 3]))
    functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()
    assert logits.shape == (4, 5)
    assert unit.grad.abs().sum() > 0
    assert head.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c, n, y: (c[:0], n[:0], y[:0]), "no size zero"),
        (lambda c, n, y: (c * torch.nan, n, y), "non-finite"),
        (lambda c, n, y: (c, n * torch.nan, y), "non-finite"),
        (lambda c, n, y: (c, n[:, 0], y), "norms has shape"),
        (lambda c, n, y: (c, n, y[:-1]), "labels has shape"),
        (lambda c, n, y: (c, n, y + 5), "expected 0 to 4"),
        (lambda c, n, y: (c, n, y - 5), "expected 0 to 4"),
        (lambda c, n, y: (c, n, y.int()), "int64"),
    ],
)
def test_refuses_bad_input(change, message):
    with pytest.raises(BadInput, match=message):
        adaface_logits(*change(*example()), mean=20.0, std=10.0)


def test_refuses_an_unknown_rule():
    with pytest.raises(UnknownName, match="official"):
        adaface_logits(*example(), mean=20.0, std=10.0, settings=replace(PAPER, rule="offical"))


@pytest.mark.parametrize("rule", ["official", "printed"])
def test_gradcheck(rule):
    cosine, norms, labels = example()
    settings = replace(ADAPTIVE, rule=rule)
    run = lambda c: adaface_logits(c, norms, labels, mean=20.0, std=10.0, settings=settings)  # noqa: E731
    assert torch.autograd.gradcheck(run, (cosine.requires_grad_(),))


@pytest.mark.parametrize("rule", ["official", "printed"])
def test_logits_equal_the_formula_entry_by_entry(rule):
    cosine, norms, labels = example()
    found = adaface_logits(cosine, norms, labels, mean=18.0, std=9.0, settings=replace(ADAPTIVE, rule=rule))
    for i in range(len(cosine)):
        k = max(-1.0, min(1.0, 0.333 * (norms[i].item() - 18.0) / (9.0 + 1e-3)))
        for j in range(cosine.shape[1]):
            expected = 64 * cosine[i, j].item()
            if j == labels[i]:
                theta = math.acos(cosine[i, j].item())
                angle = theta - 0.4 * k if rule == "official" else theta + 0.4 * (1 - k)
                expected = 64 * (math.cos(min(max(angle, 1e-3), math.pi - 1e-3)) - 0.4 * (1 + k))
            assert found[i, j].item() == pytest.approx(expected, abs=1e-11)


def test_hand_computed_at_the_papers_settings():
    cosine, norms, labels = torch.tensor([[0.5, 0.1]]), torch.tensor([[30.0]]), torch.tensor([0])
    official = adaface_logits(cosine, norms, labels, mean=20.0, std=10.0)
    printed = adaface_logits(cosine, norms, labels, mean=20.0, std=10.0, settings=replace(PAPER, rule="printed"))
    assert official[0].tolist() == pytest.approx([0.0, 6.4], abs=1e-5)  # 64 (0.5 - 0.5)
    assert printed[0].tolist() == pytest.approx([64 * (math.cos(math.pi / 3 + 0.5) - 0.5), 6.4], abs=1e-4)


def test_without_h_the_official_rule_is_cosface():
    cosine, norms, labels = example()
    ours, theirs = cosine.clone().requires_grad_(), cosine.clone().requires_grad_()
    logits = adaface_logits(ours, norms, labels, mean=20.0, std=10.0)
    cosface = 64 * (theirs - 0.5 * functional.one_hot(labels, cosine.shape[1]))
    assert torch.allclose(logits, cosface, rtol=0, atol=64e-12)
    functional.cross_entropy(logits, labels).backward()
    functional.cross_entropy(cosface, labels).backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=0, atol=64e-12)


def test_better_images_get_the_smaller_angle_and_the_larger_additive_margin():
    cosine, _, labels = example(batch=1)
    norms = torch.tensor([[-1.0], [20.0], [1e6]], dtype=torch.float64)  # k = -1 or less, 0, and clipped to 1
    run = lambda n: adaface_logits(cosine, n[None], labels, mean=20.0, std=0.01, settings=ADAPTIVE)  # noqa: E731
    theta = cosine[0, labels[0]].acos()
    expected = [(theta + 0.4).cos(), theta.cos() - 0.4, (theta - 0.4).cos() - 0.8]
    assert [run(n)[0, labels[0]].item() / 64 for n in norms] == pytest.approx([e.item() for e in expected], abs=1e-12)


def test_no_gradient_flows_into_norms():
    cosine, norms, labels = example()
    logits = adaface_logits(cosine.requires_grad_(), norms.requires_grad_(), labels, mean=20.0, std=10.0)
    logits.sum().backward()
    assert norms.grad is None


def test_extreme_cosines_keep_gradients_finite():
    cosine = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], requires_grad=True)
    logits = adaface_logits(cosine, torch.tensor([[1.0], [90.0]]), torch.tensor([0, 0]), mean=20.0, std=5.0)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert cosine.grad.isfinite().all()


def test_running_statistics_move_only_in_training():
    head = AdaFaceHead(8, 5)
    unit, norms = functional.normalize(torch.randn(3, 8)), torch.tensor([[10.0], [20.0], [60.0]])
    labels = torch.tensor([0, 1, 2])
    head.eval()(unit, norms, labels)
    assert (head.mean.item(), head.std.item()) == (20.0, 100.0)
    head.train()(unit, norms, labels)
    assert head.mean.item() == pytest.approx(0.99 * 20 + 0.01 * 30, abs=1e-5)
    assert head.std.item() == pytest.approx(0.99 * 100 + 0.01 * math.sqrt(700), abs=1e-4)


def test_a_batch_of_one_and_a_refused_batch_leave_the_statistics_alone():
    head = AdaFaceHead(8, 5)
    unit = functional.normalize(torch.randn(2, 8))
    assert head(unit[:1], torch.tensor([[5.0]]), torch.tensor([0])).isfinite().all()
    with pytest.raises(BadInput):
        head(unit, torch.tensor([[5.0], [torch.nan]]), torch.tensor([0, 1]))
    with pytest.raises(BadInput):
        head(unit, torch.tensor([[5.0], [6.0]]), torch.tensor([0, 9]))
    assert (head.mean.item(), head.std.item()) == (20.0, 100.0)


def test_head_equals_function():
    head = AdaFaceHead(8, 5, ADAPTIVE).eval()
    unit, norms, labels = functional.normalize(torch.randn(4, 8)), 30 * torch.rand(4, 1), torch.tensor([4, 0, 1, 2])
    expected = adaface_logits(head.cosine(unit), norms, labels, mean=20.0, std=100.0, settings=ADAPTIVE)
    assert torch.equal(head(unit, norms, labels), expected)


def test_cosine_ignores_the_length_of_class_weights():
    head = AdaFaceHead(8, 5)
    unit = functional.normalize(torch.randn(4, 8))
    before = head.cosine(unit)
    with torch.no_grad():
        head.weight *= torch.tensor([1.0, 2.0, 3.0, 0.5, 9.0])[:, None]
    assert torch.allclose(head.cosine(unit), before, atol=1e-6)
    assert before.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_first(dtype: torch.dtype) -> None:
    """As mixed precision gives the cosines: the norms stay in single precision."""
    cosine, norms, labels = torch.tensor([[0.5, -0.25], [0.125, 0.75]]), torch.ones(2, 1), torch.tensor([0, 1])
    expected = adaface_logits(cosine, norms, labels, mean=1.0, std=1.0)
    found = adaface_logits(cosine.to(dtype), norms.double(), labels, mean=1.0, std=1.0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_without_adaptation_it_is_the_large_margin_cosine_loss():
    """Paper 2, eq. 8, written out."""
    cosine, norms, labels = example()
    s, m = 30.0, 0.35
    logits = adaface_logits(
        cosine, norms, labels, mean=0.0, std=1.0, settings=AdaFaceSettings(margin=m, h=0.0, scale=s)
    )
    loss = functional.cross_entropy(logits, labels)
    each = []
    for row, label in zip(cosine.tolist(), labels.tolist(), strict=True):
        own = math.exp(s * (row[label] - m))
        others = sum(math.exp(s * value) for j, value in enumerate(row) if j != label)
        each.append(-math.log(own / (own + others)))
    assert loss.item() == pytest.approx(sum(each) / len(each))


def test_a_head_without_margin_is_linear_in_the_embedding():
    head = SoftmaxHead(3, 4)
    features = torch.tensor([[3.0, 0.0, 4.0]])
    norm = features.norm(dim=1, keepdim=True)
    logits = head(features / norm, norm, torch.tensor([2]))
    torch.testing.assert_close(logits, features @ head.linear.weight.T + head.linear.bias)
    with pytest.raises(BadInput, match="label 4: expected 0 to 3"):
        head(features / norm, norm, torch.tensor([4]))
