from __future__ import annotations

import torch

from facelib.conventions import FACE_TO_CAMERA, LANDMARK_GROUPS
from facelib.faces.hair import SHORN, hair
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join
from facelib.geometry.rasterizer import rasterize

SIZE = 96


def made(model: MorphableModel, count: int, seed: int = 0) -> Surface:
    return hair(model, model.mean.expand(count, -1, -1), torch.Generator().manual_seed(seed))


def frontal_view(model: MorphableModel, worn: Surface) -> torch.Tensor:
    """Which triangle each pixel (B, SIZE, SIZE) shows; those of the head come first."""
    head = Surface(model.mean.expand(len(worn.vertices), -1, -1), torch.zeros(1), model.triangles)
    both = join(Surface(head.vertices, torch.zeros_like(head.vertices), head.triangles), worn)
    points = both.vertices @ torch.tensor(FACE_TO_CAMERA).T
    screen = points * torch.tensor([0.3, 0.3, 1.0]) + torch.tensor([SIZE / 2, SIZE / 2, 1000.0])
    return rasterize(screen, both.triangles, SIZE, SIZE, perspective=False, cull_back_faces=True).triangle


def test_eyes_nose_and_mouth_stay_free_and_many_a_forehead_does_not(face_model: MorphableModel) -> None:
    shown = frontal_view(face_model, made(face_model, 60))
    is_head = (shown >= 0) & (shown < len(face_model.triangles))
    places = face_model.mean[face_model.landmarks] @ torch.tensor(FACE_TO_CAMERA).T

    def share_of_head(points: torch.Tensor) -> torch.Tensor:
        column, row = (0.3 * points[:, :2] + SIZE / 2).long().unbind(1)
        return is_head[:, row, column].float().mean(dim=1)

    for group in ("right_eye", "left_eye", "nose_bridge", "outer_lips"):
        assert share_of_head(places[list(LANDMARK_GROUPS[group])]).mean() > 0.95, group
    brows = places[[*LANDMARK_GROUPS["right_brow"], *LANDMARK_GROUPS["left_brow"]]]
    forehead = share_of_head(brows - torch.tensor([0.0, 22.0, 0.0]))
    assert 0.2 < (forehead < 0.5).float().mean() < 0.8


def test_some_are_shorn(face_model: MorphableModel) -> None:
    surface = made(face_model, 400)
    shorn = surface.vertices.std(dim=1).norm(dim=1) == 0
    assert abs(shorn.float().mean().item() - SHORN) < 0.06
    shown = frontal_view(face_model, Surface(surface.vertices[shorn], surface.albedo[shorn], surface.triangles))
    assert (shown < len(face_model.triangles)).all()


def test_hair_lies_outside_the_head_in_one_colour_a_person(face_model: MorphableModel) -> None:
    surface = made(face_model, 20)
    worn = surface.vertices.std(dim=1).norm(dim=1) > 0
    top = surface.vertices[worn][..., 1].amax(dim=1)
    assert (top > face_model.mean[:, 1].max() + 1).all()
    colour = surface.albedo.mean(dim=1)
    tint = surface.albedo / surface.albedo.sum(dim=2, keepdim=True)
    torch.testing.assert_close(tint.mean(dim=1), colour / colour.sum(dim=1, keepdim=True), atol=0.05, rtol=0)
    assert ((surface.albedo > 0) & (surface.albedo <= 1)).all()


def test_the_same_seed_gives_the_same(face_model: MorphableModel) -> None:
    first, again = made(face_model, 3), made(face_model, 3)
    assert torch.equal(first.vertices, again.vertices)
    assert torch.equal(first.albedo, again.albedo)
    assert first.vertices.isfinite().all()
    assert not torch.equal(first.vertices, made(face_model, 3, seed=1).vertices)
