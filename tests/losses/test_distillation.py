from __future__ import annotations

import math

import pytest
import torch

from facelib.errors import BadInput
from facelib.losses.distillation import distillation


def test_by_hand() -> None:
    """Teacher (3/4, 1/4), student (1/2, 1/2) at T = 1."""
    student, teacher = torch.zeros(1, 2), torch.tensor([[math.log(3), 0.0]])
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert distillation(student, teacher, temperature=1).item() == pytest.approx(expected, abs=1e-6)


def test_equal_answers_cost_nothing_whatever_is_added_to_all_logits() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert distillation(logits, logits + 3).item() == pytest.approx(0, abs=1e-12)


def test_high_temperatures_keep_the_size_of_the_gradient() -> None:
    """As T grows, T^2 KL tends to half the variance-like distance of centred logits over the classes."""
    student, teacher = torch.randn(2, 3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    centred = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    limit = centred.square().mean(1).mean() / 2
    assert distillation(student, teacher, temperature=1e4).item() == pytest.approx(limit.item(), rel=1e-3)


def test_gradients_reach_the_student_only() -> None:
    student = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    teacher = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda logits: distillation(logits, teacher), student)
    distillation(student, teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize(
    ("teacher", "temperature", "message"), [(torch.zeros(2, 3), 4.0, "teacher has"), (torch.zeros(2, 2), 0.0, "0.0")]
)
def test_bad_input_is_refused(teacher: torch.Tensor, temperature: float, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        distillation(torch.zeros(2, 2), teacher, temperature)
