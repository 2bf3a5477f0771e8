from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput
from facelib.models.position_images import scaled_positions


def test_by_hand() -> None:
    """A point, a hole, and two points beyond the reach, one to the side and one behind."""
    nan = torch.nan
    positions = torch.tensor([[[30.0, nan, 200.0, 0.0]], [[-60.0, nan, 0.0, 0.0]], [[90.0, nan, 0.0, 151.0]]])
    expected = torch.tensor([[[0.2, 0.0, 0.0, 0.0]], [[-0.4, 0.0, 0.0, 0.0]], [[0.6, 1.0, 1.0, 1.0]]])
    torch.testing.assert_close(scaled_positions(positions[None], 150.0), expected[None])


@pytest.mark.parametrize(
    ("positions", "reach", "message"),
    [
        (torch.zeros(2, 2, 4, 4), 150.0, "positions has shape"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.int64), 150.0, "floating-point"),
        (torch.zeros(2, 3, 4, 4), 0.0, "reach is 0"),
        (torch.zeros(2, 3, 4, 4), torch.nan, "reach is nan"),
        (torch.stack((torch.zeros(3, 4, 4), torch.full((3, 4, 4), torch.nan))), 150.0, r"frames \[1\] show nothing"),
        (torch.full((1, 3, 4, 4), 800.0), 150.0, r"frames \[0\] show nothing within 150 mm"),
    ],
)
def test_bad_input(positions: torch.Tensor, reach: float, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        scaled_positions(positions, reach)
