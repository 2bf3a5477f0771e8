from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from facelib.benchmarks import training_steps as cases

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture(params=[(cases.mapped, "face_encoder"), (cases.mapped, "sadrnet"), (cases.weak, "msma")])
def given(request: pytest.FixtureRequest) -> Iterator[cases.Training]:
    training, method = request.param
    made = training(method, 4, 5, "smoke")
    yield made
    made.photographs.source.close()


def test_both_ways_take_as_many_steps_and_the_stream_goes_on(given: cases.Training) -> None:
    ours, theirs = cases.on_stream(given), cases.on_ready_tensors()(given)

    assert len(ours) == 5
    assert cases.all_finite(ours, theirs)
    assert not cases.all_finite(ours, [*theirs, 1.0])
    assert not cases.all_finite([*ours[:-1], math.nan], theirs)
    first, second = (next(iter(given.task.batches(epoch, None))).images for epoch in (1, 2))
    assert not (first == second).all()
