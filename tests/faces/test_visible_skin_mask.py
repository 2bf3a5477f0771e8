"""The pixels that show the face, against a slow reference and against the position map itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import avg_pool2d

from facelib.conventions import LANDMARK_GROUPS
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.visible_skin_mask import ANY_SIZE, places_on_map, visible_skin_mask
from facelib.geometry.rasterizer import Fragments, interpolate, rasterize
from facelib.geometry.rotations import euler_to_matrix

SIZE, SAMPLES = 64, 2
YAWS = torch.tensor([0.0, 0.7, 1.5, 3.1])


def drawn(points: torch.Tensor, triangles: torch.Tensor) -> Fragments:
    """Points (V, 3) of the face frame turned to each yaw, 3 mm a pixel, before an orthographic camera."""
    turned = points @ euler_to_matrix(YAWS, 0 * YAWS, 0 * YAWS).mT
    half = SIZE * SAMPLES / 2
    screen = torch.stack((half + turned[..., 0] / 1.5, half - turned[..., 1] / 1.5, -turned[..., 2]), dim=-1)
    return rasterize(screen, triangles, SIZE * SAMPLES, SIZE * SAMPLES, perspective=False, cull_back_faces=True)


def test_the_kernel_agrees_with_blending_and_pooling(face_model: MorphableModel) -> None:
    fragments = drawn(face_model.mean, face_model.triangles)
    place = interpolate(places_on_map(face_model)[None], face_model.triangles, fragments)
    inside = ((place > 0) & (place < ANY_SIZE)).all(dim=-1)
    reference = avg_pool2d(inside[:, None].float(), SAMPLES)[:, 0] >= 0.5

    assert torch.equal(visible_skin_mask(face_model, face_model.triangles, fragments, SAMPLES), reference)
    assert reference.flatten(1).sum(dim=1)[:3].min() > 300
    assert reference[3].sum() < 0.05 * reference[0].sum()  # from behind


def test_what_belongs_to_the_face(face_model: MorphableModel) -> None:
    place = places_on_map(face_model)
    inside = ((place > 0) & (place < ANY_SIZE)).all(dim=-1)
    landmarks = face_model.landmarks

    assert inside[landmarks].all()
    _, y, z = face_model.mean.unbind(1)
    iris = face_model.regions["irises"] > 0.9
    assert inside[iris & (z > 80)].all()
    for left_out in ("ears", "cavities", "tongue"):
        assert not inside[face_model.regions[left_out] > 0.5].any()
    assert not inside[z < -1].any()  # the back of the head
    brows = [*LANDMARK_GROUPS["right_brow"], *LANDMARK_GROUPS["left_brow"]]
    assert not inside[y > y[landmarks[brows]].max() + 46].any()
    assert not inside[y < y[landmarks[8]] - 26].any()


@pytest.mark.parametrize("size", [64, 256])
def test_the_region_is_that_of_the_position_map(face_model: MorphableModel, size: int) -> None:
    """Unrolled like the map, the mean face shows the face in the map's own texels."""
    layout = face_layout(face_model, size)
    radius = face_model.mean[:, [0, 2]].norm(dim=1)
    screen = torch.cat((layout.place, -radius[:, None]), dim=1)[None]
    kept = places_on_map(face_model).isfinite().all(dim=1)
    triangles = face_model.triangles[kept[face_model.triangles].all(dim=1)]
    seen = visible_skin_mask(face_model, triangles, rasterize(screen, triangles, size, size, perspective=False), 1)[0]

    assert torch.equal(seen, layout.mask)


def test_worn_surfaces_are_not_the_face(face_model: MorphableModel) -> None:
    wall = torch.tensor([[-300.0, -300, 150], [300, -300, 150], [0, 0, 150], [0, 0, -150]])
    points = torch.cat((face_model.mean, wall))
    first = len(face_model.mean)
    before_mouth = torch.cat((face_model.triangles, torch.tensor([[first, first + 1, first + 2]])))
    bare = visible_skin_mask(face_model, face_model.triangles, drawn(face_model.mean, face_model.triangles), SAMPLES)
    seen = visible_skin_mask(face_model, before_mouth, drawn(points, before_mouth), SAMPLES)

    assert not seen[0, SIZE // 2 + 2 :, SIZE // 2 - 1 : SIZE // 2 + 1].any()  # below y = 0 the triangle is in front
    assert bare[0, SIZE // 2 + 2 :, SIZE // 2 - 1 : SIZE // 2 + 1].any()
    assert torch.equal(seen[0, : SIZE // 2], bare[0, : SIZE // 2])
