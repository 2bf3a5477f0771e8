"""A stream of people: who they are, that a batch is always the same, and that pose and picture agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from tiny_runs import use_private_cache

from facelib.data.ahead import BatchesAhead
from facelib.data.embedded.people_stream import LARGEST_SHARE, PeopleStream, PeopleStreamSettings
from facelib.data.occlusion import OcclusionSettings
from facelib.data.posed_faces import faces_of
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder
from facelib.faces.population import SHAPE_LIMIT
from facelib.faces.scene import SceneSettings

SMALL = SceneSettings(image_size=32, camera="weak_perspective", background="structured", crop=1.6, crop_jitter=0.0)
BARE = OcclusionSettings(probability=0.0)
SETTINGS = PeopleStreamSettings(skins=6, worn_share=0.3, scene=SMALL, occlusion=BARE)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[PeopleStream]:
    with pytest.MonkeyPatch.context() as patch:
        use_private_cache(patch, tmp_path_factory.mktemp("cache"))
        yield PeopleStream.open(SETTINGS)


def same(first: Any, second: Any) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def with_settings(stream: PeopleStream, **changes: Any) -> PeopleStream:
    return replace(stream, settings=replace(stream.settings, **changes))


def test_a_batch_is_its_settings_and_its_number(stream: PeopleStream) -> None:
    batch = stream.batch(3, 4)
    assert same(batch, stream.batch(3, 4))
    assert same(batch, PeopleStream.open(SETTINGS).batch(3, 4))
    assert not same(batch, stream.batch(4, 4))
    assert not same(batch, with_settings(stream, seed=15).batch(3, 4))


def test_other_processes_make_the_same_batches(stream: PeopleStream) -> None:
    source = BatchesAhead(partial(PeopleStream.open, SETTINGS), 4, 2)
    for number, batch in enumerate(source.batches(0, 3)):
        assert same(batch, stream.batch(number, 4))
    source.close()


def test_everybody_is_somebody_else(stream: PeopleStream) -> None:
    shapes = torch.cat([faces_of(stream.batch(number, 20)).shape for number in range(5)])

    assert shapes.abs().max() == SHAPE_LIMIT
    assert len(shapes.unique(dim=0)) == 100
    assert shapes.mean().abs() < 0.02
    assert shapes.std() == pytest.approx(0.98, abs=0.02)  # of a normal distribution cut there


def test_faces_are_turned_evenly_to_all_sides(stream: PeopleStream) -> None:
    yaw = np.rad2deg(np.sort(stream.batch(0, 40)["pose"][:, 0]))
    strata = np.interp((np.arange(41) / 40), (0, 0.02, 0.98, 1), (-105, -90, 90, 105))

    assert (strata[:-1] - 1e-3 <= yaw).all()
    assert (yaw <= strata[1:] + 1e-3).all()


def test_the_picture_is_cropped_around_the_posed_landmarks(stream: PeopleStream) -> None:
    faces = faces_of(with_settings(stream, worn_share=0.0).batch(1, 12))
    heads = stream.model.vertices(faces.shape, faces.expression)
    seen = faces.pose.apply(heads[:, stream.model.landmarks])[..., :2]
    low, high = seen.amin(dim=1), seen.amax(dim=1)

    torch.testing.assert_close((high - low).amax(dim=1), torch.full((12,), 32 / 1.6), rtol=0, atol=0.01)
    torch.testing.assert_close((low + high) / 2, torch.full((12, 2), 16.0), rtol=0, atol=0.01)
    assert ((faces.images >= 0) & (faces.images <= 1)).all()
    assert (faces.skin.mean(dim=(1, 2)) > 0.1).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_as_many_wear_something_as_are_asked_for(stream: PeopleStream, share: float) -> None:
    worn = with_settings(stream, worn_share=share).worn(2000, torch.Generator().manual_seed(1))

    assert (worn != Occluder.NOTHING).mean() == pytest.approx(share, abs=0.04)
    counts = [(worn == kind).mean() for kind in (Occluder.GLASSES, Occluder.SUNGLASSES, Occluder.MASK)]
    assert counts == pytest.approx([share / 3] * 3, abs=0.04)


def test_shapes_hide_skin_and_leave_everything_else(stream: PeopleStream) -> None:
    bare = stream.batch(2, 12)
    hidden = with_settings(stream, occlusion=OcclusionSettings(probability=1.0, shadows=0.0)).batch(2, 12)

    assert (hidden["skin"] <= bare["skin"]).all()
    assert hidden["skin"].sum() < bare["skin"].sum()
    assert all(np.array_equal(bare[name], hidden[name]) for name in bare.keys() - {"images", "skin"})


def test_a_person_wears_a_mixture_of_the_two_skins_that_suit_best_of_all(
    stream: PeopleStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every skin is a candidate: the nearest by attributes leads, by at least 0.6."""
    count = 5
    everyone = torch.arange(6).expand(count, -1)
    monkeypatch.setattr(torch, "randint", lambda *_, **__: everyone)
    identity = torch.randn(count, 199, generator=torch.Generator().manual_seed(2))
    textures = stream.worn_skins(identity, torch.Generator().manual_seed(0))

    for person, texture in zip(identity, textures, strict=True):
        wanted = torch.stack(list(stream.model.attributes(person[None]).values()), dim=1)[0]
        first, second = sorted(range(6), key=lambda skin: float((stream.attributes[skin] - wanted).norm()))[:2]
        along = stream.texture[second] - stream.texture[first]
        share = (texture - stream.texture[first]) @ along / (along @ along)
        assert 0 <= share <= LARGEST_SHARE
        torch.testing.assert_close(texture, stream.texture[first] + share * along, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skins": 1}, "skins is 1: expected at least two"),
        ({"worn_share": 1.5}, r"worn_share is 1\.5: expected a share from 0 to 1"),
        ({"beyond_share": -0.1}, "beyond_share is -0.1: expected a share"),
        ({"yaw_spread": 40.0}, "yaw_spread is 40.0: expected 0 to 40 degrees"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        replace(SETTINGS, **changes)


@pytest.mark.parametrize(
    ("number", "count", "message"), [(-1, 2, "batch -1 was asked"), (0, 0, "^0 photographs: expected at least one$")]
)
def test_bad_batches_are_refused(stream: PeopleStream, number: int, count: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        stream.batch(number, count)
