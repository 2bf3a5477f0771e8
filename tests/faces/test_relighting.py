"""Heads in a light that is given look as the photographer's own would show them."""

from __future__ import annotations

import pytest
import torch

from facelib.errors import BadInput
from facelib.faces import scene
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder, occluder_surface
from facelib.faces.population import sample_people
from facelib.faces.relighting import relit, side_light
from facelib.faces.scene import SceneSettings, render, sample_light
from facelib.faces.surfaces import Surface
from facelib.geometry.lighting import shade

SETTINGS = SceneSettings(image_size=48, light_variation=0.0)
POSE = torch.tensor([[0.5, -0.1, 0.1], [-0.2, 0.1, 0.0]])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture(scope="module")
def heads(face_model: MorphableModel) -> Surface:
    people = sample_people(face_model, 2, seed=0)
    return Surface(face_model.vertices(people.identity), face_model.albedo(people.texture), face_model.triangles)


def test_as_if_the_photographer_had_set_up_that_light(
    face_model: MorphableModel, heads: Surface, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = side_light(2, generator())
    worn = occluder_surface(face_model, heads.vertices, Occluder.GLASSES, generator())
    assert worn is not None
    skin, dark = relit(heads, POSE, light), relit(worn, POSE, light)
    found = render(face_model, heads.vertices, skin.albedo, POSE, SETTINGS, generator(), dark)
    usual = render(face_model, heads.vertices, heads.albedo, POSE, SETTINGS, generator(), worn)

    def given_light(count: int, variation: float, drawing: torch.Generator) -> torch.Tensor:
        sample_light(count, variation, drawing)  # so that all else is drawn alike
        return light

    monkeypatch.setattr(scene, "sample_light", given_light)
    expected = render(face_model, heads.vertices, heads.albedo, POSE, SETTINGS, generator(), worn)
    torch.testing.assert_close(found.image, expected.image, atol=2e-3, rtol=0)
    assert (found.image - usual.image).abs().max() > 0.2


def test_the_usual_light_changes_nothing(heads: Surface) -> None:
    usual = sample_light(1, 0.0, generator())
    torch.testing.assert_close(relit(heads, POSE, usual).albedo, heads.albedo)


def test_light_from_the_side_by_hand() -> None:
    light = side_light(200, generator())
    right, left = light[:, 3, 0] < 0, light[:, 3, 0] > 0  # the harmonic of x
    assert 70 < int(right.sum()) < 130
    assert bool((right ^ left).all())
    cheeks = torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]).expand(200, 2, 3)
    radiance = shade(torch.ones(200, 2, 3), cheeks, light).clamp(min=0)[..., 0]
    bright, dark = radiance.amax(dim=1), radiance.amin(dim=1)
    # 17/16 of a lamp of 1.2 faces it, 1/16 faces away, both beside 0.08; lamps stand 30 degrees aside at most.
    assert float(bright.max()) <= 0.08 + 1.2 * 17 / 16 + 1e-4
    assert float(bright.min()) > 1.0
    assert float(dark.max()) < 0.2
    assert torch.equal(radiance.argmax(dim=1) == 0, left)


@pytest.mark.parametrize("wrong", ["pose", "light"])
def test_wrong_shapes(heads: Surface, wrong: str) -> None:
    pose, light = POSE, side_light(2, generator())
    if wrong == "pose":
        pose = pose[:1]
    else:
        light = light[..., 0]
    with pytest.raises(BadInput, match=f"{wrong} has shape"):
        relit(heads, pose, light)
