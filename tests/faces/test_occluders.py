"""What is worn: outside the head, over the right part of the face, and following its expression."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facelib.conventions import LANDMARK_GROUPS
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder, occluder_surface
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scene import Rendering, SceneSettings, render
from facelib.faces.surfaces import Surface
from facelib.geometry.rasterizer import rasterize

WORN = (Occluder.GLASSES, Occluder.SUNGLASSES, Occluder.MASK)
EYES = [*LANDMARK_GROUPS["right_eye"], *LANDMARK_GROUPS["left_eye"]]
MOUTH = [*LANDMARK_GROUPS["outer_lips"], *LANDMARK_GROUPS["inner_lips"]]
TIP, CHIN = 30, 8
SCENE = SceneSettings(image_size=96, camera="weak_perspective", crop=1.6, crop_jitter=0.0, background="plain")


@pytest.fixture(scope="module")
def heads(face_model: MorphableModel) -> torch.Tensor:
    """Twenty people, each with another expression."""
    people = sample_people(face_model, len(EXPRESSIONS), seed=8)
    return face_model.vertices(people.identity, expression_coefficients(face_model, list(EXPRESSIONS)))


def put_on(model: MorphableModel, heads: torch.Tensor, occluder: Occluder, seed: int = 0) -> Surface:
    worn = occluder_surface(model, heads, occluder, torch.Generator().manual_seed(seed))
    assert worn is not None
    return worn


def photograph(model: MorphableModel, heads: torch.Tensor, occluder: Occluder, yaw: float = 0.0) -> Rendering:
    worn = occluder_surface(model, heads, occluder, torch.Generator().manual_seed(0))
    albedo = model.texture_mean.expand(len(heads), -1, -1)
    pose = torch.tensor([[yaw, 0.0, 0.0]]).expand(len(heads), -1)
    return render(model, heads, albedo, pose, SCENE, torch.Generator().manual_seed(0), worn)


def skin_at(rendering: Rendering, landmarks: list[int]) -> torch.Tensor:
    """(B, L) bool: whether skin is seen where the landmarks are."""
    column, row = rendering.landmarks[:, landmarks].floor().long().unbind(-1)
    return rendering.skin[torch.arange(len(column))[:, None], row, column]


def test_nothing_is_no_surface(face_model: MorphableModel, heads: torch.Tensor) -> None:
    assert occluder_surface(face_model, heads, Occluder.NOTHING, torch.Generator()) is None


def test_heads_of_another_model_are_refused(face_model: MorphableModel, heads: torch.Tensor) -> None:
    with pytest.raises(BadInput, match="heads has shape"):
        occluder_surface(face_model, heads[:, 1:], Occluder.GLASSES, torch.Generator())


@pytest.mark.parametrize("occluder", WORN)
def test_surfaces_of_every_head(face_model: MorphableModel, heads: torch.Tensor, occluder: Occluder) -> None:
    worn, again, other = (put_on(face_model, heads, occluder, seed) for seed in (0, 0, 1))
    assert worn.vertices.shape == worn.albedo.shape == (len(heads), len(worn.vertices[0]), 3)
    assert worn.vertices.isfinite().all()
    assert worn.triangles.max() == worn.vertices.shape[1] - 1
    assert 0 <= worn.albedo.min() < worn.albedo.max() <= 1
    assert torch.equal(worn.vertices, again.vertices)
    assert torch.equal(worn.albedo, again.albedo)
    assert (worn.albedo - other.albedo).abs().amax(dim=(1, 2)).gt(0.01).float().mean() > 0.5  # most change colour
    assert worn.albedo.mean(dim=1).std(dim=0).min() > 0.01  # and differ from each other
    extent = worn.vertices.amax(dim=1) - worn.vertices.amin(dim=1)
    assert (extent > torch.tensor([100.0, 30.0, 60.0])).all()  # mm
    assert (extent < torch.tensor([220.0, 170.0, 160.0])).all()


@pytest.mark.parametrize("occluder", [Occluder.SUNGLASSES, Occluder.MASK])
def test_the_face_does_not_come_through(face_model: MorphableModel, heads: torch.Tensor, occluder: Occluder) -> None:
    """Seen from the front, what is worn hides all of the head that its own outline holds."""
    worn = put_on(face_model, heads, occluder)
    first = len(face_model.mean)

    def seen(points: torch.Tensor, triangles: torch.Tensor) -> torch.Tensor:
        """On a grid of 1 mm, but for the sides, where the ears hide temples and loops."""
        screen = torch.stack((50 + points[..., 0], 110 - points[..., 1], -points[..., 2]), dim=-1)
        return rasterize(screen, triangles, 220, 100, perspective=False, cull_back_faces=True).triangle

    together = torch.cat((face_model.triangles, worn.triangles + first))
    alone = seen(worn.vertices, worn.triangles) >= 0
    before = seen(torch.cat((heads, worn.vertices), dim=1), together) >= len(face_model.triangles)

    assert alone.flatten(1).sum(dim=1).min() > 1000  # mm^2
    assert (alone & ~before).flatten(1).sum(dim=1).max() <= 30  # where a rim touches the nose


@pytest.mark.parametrize("yaw", [0.0, 0.6])
def test_what_each_thing_hides(face_model: MorphableModel, heads: torch.Tensor, yaw: float) -> None:
    bare, glasses, dark, mask = (photograph(face_model, heads, occluder, yaw) for occluder in Occluder)
    eyes, tip, below = (skin_at(bare, part).float().mean() for part in (EYES, [TIP], [TIP, 33, CHIN]))
    assert min(eyes, tip, below) > 0.85

    assert skin_at(glasses, EYES).float().mean() > 0.6 * eyes  # rims hide some
    assert skin_at(dark, EYES).float().mean() < 0.1
    assert skin_at(dark, [TIP, 33, CHIN]).float().mean() >= below - 0.05
    assert skin_at(mask, EYES).float().mean() >= eyes - 0.05
    assert not skin_at(mask, [TIP, 33, *MOUTH]).any()
    assert skin_at(mask, [CHIN]).float().mean() < 0.1
    for covered in (glasses, dark, mask):
        assert (covered.skin <= bare.skin).float().mean() > 0.999
        assert (covered.mask >= bare.mask).all()


def test_landmarks_behind_a_mask_are_not_visible(face_model: MorphableModel, heads: torch.Tensor) -> None:
    bare, mask = (photograph(face_model, heads, occluder) for occluder in (Occluder.NOTHING, Occluder.MASK))

    assert bare.landmark_visible[:, [TIP, *MOUTH]].float().mean() > 0.95
    assert not mask.landmark_visible[:, [TIP, *MOUTH]].any()
    assert torch.equal(mask.landmark_visible[:, EYES], bare.landmark_visible[:, EYES])


def test_a_mask_follows_the_jaw(face_model: MorphableModel) -> None:
    person = sample_people(face_model, 1, seed=3).identity.expand(2, -1)
    names = ["neutral", "mouth_stretch"]
    closed, opened = face_model.vertices(person, expression_coefficients(face_model, names))
    for head in (closed, opened):
        lowest = float(put_on(face_model, head[None], Occluder.MASK).vertices[0, :, 1].min())
        assert -20 < lowest - float(head[face_model.landmarks[CHIN], 1]) < 0  # mm
    assert closed[face_model.landmarks[CHIN], 1] - opened[face_model.landmarks[CHIN], 1] > 10


def test_worn_things_take_part_in_the_light(face_model: MorphableModel, heads: torch.Tensor) -> None:
    """A white thing in a dim scene is darker than in a bright one, like the skin."""
    worn = put_on(face_model, heads[:1], Occluder.MASK)
    worn = replace(worn, albedo=torch.full_like(worn.albedo, 0.6))
    albedo = torch.full_like(heads[:1], 0.6)  # as the skin here
    scene = replace(SCENE, noise=0.0, blur=0.0, light_variation=0.0)
    image = render(face_model, heads[:1], albedo, torch.zeros(1, 3), scene, torch.Generator().manual_seed(0), worn)
    forehead, cloth = image.image[0, :, 22:26, 44:52].mean(), image.image[0, :, 60:64, 44:52].mean()

    assert float(cloth) == pytest.approx(float(forehead), rel=0.15)
