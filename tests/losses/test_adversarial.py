"""AR-GAN's losses against the printed logarithms, where these can be computed, and beyond."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, UnknownName
from facelib.losses.adversarial import (
    AdversarialHealth,
    collapse,
    diversity,
    drawn_loss,
    generator_loss,
    judged_rightly,
    real_loss,
    shape_loss,
    target_loss,
)

LOGITS = torch.tensor([-3.0, -0.5, 0.0, 2.0], dtype=torch.float64)


def mean_log(values: list[float]) -> float:
    return sum(map(math.log, values)) / len(values)


def test_losses_are_the_printed_logarithms() -> None:
    real = [1 / (1 + math.exp(-float(logit))) for logit in LOGITS]  # D(x)
    drawn = [1 - value for value in real]
    found = {
        "eq. 1, rendered": real_loss(LOGITS),
        "eq. 1, drawn": drawn_loss(LOGITS),
        "eq. 3, printed": generator_loss(LOGITS, "printed"),
        "eq. 3, usual": generator_loss(LOGITS),
        "eq. 5, printed": target_loss(LOGITS, "printed"),
        "eq. 5, usual": target_loss(LOGITS),
    }
    expected = {
        "eq. 1, rendered": -mean_log(real),
        "eq. 1, drawn": -mean_log(drawn),
        "eq. 3, printed": mean_log(drawn),
        "eq. 3, usual": -mean_log(real),
        "eq. 5, printed": -mean_log(drawn),
        "eq. 5, usual": -mean_log(real),
    }
    assert {name: value.item() for name, value in found.items()} == pytest.approx(expected)


@pytest.mark.parametrize("loss", [real_loss, drawn_loss, generator_loss, target_loss])
@given(logit=st.floats(-1e4, 1e4, width=32))
def test_losses_and_gradients_stay_finite(loss, logit: float) -> None:
    logits = torch.tensor([logit], requires_grad=True)
    value = loss(logits)
    value.backward()
    assert value.isfinite()
    assert value >= 0
    assert logits.grad.abs() <= 1


def test_signs_decide_where_f_and_g_go_and_how_fast() -> None:
    """While D is sure that an image is drawn, the printed form of eq. 3 teaches G nothing, and that of eq. 5 agrees."""

    def pull(loss, signs: str) -> float:
        logits = torch.tensor([-8.0, -8.0], dtype=torch.float64, requires_grad=True)
        loss(logits, signs).backward()
        return -float(logits.grad.sum())  # upwards, to "rendered"

    assert pull(generator_loss, "usual") == pytest.approx(1, abs=1e-3)
    assert 0 < pull(generator_loss, "printed") < 1e-3
    assert pull(target_loss, "usual") == pytest.approx(1, abs=1e-3)
    assert pull(target_loss, "printed") < 0


def test_shape_loss_by_hand() -> None:
    """Differences of 0.5 and 3: 0.125 and 2.5."""
    assert shape_loss(torch.tensor([[0.5, 3.0]]), torch.zeros(1, 2)).item() == pytest.approx(1.3125)


def test_judged_rightly_by_hand() -> None:
    assert judged_rightly(LOGITS, True).item() == 0.25
    assert judged_rightly(LOGITS, False).item() == 0.75


def test_diversity_by_hand() -> None:
    """Distances of 3, 4 and 5 among drawn images, of 10 between real ones."""
    drawn = torch.tensor([[[0.0, 0.0]], [[3.0, 0.0]], [[0.0, 4.0]]])
    real = torch.tensor([[[0.0, 0.0]], [[6.0, 8.0]]])
    assert diversity(drawn, real).item() == pytest.approx(0.4)
    assert diversity(drawn[:1].expand(3, 1, 2), real).item() == 0


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (AdversarialHealth(0.7, 0.6, 0.8, 0.5), None),
        (AdversarialHealth(1.0, 1.0, 0.9, 0.5), None),
        (AdversarialHealth(0.7, 0.6, 0.8, 0.05), "almost the same image"),
        (AdversarialHealth(1.0, 0.995, 1.0, 0.5), "D is never wrong"),
        (AdversarialHealth(0.0, 1.0, 1.0, 0.5), None),  # D cannot tell
    ],
)
def test_collapse_is_said(health: AdversarialHealth, said: str | None) -> None:
    found = collapse(health)
    assert (found is None) == (said is None)
    assert said is None or said in found


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: real_loss(torch.zeros(2, 1)), "logits has shape"),
        (lambda: drawn_loss(torch.zeros(0)), "logits has shape"),
        (lambda: real_loss(torch.zeros(2, dtype=torch.int64)), "floating-point"),
        (lambda: generator_loss(LOGITS, "usuall"), "did you mean 'usual'"),
        (lambda: target_loss(LOGITS, "plain"), "unknown signs"),
        (lambda: shape_loss(torch.zeros(2, 3), torch.zeros(2, 4)), "true has shape"),
        (lambda: diversity(torch.zeros(1, 4), torch.rand(2, 4)), "1 drawn and 2 real images"),
        (lambda: diversity(torch.rand(2, 4), torch.zeros(2, 4)), "all 2 real images are the same"),
        (lambda: diversity(torch.rand(2, 4), torch.rand(2, 5)), "real has shape"),
    ],
)
def test_bad_input(call, message: str) -> None:
    with pytest.raises((BadInput, UnknownName), match=message):
        call()
