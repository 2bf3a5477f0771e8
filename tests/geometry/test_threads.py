from __future__ import annotations

import numpy as np
import pytest
import torch

from facelib.geometry.threads import share_among_threads


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    usual = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(usual)


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_every_piece_is_done_once(threads, count):
    done = np.zeros(count, int)

    def kernel(first: int, last: int, step: int) -> None:
        done[first:last] += step

    share_among_threads(kernel, count, 3)
    assert (done == 3).all()


def test_an_error_in_any_part_is_raised(threads):
    def kernel(first: int, last: int) -> None:
        if last == 10:
            raise RuntimeError("the last part")

    with pytest.raises(RuntimeError, match="the last part"):
        share_among_threads(kernel, 10)
