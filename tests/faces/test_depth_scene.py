"""Depth frames of people: clean ones hold the mesh, those of the sensor the same head behind its faults."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facelib.data.depth_faces import DepthFrames
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.depth_scene import (
    DepthSceneSettings,
    Frames,
    body_of,
    clean_frames,
    room_behind,
    sensed_frames,
)
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.sensors import StructuredLight
from facelib.geometry.camera import face_to_camera
from facelib.geometry.depth_view import FACE_VIEW
from facelib.geometry.rotations import euler_to_matrix

CLEAN = DepthSceneSettings(image_size=96, crop_jitter=4.0)
# Nothing is random, and depth is fine: what is left is geometry.
STILL = replace(
    StructuredLight(axial=(0.0, 0.0, 0.0), axial_tilt=0.0, outline_holes=0.0, hair_holes=0.0, dropped=0.0),
    lateral=0.0, lateral_tilt=0.0,
)  # fmt: skip
SENSED = replace(CLEAN, sensor=StructuredLight())
POSE = torch.deg2rad(torch.tensor([[0.0, 0.0, 0.0], [40.0, 10.0, -5.0], [-70.0, -20.0, 8.0]]))
PLACE = torch.tensor([[0.0, 0.0, 900.0], [50.0, -20.0, 800.0], [-40.0, 30.0, 1050.0]])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def heads(model: MorphableModel) -> torch.Tensor:
    return model.mean.expand(3, -1, -1)


def dressed(model: MorphableModel, scene: DepthSceneSettings, seed: int = 0, place: torch.Tensor = PLACE) -> Frames:
    body, room = body_of(model, heads(model), POSE, generator(seed)), room_behind(scene, generator(seed))
    return sensed_frames(model, heads(model), POSE, place, body, room, scene, generator(seed))


def test_the_depth_of_a_clean_frame_is_that_of_the_mesh(face_model: MorphableModel) -> None:
    """Where a front vertex falls on a pixel, the pixel's depth is its own, up to the slope within the pixel."""
    frames = clean_frames(face_model, heads(face_model), POSE, PLACE, CLEAN, generator())
    assert frames.depth.shape == (3, 96, 96)
    in_camera = face_to_camera(heads(face_model), euler_to_matrix(*POSE.unbind(1)), PLACE)
    screen = frames.camera.project(in_camera)
    for depth, points in zip(frames.depth, screen, strict=True):
        column, row = points[:, :2].floor().long().clamp(0, 95).unbind(1)
        off = points[:, 2] - depth[row, column]
        front = (depth[row, column] > 0) & (off < 8)
        assert front.sum() > 1000
        assert off[front].abs().median() < 1.0
        behind = off[depth[row, column] > 0] < -8  # what is drawn behind a vertex that hides it, but at steep flanks
        assert behind.float().mean() < 0.02


def test_a_crop_is_as_wide_as_said_and_about_the_head(face_model: MorphableModel) -> None:
    still = replace(CLEAN, crop_jitter=0.0)
    camera = clean_frames(face_model, heads(face_model), POSE, PLACE, still, generator()).camera
    screen = camera.project(PLACE[:, None] + torch.tensor([[-150.0, 0, 0], [0, 0, 0], [0, 150.0, 0]]))
    torch.testing.assert_close(screen[:, 0, 0], torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(screen[:, 1, :2], torch.full((3, 2), 48.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(screen[:, 2, 1], torch.full((3,), 96.0), atol=1e-3, rtol=0)


def test_a_sensor_without_faults_sees_the_head_where_it_is(face_model: MorphableModel) -> None:
    """Bare heads: the same crops as clean ones, where the sensor has a depth that is not the room's."""
    scene = replace(CLEAN, sensor=STILL)
    clean = clean_frames(face_model, heads(face_model), POSE, PLACE, CLEAN, generator(4))
    room = room_behind(scene, generator(1))
    found = sensed_frames(face_model, heads(face_model), POSE, PLACE, None, room, scene, generator(4))
    torch.testing.assert_close(found.camera.project(PLACE[:, None]), clean.camera.project(PLACE[:, None]))
    both = (clean.depth > 0) & (found.depth > 0) & (found.depth < 1300)
    assert (both.sum(dim=(1, 2)) > 0.75 * (clean.depth > 0).sum(dim=(1, 2))).all()  # the rest is shadow and flanks
    off = (found.depth - clean.depth)[both].abs()
    assert off.median() < 2.0  # a level's half, and half a pixel aside
    assert off.quantile(0.9) < 6.0


def test_the_view_of_a_face_ends_behind_it(face_model: MorphableModel) -> None:
    """The cube of 180 mm about a point 100 mm before the head's place: all 68 landmarks, and no back of the head."""
    scene = replace(CLEAN, crop_jitter=0.0, **FACE_VIEW._asdict())
    frames = clean_frames(face_model, heads(face_model)[:1], 0 * POSE[:1], PLACE[:1], scene, generator())
    middle = DepthFrames.seen_by(frames.depth, frames.camera).middles(FACE_VIEW.reach)
    torch.testing.assert_close(middle, PLACE[:1] - torch.tensor([0.0, 0.0, FACE_VIEW.before]), atol=1e-2, rtol=0)
    turned = face_to_camera(heads(face_model)[:1], euler_to_matrix(*(0 * POSE[:1]).unbind(1)), PLACE[:1]) - middle
    inside = (turned.abs() <= FACE_VIEW.reach / 2).all(dim=2)[0]
    assert inside[face_model.landmarks].all()
    ears_and_back = face_model.mean[:, 2] < FACE_VIEW.before - FACE_VIEW.reach / 2
    assert not inside[ears_and_back].any()


def test_before_a_sensor_there_is_a_room_hair_and_a_body(face_model: MorphableModel) -> None:
    found = dressed(face_model, SENSED)
    clean = clean_frames(face_model, heads(face_model), POSE, PLACE, CLEAN, generator())
    beyond = found.depth > 1400
    beside = (found.depth > 0) & (found.depth < 1300) & (clean.depth == 0)
    assert (beyond.float().mean(dim=(1, 2)) > 0.05).all()
    assert (beside.float().mean(dim=(1, 2)) > 0.02).all()
    assert ((found.depth == 0).float().mean(dim=(1, 2)) > 0.03).all()


def test_a_person_keeps_hair_and_build(face_model: MorphableModel) -> None:
    body = body_of(face_model, heads(face_model), POSE, generator())
    hair = body.surface.triangles[body.hair].unique()
    torch.testing.assert_close(body.surface.vertices[0, hair], body.surface.vertices[2, hair])
    assert 0.1 < body.hair.float().mean() < 0.9


def test_rooms_lie_behind_people_and_differ(face_model: MorphableModel) -> None:
    rooms = torch.stack([room_behind(SENSED, generator(seed)) for seed in range(20)])
    assert rooms.shape == (20, 480, 640)
    assert rooms.min() >= 1400  # nothing hides a face
    assert rooms.max() < 6500
    assert (rooms.flatten(1).std(dim=1) > 50).all()
    assert rooms.mean(dim=(1, 2)).std() > 200


def test_a_head_cut_by_the_border_is_drawn_and_one_out_of_view_is_refused(face_model: MorphableModel) -> None:
    edge = PLACE.clone()
    edge[:, 0] = -0.5 * edge[:, 2]  # at column 32 of the sensor
    found = dressed(face_model, replace(SENSED, crop_jitter=0.0), place=edge)
    assert (found.depth[:, :, :20] == 0).all()
    assert (found.depth[:, :, 50:] > 0).any()
    with pytest.raises(DegenerateInput, match=r"outside the 2.. x .* image: the face is cut by its border"):
        dressed(face_model, SENSED, place=edge - torch.tensor([500.0, 0, 0]))


def test_bad_input_is_refused(face_model: MorphableModel) -> None:
    with pytest.raises(BadInput, match=r"scene.sensor is None"):
        dressed(face_model, CLEAN)
    with pytest.raises(BadInput, match="pose"):
        clean_frames(face_model, heads(face_model), POSE[:1], PLACE, CLEAN, generator())
    room = torch.ones(4, 4)
    with pytest.raises(BadInput, match="room"):
        sensed_frames(face_model, heads(face_model), POSE, PLACE, None, room, SENSED, generator())
    for changes in ({"image_size": 0}, {"reach": -1.0}, {"crop_jitter": float("nan")}):
        with pytest.raises(BadInput, match="expected at least one pixel"):
            replace(CLEAN, **changes)
