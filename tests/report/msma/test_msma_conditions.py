"""Photographs are chosen by what is known of them, and the median error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_readings import SIZE, tiny_cases, tiny_web

from facelib.data.archive import FaceArchive
from facelib.report.msma.conditions import (
    GREY,
    OF_AFLW,
    aflw_groups,
    case_groups,
    extreme,
    mofa_albedo,
    mofa_photographs,
    typical,
    typical_of,
    unevenness,
)

pytestmark = pytest.mark.usefixtures("face_model")


def test_the_strongest_tenth_of_a_group() -> None:
    values = np.arange(40.0)
    among = np.arange(40) < 20
    assert np.flatnonzero(extreme(values, among)).tolist() == [18, 19]
    assert not extreme(values, np.zeros(40, bool)).any()


def test_groups_are_made_of_what_is_known() -> None:
    archive = tiny_web()
    groups, arrays = aflw_groups(archive), archive.arrays
    assert set(OF_AFLW) < set(groups)
    yaw = np.rad2deg(np.abs(arrays["pose"][:, 0]))
    assert groups[GREY].tolist() == ((yaw < 30) & (arrays["occluder"] == 0)).tolist()
    assert groups["occlusion"].tolist() == ((yaw < 30) & (arrays["occluder"] > 0)).tolist()
    assert (yaw[groups["large pose"]] >= 60).all()
    strength = np.linalg.norm(arrays["action"], axis=1)
    assert strength[groups["strong expression"]].min() >= strength[groups[GREY] & ~groups["strong expression"]].max()
    cases = case_groups(tiny_cases())
    assert np.flatnonzero(cases["covered eyes"]).tolist() == [1, 6]


def test_unevenness_by_hand() -> None:
    images = np.full((2, 3, 4, 4), 100, np.uint8)
    images[1, :, :, 2:] = 50
    skin = np.ones((2, 4, 4), np.uint8)
    made = FaceArchive("made", "0", {"images": images, "skin": skin})
    assert unevenness(made).tolist() == pytest.approx([0, 25 / 75])
    skin[:] = 0
    assert unevenness(made).tolist() == [0, 0]


def test_the_median_of_those_that_were_judged_is_typical() -> None:
    errors = np.array([5.0, 1.0, 3.0, 2.0, 9.0])
    groups = {"all": np.ones(5, bool), "two": np.arange(5) < 2, "failed": np.arange(5) == 4, "none": np.zeros(5, bool)}
    failed = np.arange(5) == 4
    assert typical(groups, errors, failed) == {"all": 3, "two": 1}
    scores = {"cases": errors, "cases_failed": failed}
    others = {"cases": errors + np.array([4, 0, 1, 2, 0]), "cases_failed": np.arange(5) == 3}
    assert typical_of(groups, "cases", scores, others) == {"all": 2, "two": 1}


def test_people_of_mofa_look_ahead_with_nothing_worn() -> None:
    shown = mofa_photographs(SIZE, people=2)
    assert shown.titles == ("person 1", "person 2")
    albedo = mofa_albedo(SIZE, people=2)
    assert albedo.shape == (2, len(shown.true[0].vertices), 3)
    assert not torch.allclose(albedo[0], albedo[1], atol=0.02)
    assert (albedo >= 0).all()
    assert (albedo <= 1).all()
