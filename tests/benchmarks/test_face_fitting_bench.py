"""The benchmark of direct fitting tells the same faces from others."""

from __future__ import annotations

import pytest

from facelib.benchmarks import face_fitting as cases
from facelib.papers.msma.settings import FittingSettings

pytestmark = pytest.mark.usefixtures("face_model")


def test_photographs_fitted_together_and_alone_are_the_same_and_in_another_order_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cases, "REFINEMENT", FittingSettings(landmark_steps=20, steps=3))
    given = cases.photographs(2, "smoke")
    ours, theirs = cases.fitted(given), cases.one_by_one(given)

    assert cases.same_faces(ours, theirs)
    assert not cases.same_faces(ours, theirs.flip(0))
