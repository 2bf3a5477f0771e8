from __future__ import annotations

import gc
import os
import threading
import weakref

import numpy as np
import pytest
import torch

from facelib.geometry import threads as module
from facelib.geometry.threads import share_among_threads


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    usual = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(usual)


@pytest.fixture
def two_threads():
    usual = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(usual)


def count_up(first: int, last: int, done: np.ndarray) -> None:
    done[first:last] += 1


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_every_piece_is_done_once(threads, count):
    done = np.zeros(count, int)

    def kernel(first: int, last: int, step: int) -> None:
        done[first:last] += step

    for _ in range(20):
        share_among_threads(kernel, count, 3)
    assert (done == 60).all()


def test_parts_run_at_the_same_time(two_threads):
    """Each part waits for the other: alone it would wait in vain."""
    meeting = threading.Barrier(2)
    share_among_threads(lambda first, last: meeting.wait(timeout=10), 2)


def test_an_error_in_any_part_is_raised_after_all_have_ended(threads):
    done = np.zeros(10, int)

    def kernel(first: int, last: int) -> None:
        if last == 10:
            raise RuntimeError("the last part")
        done[first:last] += 1

    with pytest.raises(RuntimeError, match="the last part"):
        share_among_threads(kernel, 10)
    assert done.sum() == (threads - 1) * 10 // threads  # all but the last part
    share_among_threads(count_up, 10, done)  # the helpers live on


def test_calls_from_several_threads_and_from_inside_a_kernel_all_end(two_threads):
    done = np.zeros((8, 6, 4), int)

    def outer(first: int, last: int, of_caller: np.ndarray) -> None:
        for row in range(first, last):
            share_among_threads(count_up, 4, of_caller[row])

    callers = [threading.Thread(target=share_among_threads, args=(outer, 6, done[i]), daemon=True) for i in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=30)
    assert (done == 1).all()


def test_helpers_are_kept_between_calls_but_not_the_arrays(two_threads):
    done = np.zeros(4, int)
    share_among_threads(count_up, 4, done)
    helpers = list(module._helpers)
    share_among_threads(count_up, 4, done)
    assert module._helpers == helpers
    array = weakref.ref(done)
    del done
    for _ in range(100):  # a helper may still be on its way back to sleep
        gc.collect()
        if array() is None:
            return
        threading.Event().wait(0.01)
    pytest.fail("the array of an ended call is still alive")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_forked_process_has_its_own_helpers(two_threads):
    """The parent's helpers do not live there; a barrier needs a second thread."""
    share_among_threads(count_up, 4, np.zeros(4, int))
    child = os.fork()
    if child == 0:
        try:
            meeting = threading.Barrier(2)
            share_among_threads(lambda first, last: meeting.wait(timeout=10), 2)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
