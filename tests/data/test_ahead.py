"""Batches made ahead by other processes: the same, in order, from anywhere, whatever becomes of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from streams import Numbers, dies_at_3, refuses_1

from facelib.data.ahead import BatchesAhead
from facelib.errors import BadInput, FacelibError


@pytest.fixture(scope="module", params=[0, 2])
def source(request: pytest.FixtureRequest) -> Iterator[BatchesAhead]:
    ahead = BatchesAhead(Numbers, 3, request.param)
    yield ahead
    ahead.close()


def numbers(source: BatchesAhead, first: int, number: int) -> list[list[int]]:
    return [batch["number"].tolist() for batch in source.batches(first, number)]


def test_batches_come_in_order_from_anywhere(source: BatchesAhead) -> None:
    assert numbers(source, 0, 5) == [[each] * 3 for each in range(5)]
    assert numbers(source, 5, 4) == [[each] * 3 for each in range(5, 9)]  # the next epoch
    assert numbers(source, 2, 2) == [[2] * 3, [3] * 3]  # a training that goes on from an earlier one
    assert numbers(source, 100, 0) == []


def test_others_make_them_ahead(source: BatchesAhead) -> None:
    (batch,) = source.batches(0, 1)
    assert (int(batch["process"]) == os.getpid()) == (source.processes == 0)
    assert len(source.made) == max(0, 4 * source.processes - 1)


def test_a_process_that_died_is_said_and_replaced() -> None:
    source = BatchesAhead(dies_at_3, 2, 1)
    with pytest.raises(FacelibError, match=r"a process that makes batches died before batch \d"):
        numbers(source, 0, 5)
    assert numbers(source, 4, 1) == [[4, 4]]
    source.close()


@pytest.mark.parametrize("processes", [0, 1])
def test_what_is_wrong_with_a_batch_is_said_by_the_one_who_asks(processes: int) -> None:
    source = BatchesAhead(refuses_1, 2, processes)
    with pytest.raises(BadInput, match="batch 1 is refused"):
        numbers(source, 0, 2)
    source.close()


def test_processes_end_with_the_one_that_asked() -> None:
    program = (
        "import time\nfrom streams import Numbers\nfrom facelib.data.ahead import BatchesAhead\n"
        "if __name__ == '__main__':\n"
        "    (batch,) = BatchesAhead(Numbers, 1, 1).batches(0, 1)\n"
        "    print(int(batch['process']), flush=True)\n"
        "    time.sleep(60)\n"
    )
    asking = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parent, stdout=subprocess.PIPE)
    assert asking.stdout is not None
    making = psutil.Process(int(asking.stdout.readline()))
    asking.kill()
    asking.wait()
    asking.stdout.close()
    until = time.monotonic() + 20
    while making.is_running() and making.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.2)
    assert not making.is_running() or making.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("count", "processes"), [(0, 1), (1, -1)])
def test_bad_numbers_are_refused(count: int, processes: int) -> None:
    with pytest.raises(BadInput, match="expected 1 or more, and 0 or more"):
        BatchesAhead(Numbers, count, processes)
