from __future__ import annotations

import pytest
import torch
from torch import nn

from facelib.benchmarks import reconstruction as cases
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.alignment import Similarity, self_alignment

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture(scope="module")
def given(face_model: MorphableModel) -> cases.Photographs:
    return cases.photographs(2, "smoke")


@pytest.mark.parametrize("name", cases.PEERS)
def test_every_way_reads_the_same_faces(name: str, given: cases.Photographs) -> None:
    ours, (_, load_peer) = cases.read_faces(given), cases.PEERS[name]

    assert ours.shape == (2, 3, 64, 64)
    assert cases.same_faces(ours, load_peer()(given))
    assert not cases.same_faces(ours, ours + 1)


def test_folding_leaves_no_norm_behind_a_convolution(given: cases.Photographs) -> None:
    drawing = cases.Drawing(given.network).eval()
    norms = [
        sum(isinstance(layer, nn.BatchNorm2d) for layer in each.modules()) for each in (drawing, cases.folded(drawing))
    ]

    assert norms == [56, 0]


def test_scipy_finds_the_same_poses() -> None:
    given = cases.landmarks(5)
    ours, theirs = self_alignment(*given), cases.load_scipy()(given)

    assert cases.same_poses(ours, theirs)
    assert not cases.same_poses(Similarity(1.01 * ours.scale, ours.rotation, ours.translation), theirs)
    assert torch.allclose(torch.linalg.det(ours.rotation), torch.ones(5), atol=1e-5)
    assert ours.scale.mean() == pytest.approx(0.5, abs=0.02)


def test_running_times_have_a_row_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "median_seconds", lambda work: work() or 0.032)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    table = cases.running_times("smoke")

    assert list(table.index) == ["network", "alignment", "together"]
    assert table["cpu, 1 at once"].tolist() == pytest.approx([32, 32, 64])
    assert table["cpu, 16 at once"].tolist() == pytest.approx([2, 2, 4])
