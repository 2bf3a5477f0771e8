"""What of a head the crop of a depth frame shows; settings name it, so that no torch is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class DepthView(NamedTuple):
    """What of a head a square crop shows.

    Args:
        reach: side of the crop at the depth of its middle, mm.
        before: mm from the head's place to the middle, towards the camera.
    """

    reach: float
    before: float

    def middle(self, place: torch.Tensor) -> torch.Tensor:
        """Middles (B, 3) of crops of heads in these places (B, 3), mm in the camera frame."""
        return place - place.new_tensor([0.0, 0.0, self.before])


HEAD_VIEW = DepthView(300.0, 0.0)  # all of it, in every pose, with some of the shoulders
# From brows to chin, and nothing farther back than the ears. A network that learnt of bare heads takes hair for a part
# of the head: source only at a third of the laptop tier's schedule is off by 0.095 cm^2 (eq. 8) on people with hair in
# HEAD_VIEW, by 0.083 in (200, 40), by 0.064 here; the mean face by 0.074.
FACE_VIEW = DepthView(180.0, 100.0)
