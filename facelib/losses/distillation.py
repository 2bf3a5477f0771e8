"""A student that learns a teacher's soft answers (paper 1's teacher-student rows).

Source: Hinton et al., "Distilling the knowledge in a neural network", 2015, section 2.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_floating, check_shape


def distillation(student: torch.Tensor, teacher: torch.Tensor, temperature: float = 4.0) -> torch.Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), the mean over the batch.

    The factor T^2 keeps gradients of the same size at any temperature. No gradient flows to the teacher.

    Args:
        student: (B, C) logits.
        teacher: (B, C) logits, of the same classes.
        temperature: T; the higher, the more the teacher's small probabilities count.

    Returns:
        A scalar, zero where both answer alike.

    Raises:
        BadInput: on wrong shapes or a temperature that is not positive.
    """
    check_shape("student", student, (None, None))
    check_shape("teacher", teacher, tuple(student.shape))
    check_floating(student=student, teacher=teacher)
    if not temperature > 0:
        raise BadInput(f"temperature {temperature}: expected a positive number")
    told = functional.log_softmax(teacher.detach() / temperature, dim=1)
    said = functional.log_softmax(student / temperature, dim=1)
    return temperature**2 * functional.kl_div(said, told, reduction="batchmean", log_target=True)
