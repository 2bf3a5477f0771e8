from __future__ import annotations

from dataclasses import replace

import pytest

from facelib.data.embedded import PeopleStreamSettings
from facelib.data.kept_batches import KeptStream
from facelib.errors import BadInput
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.photographs import streamed
from facelib.papers.sadrnet.settings import StreamedFaces

USUAL, SIZES = PeopleStreamSettings(skins=4), StreamedFaces(processes=0)


def test_a_camera_with_perspective_is_refused() -> None:
    scene = replace(USUAL.scene, camera="perspective")
    with pytest.raises(BadInput, match="'perspective'"):
        streamed(replace(USUAL, scene=scene), SIZES, 2, 1, 0)


def test_batches_are_kept_where_it_is_asked_for() -> None:
    kept = streamed(USUAL, SIZES, 2, 1, 0, kept=True).source.open_stream()
    assert isinstance(kept, KeptStream)
    other = streamed(replace(USUAL, seed=1), SIZES, 2, 1, 0, kept=True).source.open_stream()
    assert isinstance(other, KeptStream)
    assert kept.folder != other.folder
    assert not isinstance(streamed(USUAL, SIZES, 2, 1, 0).source.open_stream(), KeptStream)


def test_the_laptop_tier_keeps_what_its_methods_share() -> None:
    kept = {name: PAPER.run_settings(name, "laptop").stream.kept for name in ("sadrnet", "direct", "face_encoder")}
    assert kept == {"sadrnet": True, "direct": True, "face_encoder": False}
