"""Images of surfaces: what is stored of them, and how they are varied for training."""

from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from facelib.data.archive import FaceArchive
from facelib.data.surface_images import (
    DEEPEST,
    ReconstructedFaces,
    SurfaceImages,
    as_stored,
    mirrored,
    reconstructed_faces,
    surface_images,
    turned,
    varied,
    with_noise,
)
from facelib.data.surface_settings import SurfaceVariation
from facelib.errors import BadInput
from facelib.geometry.normal_components import normal_components
from facelib.geometry.range_images import range_image_of_depth
from facelib.geometry.rotations import euler_to_matrix

CELL, SIZE = 2.0, 40


def bump(deviation: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Depths (1, S, S) of a hill that is steeper to one side, perhaps with noise, and a hole in a corner."""
    places = (torch.arange(SIZE) + 0.5) * CELL - SIZE * CELL / 2
    x, y = places[None, :], -places[:, None]
    noise = deviation * torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed))
    depth = 0.3 * x - (x * x + 2 * y * y) / 150 - 10 + noise
    depth[:6, :6] = torch.nan
    return depth[None]


def images_of(depth: torch.Tensor) -> SurfaceImages:
    positions = range_image_of_depth(depth, CELL)
    normals, _ = normal_components(positions, method="z_on_xy")
    return SurfaceImages(normals, (1 + depth[:, None] / DEEPEST).clamp(0, 1).nan_to_num(0))


def archive_of(images: SurfaceImages, name: str = "reconstructed_faces") -> FaceArchive:
    stored = as_stored(DEEPEST * (images.relief.expand(-1, 3, -1, -1) - 1), images.normals)
    return FaceArchive(name, "", stored | {"identity": np.arange(10, 10 + len(images), dtype=np.int32)})


def degrees_between(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    cosine = (first * second).sum(dim=1) / (first.norm(dim=1) * second.norm(dim=1))
    return torch.rad2deg(cosine.clamp(-1, 1).arccos())


def test_eight_bits_keep_normals_within_half_a_degree_and_holes_as_they_are() -> None:
    images = images_of(bump())
    read = surface_images(archive_of(images), np.array([0]))
    seen = images.normals.abs().sum(dim=1) > 0
    assert torch.equal(read.normals.abs().sum(dim=1) > 0, seen)
    assert degrees_between(read.normals, images.normals)[seen].max() < 0.5
    assert DEEPEST * (read.relief - images.relief).abs().max() < 0.05  # mm


def test_training_sees_no_scan() -> None:
    assert {each.name for each in fields(ReconstructedFaces)} == {"images", "person"}
    assert inspect.signature(reconstructed_faces).return_annotation == "ReconstructedFaces"
    images = images_of(bump())
    found = reconstructed_faces(archive_of(images), np.array([0]), np.array([4, 10]))
    assert found.person.tolist() == [1]
    for name in ("prepared_scans", "embedded_bu3dfe"):
        with pytest.raises(BadInput, match=f"training was given data set {name}: expected faces reconstructed"):
            reconstructed_faces(archive_of(images, name), np.array([0]), np.array([10]))


def test_a_mirrored_face_is_that_of_mirrored_depths() -> None:
    depth = bump()
    expected = images_of(depth.flip(2))
    found = mirrored(images_of(depth), torch.tensor([True]))
    torch.testing.assert_close(found.normals, expected.normals, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.relief, expected.relief)
    same = mirrored(images_of(depth), torch.tensor([False]))
    torch.testing.assert_close(same.normals, images_of(depth).normals)


def test_noise_turns_normals_as_planes_fitted_to_noisy_depths_do() -> None:
    noise = (bump(0.4) - bump()).nan_to_num(0)[:, None]
    expected, found = images_of(bump(0.4)), with_noise(images_of(bump()), noise, CELL)
    inner = slice(9, -3)  # away from the hole and from the border, where windows are cut
    between = degrees_between(found.normals, expected.normals)[:, inner, inner]
    assert between.max() < 0.05
    assert degrees_between(images_of(bump()).normals, expected.normals)[:, inner, inner].mean() > 1
    torch.testing.assert_close(found.relief, expected.relief, atol=1e-6, rtol=0)


def test_a_turned_plane_has_turned_normals_and_a_shifted_face_has_moved() -> None:
    places = (torch.arange(SIZE) + 0.5) * CELL - SIZE * CELL / 2
    plane = images_of((0.2 * places).expand(1, SIZE, SIZE) - 10)
    rotation = euler_to_matrix(*torch.deg2rad(torch.tensor([[3.0], [-2.0], [4.0]])))
    found = turned(plane, rotation, torch.zeros(1, 2), CELL)
    expected = rotation[0] @ plane.normals[0, :, SIZE // 2, SIZE // 2]
    inner = found.normals[0, :, 10:-10, 10:-10].flatten(1)
    torch.testing.assert_close(inner, expected[:, None].expand_as(inner), atol=1e-4, rtol=0)
    # The plane 0.2 x - z = 10 turned: its depth at the middle of the image by hand.
    normal, point = expected.double(), rotation[0].double() @ torch.tensor([0.0, 0.0, -10.0]).double()
    depth = float((normal @ point) / normal[2])
    middle = DEEPEST * (found.relief[0, 0, SIZE // 2 - 1 : SIZE // 2 + 1, SIZE // 2 - 1 : SIZE // 2 + 1].mean() - 1)
    assert float(middle) == pytest.approx(depth, abs=0.1)

    hill, still = images_of(bump()), torch.eye(3)[None]
    moved = turned(hill, still, torch.tensor([[2 * CELL, CELL]]), CELL)  # two columns to the right, one row up
    torch.testing.assert_close(moved.relief[..., :-1, 2:], hill.relief[..., 1:, :-2], atol=1e-4, rtol=0)
    assert moved.normals[..., :2].abs().max() < 1e-5


@given(st.integers(0, 1000))
def test_what_does_not_vary_stays_and_the_generator_decides(seed: int) -> None:
    images = images_of(bump())
    nothing = SurfaceVariation(mirror=0, crop=0)
    kept = varied(images, CELL, nothing, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(kept.normals, images.normals, atol=1e-5, rtol=0)
    much = SurfaceVariation(pose=3.0, noise=0.3)
    first, again = (varied(images, CELL, much, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first.normals, again.normals)
    assert not torch.equal(first.normals, images.normals)
    assert first.normals.norm(dim=1).max() < 1 + 1e-5
    assert 0 <= first.relief.min() <= first.relief.max() <= 1


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="mirror is 2: expected 0 to 1"):
        SurfaceVariation(mirror=2)
    with pytest.raises(BadInput, match="noise is nan"):
        SurfaceVariation(noise=float("nan"))
    archive = archive_of(images_of(bump()))
    with pytest.raises(BadInput, match="an empty batch"):
        surface_images(archive, np.array([], int))
    with pytest.raises(BadInput, match="has no images of surfaces"):
        surface_images(FaceArchive("embedded_frgc", "", {"depth": np.zeros(1)}), np.array([0]))
