from __future__ import annotations

import pytest
import torch

from facelib.faces.bust import NECK_ROWS, SHOULDER_ROWS, bust, neck_ring
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface
from facelib.geometry.normals import triangle_normals, vertex_normals

ROWS = 1 + NECK_ROWS + SHOULDER_ROWS


def made(model: MorphableModel, pose: torch.Tensor, seed: int = 0) -> Surface:
    heads = model.mean.expand(len(pose), -1, -1)
    albedo = model.texture_mean.expand(len(pose), -1, -1)
    return bust(model, heads, albedo, pose, torch.Generator().manual_seed(seed))


def grid_of(surface: Surface) -> torch.Tensor:
    return surface.vertices.unflatten(1, (ROWS, -1))


def test_the_ring_is_where_the_head_ends(face_model: MorphableModel) -> None:
    """Its edges belong to one triangle each, and it runs around the neck without turning back."""
    ring = neck_ring(face_model).tolist()
    triangles = face_model.triangles.tolist()
    edges = {frozenset(pair) for pair in zip(ring, [*ring[1:], ring[0]], strict=True)}
    shared = [sum(edge <= set(triangle) for triangle in triangles) for edge in edges]

    assert shared == [1] * len(ring)
    assert face_model.mean[ring][:, 1].max() < face_model.mean[face_model.landmarks[30], 1]


def test_it_begins_at_the_head_in_its_skin_and_ends_in_cloth(face_model: MorphableModel) -> None:
    surface, ring = made(face_model, torch.zeros(3, 3)), neck_ring(face_model)
    grid, colours = grid_of(surface), surface.albedo.unflatten(1, (ROWS, -1))

    torch.testing.assert_close(grid[:, 0], face_model.mean[ring].expand(3, -1, -1))
    skin = face_model.texture_mean[ring].mean(dim=0)
    torch.testing.assert_close(colours[:, 0], skin.expand_as(colours[:, 0]))
    assert (colours[:, -1] - skin).abs().amax(dim=-1).min() > 1e-3
    assert (grid[:, -1, :, 1] < grid[:, 0, :, 1].min() - 100).all()
    widths = (grid[..., 0].amax(dim=2) - grid[..., 0].amin(dim=2))[:, NECK_ROWS:]
    assert (widths.diff(dim=1) > 0).all()
    assert (widths[:, -1] > 300).all()  # mm across the shoulders
    assert (widths[:, -1] < 560).all()


def test_it_is_seen_from_outside(face_model: MorphableModel) -> None:
    surface = made(face_model, torch.zeros(1, 3))
    normals = triangle_normals(surface.vertices, surface.triangles)[0]
    middles = surface.vertices[0, surface.triangles].mean(dim=1)
    outwards = (normals * middles * torch.tensor([1.0, 0.0, 1.0])).sum(dim=1) + normals[:, 1] * 10
    assert (outwards > 0).float().mean() > 0.97


def test_the_body_turns_less_than_the_head(face_model: MorphableModel) -> None:
    """In the frame of a head that looks to its left the shoulders are turned to the right, by a part of the yaw."""
    yaw = 1.0
    turned = grid_of(made(face_model, torch.tensor([[yaw, 0.0, 0.0]])))[0, -1]
    straight = grid_of(made(face_model, torch.zeros(1, 3)))[0, -1]
    pivot = torch.tensor([0.0, -30.0])
    before, after = ((each[:, [0, 2]] - pivot) for each in (straight, turned))
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    angle = torch.atan2(cross, (before * after).sum(dim=1))

    assert angle.std() < 1e-4
    assert 0.2 * yaw <= angle.mean().item() <= 0.9 * yaw


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same(face_model: MorphableModel, seed: int) -> None:
    pose = torch.tensor([[0.3, -0.2, 0.1]])
    first, again = made(face_model, pose, seed), made(face_model, pose, seed)
    assert torch.equal(first.vertices, again.vertices)
    assert torch.equal(first.albedo, again.albedo)
    assert vertex_normals(first.vertices, first.triangles).isfinite().all()
    assert not torch.equal(first.vertices, made(face_model, pose, seed + 5).vertices)


def test_one_person_keeps_the_body_in_all_poses(face_model: MorphableModel) -> None:
    """The same numbers for all: what a head alone would get from the same generator."""
    pose = torch.tensor([[0.3, 0.1, 0.0], [-0.8, 0.2, 0.1]])
    heads, albedo = (each.expand(2, -1, -1) for each in (face_model.mean, face_model.texture_mean))

    def body(rows: slice) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        surface = bust(face_model, heads[rows], albedo[rows], pose[rows], generator, of_one_person=True)
        return surface.vertices

    both = body(slice(0, 2))
    torch.testing.assert_close(both, torch.cat((body(slice(0, 1)), body(slice(1, 2)))))
    torch.testing.assert_close(both[:1], made(face_model, pose[:1], seed=1).vertices)
