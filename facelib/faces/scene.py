"""From heads to images: camera and crop, light, background, blur and noise.

The crop follows the face as a face detector's does: a square around the 68 projected landmarks, hidden ones
included. It is built into the camera, so images, landmarks and intrinsics agree without bootstrap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from facelib.errors import BadInput, check_finite, check_shape, unknown_name
from facelib.faces.lights import highlights, sample_light
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.surfaces import Surface, join
from facelib.faces.visible_skin_mask import visible_skin_mask
from facelib.geometry.camera import PerspectiveCamera, WeakPerspectiveCamera, face_to_camera
from facelib.geometry.lighting import shade
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import angle_from_frontal, euler_to_matrix
from facelib.geometry.supersampling import average_samples

GAMMA = 2.2  # images are encoded as screens and cameras do; albedo and light are linear
BACKGROUNDS = ("removed", "plain", "backdrop", "structured")
BACKDROP = (0.30, 0.32, 0.35)  # linear RGB
HEAD_BRIGHTNESS = 0.22  # linear, what the camera's metering aims at
LANDMARK_TOLERANCE = 6.0  # mm a landmark may lie behind the surface and still count as visible


@dataclass(frozen=True)
class SceneSettings:
    """How heads are photographed.

    Args:
        image_size: height and width in pixels.
        supersample: samples a pixel along each axis.
        camera: "perspective", or "weak_perspective" (scaled orthographic).
        distance: range of distances from the camera in mm (perspective only).
        crop: side of the crop over the larger side of the landmarks' box.
        crop_jitter: standard deviation of the crop's shift and log size.
        light_variation: 0 (one frontal light for all) to 1 (any direction, strength and tint).
        background: "removed" (black), "plain" (one colour in each photograph), "backdrop" (a studio's grey, the same in
            all) or "structured".
        metering: how far the camera's exposure follows the head's brightness, 0 (not) to 1 (all heads equally bright).
        exposure: standard deviation of the exposure's error, in stops.
        white_balance: standard deviation of each channel's log gain. Metering and white balance keep a person's skin
            tone from being readable off the average colour, as they do in real cameras.
        noise: largest standard deviation of sensor noise, in [0, 1] units.
        blur: largest standard deviation of the optical blur, in pixels.
    """

    image_size: int = 64
    supersample: int = 2
    camera: Literal["perspective", "weak_perspective"] = "perspective"
    distance: tuple[float, float] = (700.0, 1600.0)
    crop: float = 1.3
    crop_jitter: float = 0.02
    light_variation: float = 0.7
    background: Literal["removed", "plain", "backdrop", "structured"] = "removed"
    metering: float = 0.5
    exposure: float = 0.25
    white_balance: float = 0.04
    noise: float = 0.01
    blur: float = 0.5


@dataclass(frozen=True)
class Rendering:
    """B images and what is known of them.

    Args:
        image: (B, 3, H, W) encoded RGB in [0, 1].
        depth: (B, H, W) distance along the camera's axis in mm, 0 where there is no face.
        mask: (B, H, W) bool, at least half of the pixel shows the head or what it wears.
        skin: (B, H, W) bool, at least half of the pixel shows the face (`visible_skin_mask`), with nothing before it.
        landmarks: (B, 68, 2) pixels, and landmark_visible (B, 68) bool.
        rotation: (B, 3, 3) head rotation in the face frame.
        angle: (B,) angle from frontal, radians.
        light: (B, 9, 3) harmonics in the frame of a frontal face.
        focal: (B,) focal length in pixels (perspective) or scale in pixels per mm (weak perspective).
        center: (B, 2) principal point in pixels.
        distance: (B,) of the face frame's origin from the camera, mm.
    """

    image: torch.Tensor
    depth: torch.Tensor
    mask: torch.Tensor
    skin: torch.Tensor
    landmarks: torch.Tensor
    landmark_visible: torch.Tensor
    rotation: torch.Tensor
    angle: torch.Tensor
    light: torch.Tensor
    focal: torch.Tensor
    center: torch.Tensor
    distance: torch.Tensor


def render(
    model: MorphableModel,
    vertices: torch.Tensor,
    albedo: torch.Tensor,
    pose: torch.Tensor,
    settings: SceneSettings,
    generator: torch.Generator,
    occluders: Surface | None = None,
    shine: float = 0.0,
    light: torch.Tensor | None = None,
) -> Rendering:
    """Photograph heads; distance, crop, background, blur, noise, and a light that is not given, are drawn.

    Args:
        model: the face model, for its triangles and landmarks.
        vertices: (B, V, 3) mm, face frame.
        albedo: (B, V, 3) linear RGB.
        pose: (B, 3) yaw, pitch, roll in radians.
        settings: of the scene.
        generator: of all randomness.
        occluders: one surface a head.
        shine: largest strength of highlights, over that of the lamp; 0 for matt faces.
        light: (B, 9, 3) harmonics in the frame of a frontal face; None for `sample_light`'s.

    Raises:
        BadInput: on wrong shapes or non-finite vertices or angles.
        UnknownName: on an unknown camera or background.
    """
    _check(settings)
    batch = len(vertices)
    check_shape("vertices", vertices, (None, len(model.mean), 3))
    check_shape("albedo", albedo, (batch, len(model.mean), 3))
    check_shape("pose", pose, (batch, 3))
    check_finite("the sum of each head's vertices", vertices.sum(dim=(1, 2)))  # ten times cheaper than each by itself
    check_finite("pose", pose)
    if light is not None:
        check_shape("light", light, (batch, 9, 3))
        check_finite("light", light)
    rotation = euler_to_matrix(*pose.unbind(1))
    distance = _uniform(batch, *settings.distance, generator)
    translation = torch.stack((torch.zeros(batch), torch.zeros(batch), distance), dim=1)
    triangles = model.triangles
    if occluders is not None:
        shown = join(Surface(vertices, albedo, triangles), occluders)  # the head's vertices keep their numbers
        vertices, albedo, triangles = shown.vertices, shown.albedo, shown.triangles
    in_camera = face_to_camera(vertices, rotation, translation)
    camera = _frame(in_camera[:, model.landmarks], settings, generator)
    screen = camera.project(in_camera)

    size, samples = settings.image_size, settings.supersample
    enlarged = screen * torch.tensor([samples, samples, 1.0])
    fragments = rasterize(
        enlarged, triangles, size * samples, size * samples, perspective=camera.perspective, cull_back_faces=True
    )
    if light is None:
        light = sample_light(batch, settings.light_variation, generator)
    normals = vertex_normals(vertices, triangles) @ rotation.transpose(1, 2)
    radiance = shade(albedo, normals, light).clamp(min=0)
    if shine > 0:
        radiance = radiance + highlights(normals, light, shine, generator)
    pixels = average_samples(radiance, triangles, fragments, samples)
    image = _develop(pixels.value, pixels.cover[:, None], settings, generator)

    landmarks = screen[:, model.landmarks]
    # Occluders lie nearer than the tolerance of a landmark: where there is nothing else, all landmarks are hidden.
    head_depth = fragments.depth.where(fragments.triangle < len(model.triangles), -torch.inf)
    scale, center_u, center_v = _camera_numbers(camera)
    mask = pixels.cover >= 0.5
    return Rendering(
        image=image,
        depth=torch.where(mask, pixels.depth, 0.0),
        mask=mask,
        skin=visible_skin_mask(model, triangles, fragments, samples),
        landmarks=landmarks[..., :2],
        landmark_visible=_visible(landmarks, head_depth, samples),
        rotation=rotation,
        angle=angle_from_frontal(rotation),
        light=light,
        focal=scale,
        center=torch.stack((center_u, center_v), dim=1),
        distance=distance,
    )


def _check(settings: SceneSettings) -> None:
    if settings.background not in BACKGROUNDS:
        raise unknown_name("background", settings.background, BACKGROUNDS)
    if settings.camera not in ("perspective", "weak_perspective"):
        raise unknown_name("camera", settings.camera, ("perspective", "weak_perspective"))
    if settings.image_size < 8 or settings.supersample < 1:
        raise BadInput(f"image_size {settings.image_size} and supersample {settings.supersample}: expected 8 and 1 up")


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _frame(
    landmarks: torch.Tensor, settings: SceneSettings, generator: torch.Generator
) -> PerspectiveCamera | WeakPerspectiveCamera:
    """The camera whose image is the crop around the landmarks (B, 68, 3), given in the camera frame."""
    flat = landmarks[..., :2] / landmarks[..., 2:] if settings.camera == "perspective" else landmarks[..., :2]
    low, high = flat.amin(dim=1), flat.amax(dim=1)
    jitter = settings.crop_jitter * torch.randn(len(flat), 3, generator=generator)
    side = (high - low).amax(dim=1) * settings.crop * torch.exp(jitter[:, 2])
    middle = (low + high) / 2 + side[:, None] * jitter[:, :2]
    scale = settings.image_size / side
    center = settings.image_size / 2 - scale[:, None] * middle
    kind = PerspectiveCamera if settings.camera == "perspective" else WeakPerspectiveCamera
    return kind(scale, center[:, 0], center[:, 1])


def _camera_numbers(camera: PerspectiveCamera | WeakPerspectiveCamera) -> tuple[torch.Tensor, ...]:
    scale = camera.focal if isinstance(camera, PerspectiveCamera) else camera.scale
    return tuple(torch.as_tensor(number) for number in (scale, camera.center_u, camera.center_v))


def _develop(
    radiance: torch.Tensor, cover: torch.Tensor, settings: SceneSettings, generator: torch.Generator
) -> torch.Tensor:
    """The camera after its lens: exposure, background, blur, encoding and noise.

    Args:
        radiance: (B, 3, H, W) linear light of the heads, zero elsewhere.
        cover: (B, 1, H, W) share of each pixel that shows the head.
    """
    batch = len(radiance)
    brightness = radiance.mean(dim=1).sum(dim=(1, 2)) / cover.sum(dim=(1, 2, 3)).clamp(min=1)
    metered = (HEAD_BRIGHTNESS / brightness.clamp(min=1e-3)) ** settings.metering
    gain = metered * torch.exp2(settings.exposure * torch.randn(batch, generator=generator))
    balance = torch.exp(settings.white_balance * torch.randn(batch, 3, generator=generator))
    image = radiance * (gain[:, None] * balance)[:, :, None, None]
    image = image + (1 - cover) * _draw_background(batch, settings, generator)
    image = _blur(image, _uniform(batch, 0.0, settings.blur, generator)) if settings.blur > 0 else image
    image = image.clamp(0, 1) ** (1 / GAMMA)
    noise = _uniform(batch, 0.0, settings.noise, generator)[:, None, None, None]
    image = (image + noise * torch.randn(image.shape, generator=generator)).clamp(0, 1)
    return image * (cover >= 0.5) if settings.background == "removed" else image


def _draw_background(count: int, settings: SceneSettings, generator: torch.Generator) -> torch.Tensor:
    """Linear RGB (B, 3, H, W)."""
    size = settings.image_size
    if settings.background == "removed":
        return torch.zeros(count, 3, size, size)
    if settings.background == "backdrop":
        return torch.tensor(BACKDROP).view(1, 3, 1, 1).expand(count, -1, size, size)
    plain = _muted(torch.rand(count, 3, 1, 1, generator=generator))
    if settings.background == "plain":
        return plain.expand(-1, -1, size, size)
    picture = plain.expand(-1, -1, size, size)
    for cells in (2, 4, 9):  # from walls and windows to small things
        grid = _muted(torch.rand(count, 3, cells, cells, generator=generator))
        layer = functional.interpolate(grid, size=(size, size), mode="bilinear", align_corners=False)
        share = torch.rand(count, 1, cells, cells, generator=generator).gt(0.6).float()
        picture = torch.lerp(picture, layer, functional.interpolate(share, size=(size, size), mode="nearest"))
    return picture


def _muted(colour: torch.Tensor) -> torch.Tensor:
    """Colours of rooms and streets: mostly grey, and dark more often than bright."""
    return torch.lerp(colour.mean(dim=1, keepdim=True), colour, 0.35) ** 2.2


def _blur(image: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Gaussian blur of each image (B, 3, H, W) with its own sigma (B,) in pixels."""
    radius = max(1, math.ceil(3 * float(sigma.max())))
    offset = torch.arange(-radius, radius + 1)
    kernel = torch.exp(-0.5 * (offset / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(3, dim=0)  # (3B, 2r + 1)
    stack = functional.pad(image.flatten(0, 1)[None], (radius, radius, radius, radius), mode="replicate")
    stack = functional.conv2d(stack, kernel[:, None, :, None], groups=len(kernel))
    return functional.conv2d(stack, kernel[:, None, None, :], groups=len(kernel)).view_as(image)


def _visible(landmarks: torch.Tensor, depth: torch.Tensor, samples: int) -> torch.Tensor:
    """Whether each landmark (B, 68, 3: u, v, depth) lies in the image and on the nearest surface around it."""
    size = depth.shape[-1]
    column, row = (landmarks[..., :2] * samples).floor().long().unbind(-1)
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    step = torch.tensor([-1, 0, 1])
    rows = (row[..., None, None] + step[:, None]).clamp(0, size - 1)  # (B, 68, 3, 1)
    columns = (column[..., None, None] + step).clamp(0, size - 1)  # (B, 68, 1, 3)
    around = depth.flatten(1).gather(1, (rows * size + columns).flatten(1)).view(*row.shape, 9)
    return inside & (landmarks[..., 2] <= around.amax(dim=-1) + LANDMARK_TOLERANCE)  # infinite off the head
