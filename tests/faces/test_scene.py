"""The photographer: image, depth, mask, landmarks, camera and light must tell one story."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from facelib.errors import BadInput, UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scene import BACKDROP, BACKGROUNDS, GAMMA, Rendering, SceneSettings, render
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.lighting import ambient_and_directional
from facelib.geometry.rotations import euler_to_matrix

SETTINGS = SceneSettings(image_size=48)
POSES = torch.tensor([[0.0, 0.0, 0.0], [0.6, -0.2, 0.1], [-1.4, 0.1, 0.0], [3.1, 0.0, 0.0]])  # the last from behind
CAMERAS = ("perspective", "weak_perspective")
CLEAN = {"noise": 0.0, "blur": 0.0, "crop_jitter": 0.0, "light_variation": 0.0, "exposure": 0.0, "white_balance": 0.0}


@pytest.fixture(scope="module")
def heads(face_model: MorphableModel) -> tuple[torch.Tensor, torch.Tensor]:
    people = sample_people(face_model, len(POSES), seed=0)
    return face_model.vertices(people.identity), face_model.albedo(people.texture)


@pytest.fixture
def photograph(face_model: MorphableModel, heads: tuple[torch.Tensor, torch.Tensor]):  # type: ignore[no-untyped-def]
    def take(pose: torch.Tensor = POSES, seed: int = 0, **changes: Any) -> Rendering:
        vertices, albedo = (part[: len(pose)] for part in heads)
        generator = torch.Generator().manual_seed(seed)
        return render(face_model, vertices, albedo, pose, replace(SETTINGS, **changes), generator)

    return take


def test_shapes_and_ranges(photograph) -> None:  # type: ignore[no-untyped-def]
    for background in BACKGROUNDS:
        rendering = photograph(background=background, light_variation=1.0)
        assert rendering.image.shape == (4, 3, 48, 48)
        assert rendering.image.dtype == torch.float32
        assert rendering.depth.shape == rendering.mask.shape == rendering.skin.shape == (4, 48, 48)
        assert (rendering.skin <= rendering.mask).all()
        assert rendering.landmarks.shape == (4, 68, 2)
        assert rendering.landmark_visible.shape == (4, 68)
        assert rendering.light.shape == (4, 9, 3)
        assert rendering.center.shape == (4, 2)
        assert rendering.image.isfinite().all()
        assert rendering.image.min() >= 0
        assert rendering.image.max() <= 1
        assert rendering.image.std() > 0.05


def test_one_head_is_a_batch(photograph) -> None:  # type: ignore[no-untyped-def]
    assert photograph(POSES[:1]).image.shape == (1, 3, 48, 48)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"background": "plane"}, "did you mean 'plain'"),
        ({"camera": "weak-perspective"}, "did you mean 'weak_perspective'"),
    ],
)
def test_unknown_names(photograph, changes: dict[str, str], message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownName, match=message):
        photograph(**changes)


@pytest.mark.parametrize("changes", [{"image_size": 4}, {"supersample": 0}])
def test_impossible_sizes(photograph, changes: dict[str, int]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match="image_size"):
        photograph(**changes)


@pytest.mark.parametrize("wrong", ["vertices", "albedo", "pose", "nan vertices", "nan pose", "empty", "light"])
def test_bad_input(face_model: MorphableModel, heads: tuple[torch.Tensor, torch.Tensor], wrong: str) -> None:
    vertices, albedo, pose = *heads, POSES.clone()
    light = torch.zeros(len(pose), 9) if wrong == "light" else None
    if wrong == "vertices":
        vertices = vertices[:, :-1]
    elif wrong == "albedo":
        albedo = albedo[:1]
    elif wrong == "pose":
        pose = pose[:, :2]
    elif wrong == "nan vertices":
        vertices = vertices.clone()
        vertices[1, 7, 2] = float("nan")
    elif wrong == "nan pose":
        pose[2, 0] = float("nan")
    elif wrong == "empty":
        vertices, albedo, pose = vertices[:0], albedo[:0], pose[:0]
    with pytest.raises(BadInput):
        render(face_model, vertices, albedo, pose, SETTINGS, torch.Generator(), light=light)


def test_same_seed_same_picture(photograph) -> None:  # type: ignore[no-untyped-def]
    first, again, other = photograph(seed=3), photograph(seed=3), photograph(seed=4)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.landmarks, again.landmarks)
    assert not torch.equal(first.image, other.image)
    assert not torch.equal(first.landmarks, other.landmarks)


@pytest.mark.parametrize("camera", CAMERAS)
def test_landmarks_reproject(  # type: ignore[no-untyped-def]
    photograph, face_model: MorphableModel, heads: tuple[torch.Tensor, torch.Tensor], camera: str
) -> None:
    rendering = photograph(camera=camera)
    translation = torch.stack([torch.zeros(4), torch.zeros(4), rendering.distance], dim=1)
    in_camera = face_to_camera(heads[0][:, face_model.landmarks], rendering.rotation, translation)
    kind = PerspectiveCamera if camera == "perspective" else WeakPerspectiveCamera
    screen = kind(rendering.focal, rendering.center[:, 0], rendering.center[:, 1]).project(in_camera)
    assert (screen[..., :2] - rendering.landmarks).abs().max() < 1e-3  # pixels


@pytest.mark.parametrize("camera", CAMERAS)
def test_crop_follows_the_landmarks(photograph, camera: str) -> None:  # type: ignore[no-untyped-def]
    landmarks = photograph(camera=camera, crop=1.5, crop_jitter=0.0).landmarks
    low, high = landmarks.amin(dim=1), landmarks.amax(dim=1)
    torch.testing.assert_close((low + high) / 2, torch.full((4, 2), 24.0), atol=1e-2, rtol=0)
    torch.testing.assert_close((high - low).amax(dim=1), torch.full((4,), 48 / 1.5), atol=1e-2, rtol=0)


def test_pose_and_angle(photograph) -> None:  # type: ignore[no-untyped-def]
    rendering = photograph()
    torch.testing.assert_close(rendering.rotation, euler_to_matrix(*POSES.unbind(1)))
    cosine = POSES[:, 0].cos() * POSES[:, 1].cos()
    torch.testing.assert_close(rendering.angle.cos(), cosine)
    assert rendering.angle[2] > rendering.angle[1] > rendering.angle[0] == 0


def test_yaw_turns_the_nose_to_the_right_of_the_image(photograph) -> None:  # type: ignore[no-untyped-def]
    left, right = photograph(torch.tensor([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]), crop_jitter=0.0).landmarks[:, 30, 0]
    assert left > 26
    assert right < 22


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_is_there_where_the_mask_is(photograph, camera: str) -> None:  # type: ignore[no-untyped-def]
    rendering = photograph(camera=camera)
    assert torch.equal(rendering.depth > 0, rendering.mask)
    assert 0.3 < rendering.mask.float().mean() < 0.95
    off = (rendering.depth - rendering.distance[:, None, None])[rendering.mask]
    assert off.abs().max() < 200  # mm
    assert off.min() < -80  # the nose lies well before the middle of the head


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_of_the_nose(  # type: ignore[no-untyped-def]
    photograph, face_model: MorphableModel, heads: tuple[torch.Tensor, torch.Tensor], camera: str
) -> None:
    rendering = photograph(torch.zeros(2, 3), image_size=256, camera=camera)
    tip = heads[0][:2, face_model.landmarks[30]]
    column, row = rendering.landmarks[:, 30].floor().long().unbind(1)
    found = rendering.depth[torch.arange(2), row, column]
    assert (found - (rendering.distance - tip[:, 2])).abs().max() < 1.5  # mm


def test_mask_holds_the_visible_landmarks(photograph) -> None:  # type: ignore[no-untyped-def]
    rendering = photograph(POSES[:2])
    inner = rendering.landmarks[:, 17:].floor().long()
    on_mask = rendering.mask[torch.arange(2)[:, None], inner[..., 1], inner[..., 0]]
    assert rendering.landmark_visible[:, 17:].float().mean() > 0.9
    assert on_mask[rendering.landmark_visible[:, 17:]].float().mean() > 0.97


def test_removed_background_is_black_off_the_mask(photograph) -> None:  # type: ignore[no-untyped-def]
    rendering = photograph(noise=0.05, blur=1.0)
    off = ~rendering.mask[:, None].expand(-1, 3, -1, -1)
    assert (rendering.image[off] == 0).all()
    assert (rendering.image[~off] > 0).float().mean() > 0.95


def test_plain_background_is_one_colour(photograph) -> None:  # type: ignore[no-untyped-def]
    images = photograph(background="plain", crop=2.5, **CLEAN).image
    corners = images[:, :, [0, 0], [0, -1]]  # both upper corners
    torch.testing.assert_close(corners[..., 0], corners[..., 1])
    assert corners[..., 0].std(dim=0).min() > 0.01  # another one in each picture


def test_the_backdrop_is_the_same_in_every_photograph(photograph) -> None:  # type: ignore[no-untyped-def]
    images = photograph(background="backdrop", crop=2.5, **CLEAN | {"exposure": 1.0}).image
    corners = images[:, :, [0, 0], [0, -1]]  # both upper corners
    expected = torch.tensor(BACKDROP).view(1, 3, 1) ** (1 / GAMMA)
    torch.testing.assert_close(corners, expected.expand_as(corners))


def test_visible_landmarks(photograph) -> None:  # type: ignore[no-untyped-def]
    frontal, to_left, to_right, behind = photograph(
        torch.tensor([[0.0, 0.0, 0.0], [1.4, 0.0, 0.0], [-1.4, 0.0, 0.0], [3.1, 0.0, 0.0]]), image_size=64
    ).landmark_visible
    assert frontal[17:].all()
    # The nose points to the subject's left: the right eye is near, though the nose's bridge may hide its inner corner.
    assert to_left[[36, 37, 41]].all()
    assert not to_left[42:48].any()
    assert to_right[[44, 45, 46]].all()
    assert not to_right[36:42].any()
    assert not behind[17:].any()


def test_landmarks_out_of_the_picture_are_not_visible(photograph) -> None:  # type: ignore[no-untyped-def]
    rendering = photograph(POSES[:1], crop=0.5, crop_jitter=0.0)
    outside = ((rendering.landmarks < 0) | (rendering.landmarks >= 48)).any(dim=-1)
    assert outside.any()
    assert not rendering.landmark_visible[outside].any()


def test_more_samples_smooth_the_edge_only(photograph) -> None:  # type: ignore[no-untyped-def]
    coarse, fine = (photograph(supersample=samples, **CLEAN) for samples in (1, 3))
    torch.testing.assert_close(coarse.landmarks, fine.landmarks)
    assert (coarse.mask == fine.mask).float().mean() > 0.98
    assert (coarse.image - fine.image).abs().mean() < 0.02


def test_weak_perspective_ignores_the_distance(photograph) -> None:  # type: ignore[no-untyped-def]
    pictures = {
        camera: [photograph(camera=camera, distance=(d, d), **CLEAN).landmarks for d in (500.0, 1500.0)]
        for camera in CAMERAS
    }
    near, far = pictures["weak_perspective"]
    torch.testing.assert_close(near, far)
    near, far = pictures["perspective"]
    assert (near - far).abs().max() > 1.0  # a near camera swells the nose


def test_light_from_the_left_brightens_the_left(face_model: MorphableModel, heads) -> None:  # type: ignore[no-untyped-def]
    lamp = ambient_and_directional(torch.full((3,), 0.2), torch.tensor([1.0, 0.0, 0.3]), 0.8, torch.ones(3))
    frontal, drawn = torch.zeros(1, 3), torch.Generator().manual_seed(0)
    settings = replace(SETTINGS, **CLEAN)
    image = render(face_model, heads[0][:1], heads[1][:1], frontal, settings, drawn, light=lamp[None]).image[0]
    assert image[:, 20:30, 28:38].mean() > 1.3 * image[:, 20:30, 10:20].mean()  # the subject's left is on our right


def test_metering_evens_out_light_and_dark_heads(photograph, face_model: MorphableModel, heads) -> None:  # type: ignore[no-untyped-def]
    albedo = torch.stack([torch.full_like(heads[1][0], value) for value in (0.1, 0.4)])

    def brightness(metering: float) -> torch.Tensor:
        settings = replace(SETTINGS, **CLEAN, metering=metering)
        vertices, pose = heads[0][:1].expand(2, -1, -1), torch.zeros(2, 3)
        rendering = render(face_model, vertices, albedo, pose, settings, torch.Generator().manual_seed(0))
        return (rendering.image**GAMMA).mean(dim=(1, 2, 3))

    dark, light = brightness(0.0)
    assert light / dark == pytest.approx(4.0, rel=0.1)
    dark, light = brightness(1.0)
    assert light / dark == pytest.approx(1.0, rel=0.05)


def test_highlights_add_light_where_the_skin_mirrors_the_lamp(face_model: MorphableModel, heads) -> None:  # type: ignore[no-untyped-def]
    def radiance(shine: float) -> torch.Tensor:
        settings = replace(SETTINGS, **CLEAN, metering=0.0)
        vertices, pose, generator = heads[0][:1], torch.zeros(1, 3), torch.Generator().manual_seed(3)
        black = torch.zeros_like(vertices)  # nothing but what is mirrored
        return render(face_model, vertices, black, pose, settings, generator, shine=shine).image[0, 0] ** GAMMA

    assert radiance(0.0).max() == 0
    once, twice = radiance(0.1), radiance(0.2)
    torch.testing.assert_close(twice, 2 * once, atol=1e-5, rtol=1e-3)
    assert once[8:24].max() > 3 * once[24:].mean()  # the lamp is in front and a little above: forehead and nose
