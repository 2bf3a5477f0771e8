"""The second look: it starts at what the face encoder reads, changes the shape alone, and leaves the encoder be."""

from __future__ import annotations

import pytest
import torch
from made_input import images
from torch import nn

from facelib.faces.morphable_model import MorphableModel
from facelib.models.face_encoder import FaceEncoder
from facelib.models.shape_reader import ShapeReader
from facelib.models.trunks import TRUNKS
from facelib.papers.sadrnet.networks import face_template


@pytest.fixture
def encoder() -> FaceEncoder:
    """One that has learnt something: its last layer is not zero."""
    torch.manual_seed(0)
    encoder = FaceEncoder(64, 0.125, 7, 5, TRUNKS["plain"]).eval()
    nn.init.normal_(encoder.reading.weight, std=0.02)
    return encoder


@pytest.fixture
def reader(encoder: FaceEncoder, face_model: MorphableModel) -> ShapeReader:
    return ShapeReader(encoder, face_template(64), 0.125, 4)


def test_at_the_start_it_reads_what_the_encoder_reads(encoder: FaceEncoder, reader: ShapeReader) -> None:
    photographs = images(3, 64)
    first, found = encoder(photographs), reader(photographs)

    assert first.identity.any()
    for name in found._fields:
        if name != "code":
            assert torch.equal(getattr(found, name), getattr(first, name)), name
    assert found.code.shape == (3, 512)


def test_the_shape_alone_is_read_again(encoder: FaceEncoder, reader: ShapeReader) -> None:
    nn.init.normal_(reader.reading.weight, std=0.02)
    photographs = images(3, 64)
    first, found = encoder(photographs), reader(photographs)

    assert torch.equal(found.landmarks, first.landmarks)
    assert not torch.isclose(found.identity, first.identity).any()
    assert not torch.isclose(found.expression, first.expression).any()


def test_the_encoder_learns_nothing(reader: ShapeReader) -> None:
    """Nor do its norms take up the statistics of the batches that the second look learns from."""
    before = {name: value.clone() for name, value in reader.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([each for each in reader.parameters() if each.requires_grad], 0.1)
    for _ in range(2):  # the last layer starts at zero, so the first step teaches it alone
        optimizer.zero_grad()
        (reader.train()(images(4, 64)).identity - 1).square().mean().backward()
        optimizer.step()

    assert all(torch.equal(value, before[name]) for name, value in reader.encoder.state_dict().items())
    learnt = {
        name.split(".")[0] for name, each in reader.named_parameters() if each.grad is not None and each.grad.any()
    }
    assert learnt == {"unposed", "hidden", "reading"}
