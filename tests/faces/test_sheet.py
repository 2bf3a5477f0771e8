"""The contact sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facelib.errors import BadInput, UnknownName
from facelib.faces import sheet
from facelib.faces.morphable_model import MorphableModel


@pytest.fixture(autouse=True)
def coarse_model(face_model: MorphableModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "load_face_model", lambda resolution: face_model)


def test_places_and_blanks() -> None:
    picture = sheet.face_sheet(3, size=16, columns=2)
    assert picture.shape == (3, 32, 32)
    assert (picture[:, 16:, 16:] == 1).all()  # no fourth person
    assert picture[:, :16, :16].std() > 0.05


def test_seed_decides() -> None:
    assert torch.equal(sheet.face_sheet(1, size=16), sheet.face_sheet(1, size=16))
    assert not torch.equal(sheet.face_sheet(1, size=16), sheet.face_sheet(1, size=16, seed=1))


def test_nobody() -> None:
    with pytest.raises(BadInput, match="at least one"):
        sheet.face_sheet(0)


def test_an_imported_world(face_model: MorphableModel, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = replace(face_model, mean=face_model.mean * torch.tensor([1.0, 1.1, 1.0]))
    monkeypatch.setattr(sheet, "load_ict_model", lambda: longer)
    ours, imported = (sheet.face_sheet(1, world=world, size=16) for world in sheet.WORLDS)
    assert ours.shape == imported.shape
    assert not torch.equal(ours, imported)


def test_unknown_world() -> None:
    with pytest.raises(UnknownName, match="did you mean 'ict'"):
        sheet.face_sheet(1, world="itc")
