"""The photographs with shapes that paper 2's reconstructors learn from."""

from __future__ import annotations

from functools import partial

from facelib.data.ahead import Arrays
from facelib.data.embedded import LabelledFaces, PeopleStream, labelled_faces_of
from facelib.data.streamed import StreamedBatches, part_of_start
from facelib.papers.normal_components.data_sets import stream_settings
from facelib.papers.normal_components.settings import RecognitionSettings


def taught(settings: RecognitionSettings, seed: int) -> StreamedBatches[LabelledFaces]:
    """The part of the stream of people, with their shapes, that a training start of a reconstructor learns from."""
    chosen, sizes = stream_settings(settings), settings.taught
    return part_of_start(
        partial(PeopleStream.open, chosen),
        _labelled,
        seed=seed,
        batch_size=settings.reading.batch_size,
        batch_count=sizes.batches,
        processes=sizes.processes,
    )


def _labelled(arrays: Arrays) -> LabelledFaces:
    return labelled_faces_of({**arrays, "landmarks": arrays["landmarks_2d"]})
