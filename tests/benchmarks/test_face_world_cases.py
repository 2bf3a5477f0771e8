from __future__ import annotations

import pytest
import torch

from facelib.benchmarks.face_world import (
    BATCH,
    SIZE,
    STREAM_BATCH,
    StreamedPeople,
    combine_in_numpy,
    draw_heads,
    photograph,
    same_vertices,
)
from facelib.data.embedded import PeopleStream
from facelib.faces.morphable_model import MorphableModel

pytestmark = pytest.mark.usefixtures("face_model")


def test_photographs_come_in_batches_and_show_faces() -> None:
    first, second = photograph(draw_heads(BATCH + 2))
    assert first.image.shape == (BATCH, 3, SIZE, SIZE)
    assert second.image.shape == (2, 3, SIZE, SIZE)
    share = first.mask.float().mean(dim=(1, 2))
    assert 0.2 < float(share.min()) < float(share.max()) < 0.95
    assert first.landmark_visible.any(dim=1).all()


def test_a_stream_goes_on_from_one_measurement_to_the_next() -> None:
    people = StreamedPeople(2 * STREAM_BATCH)  # the first two batches are made while its processes start
    measured = people.next_batches()
    people.ahead.close()
    expected = [PeopleStream.open(people.settings).batch(number, STREAM_BATCH) for number in (2, 3)]
    assert [(batch["images"] == other["images"]).all() for batch, other in zip(measured, expected, strict=True)] == [
        True
    ] * 2


def test_numpy_gives_the_same_heads_and_others_are_refused(face_model: MorphableModel) -> None:
    heads = draw_heads(4)
    ours = face_model.vertices(heads.identity)
    assert torch.equal(ours, heads.vertices)
    assert same_vertices(ours, combine_in_numpy(heads))
    assert not same_vertices(ours, combine_in_numpy(heads) + 0.01)
