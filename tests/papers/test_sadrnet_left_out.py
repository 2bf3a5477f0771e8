from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facelib.data.embedded import PeopleStream, PeopleStreamSettings
from facelib.errors import UnknownName
from facelib.papers.sadrnet.data_sets import stream_settings
from facelib.papers.sadrnet.left_out import LEFT_OUT, without
from facelib.papers.sadrnet.settings import ReconstructionSettings, StreamedFaces

USUAL = PeopleStreamSettings()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_each_leaves_out_something_and_once(name: str) -> None:
    changed = without(USUAL, [name])
    assert changed != USUAL
    assert without(changed, [name]) == changed
    assert changed.seed == USUAL.seed  # the same people


def test_all_can_be_left_out_in_any_order() -> None:
    assert without(USUAL, list(LEFT_OUT)) == without(USUAL, list(LEFT_OUT)[::-1])
    assert without(USUAL, ()) == USUAL


def test_an_unknown_part() -> None:
    with pytest.raises(UnknownName, match=r"'hats'.*surroundings"):
        without(USUAL, ["hats"])


def test_a_run_says_what_is_left_out() -> None:
    settings = ReconstructionSettings(stream=StreamedFaces(skins=5, without=("jpeg", "light")))
    stream = stream_settings(settings)
    assert (stream.skins, stream.style.jpeg, stream.scene.light_variation) == (5, 0, 0.0)
    assert stream.scene.blur > 0


def test_photographs_without_surroundings_show_the_same_faces() -> None:
    usual = replace(USUAL, skins=4)
    bare = without(usual, ["surroundings", "occluders"])
    first, second = (PeopleStream.open(each).batch(3, 6) for each in (usual, bare))
    for name in ("shape", "action", "pose"):
        np.testing.assert_array_equal(first[name], second[name])
    assert (first["images"] != second["images"]).mean() > 0.5
    assert torch.from_numpy(second["skin"]).float().mean() > torch.from_numpy(first["skin"]).float().mean()
