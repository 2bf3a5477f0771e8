"""Heads in whole depth frames: found without learning, within some millimetres, and refused where there is none."""

from __future__ import annotations

import pytest
import torch
from made_depth import PLACE, POSE, SCENE, whole_frame

from facelib.errors import BadInput, DegenerateInput
from facelib.faces.baking import load_face_model
from facelib.faces.head_finding import FoundHead, find_head, head_at
from facelib.faces.skin_surface import SkinSurface, skin_surface
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture
def surface() -> SkinSurface:
    return skin_surface(load_face_model("coarse"))


def off(found: FoundHead, pose: tuple[float, ...], place: tuple[float, ...]) -> tuple[float, float]:
    """mm and degrees."""
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor([pose])).unbind(1))
    angle = geodesic_distance(found.rotation[None], turn).rad2deg()
    return float((found.middle - torch.tensor(place)).norm()), float(angle)


@pytest.mark.parametrize(
    ("pose", "place", "seed"), [(POSE, PLACE, 3), ((-55.0, 10.0, -10.0), (-90.0, 40.0, 1050.0), 5)]
)
def test_a_person_is_found(
    surface: SkinSurface, pose: tuple[float, float, float], place: tuple[float, float, float], seed: int
) -> None:
    found = find_head(whole_frame(pose, place, seed), SCENE.camera, surface)
    millimetres, degrees = off(found, pose, place)
    assert millimetres < 15
    assert degrees < 12
    assert found.agreement > 0.5
    assert found.cut == 0


def test_a_room_without_anybody(surface: SkinSurface) -> None:
    with pytest.raises(DegenerateInput, match=r"no face was found: at best .* % of one agrees with the frame"):
        find_head(whole_frame(None), SCENE.camera, surface)


def test_a_wall_and_a_ball_are_no_face(surface: SkinSurface) -> None:
    with pytest.raises(DegenerateInput, match="no face was found"):
        find_head(torch.full((480, 640), 900.0), SCENE.camera, surface)
    v, u = torch.meshgrid(torch.arange(480.0) - 240, torch.arange(640.0) - 320, indexing="ij")
    inside = 90.0**2 - (u**2 + v**2) * (900 / 575.8) ** 2
    ball = torch.where(inside > 0, 900 - inside.clamp(min=0).sqrt(), torch.tensor(2500.0))
    with pytest.raises(DegenerateInput, match="no face was found"):
        find_head(ball, SCENE.camera, surface)


def test_a_face_cut_by_the_border(surface: SkinSurface) -> None:
    """The frame ends within the chin, or below the nose, where there is too little for a face to be told."""
    frame = whole_frame()
    row = int(240 + 575.8 * (PLACE[1] + 50) / PLACE[2])
    with pytest.raises(DegenerateInput, match=r"the face is cut by the border: [12]\d % of it lies outside"):
        find_head(frame[:row], SCENE.camera, surface)
    with pytest.raises(DegenerateInput, match="a face has to be whole in view"):
        find_head(frame[: row - 25], SCENE.camera, surface)


def test_a_nose_that_is_given(surface: SkinSurface) -> None:
    u, v, _ = SCENE.camera.project(torch.tensor([[[PLACE[0], PLACE[1], PLACE[2] - 110]]]))[0, 0].tolist()
    found = head_at(whole_frame(), SCENE.camera, surface, u, v)
    millimetres, degrees = off(found, POSE, PLACE)
    assert millimetres < 15
    assert degrees < 12
    with pytest.raises(BadInput, match="pixel 700, 20 lies outside the frame of 640 x 480 pixels"):
        head_at(whole_frame(), SCENE.camera, surface, 700, 20)
    holes = whole_frame().clone()
    holes[int(v), int(u)] = 0
    with pytest.raises(BadInput, match="is a hole: choose one beside it"):
        head_at(holes, SCENE.camera, surface, u, v)
    alone = torch.zeros(480, 640)
    alone[240, 320] = 800.0
    with pytest.raises(DegenerateInput, match="hardly anything is seen around pixel 320, 240"):
        head_at(alone, SCENE.camera, surface, 320, 240)
