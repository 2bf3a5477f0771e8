"""From heads to depth frames: a sensor in a room, the head in its place, and the crop around it.

Clean frames show the head alone, as labelled data are drawn; before a sensor people have hair, neck and shoulders, and
a room with things in it behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from facelib.errors import BadInput, check_shape
from facelib.faces.bust import bust
from facelib.faces.hair import hair
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.sensors import StructuredLight, draw_noise, sensed
from facelib.faces.surfaces import Surface, join
from facelib.faces.teeth import teeth
from facelib.faces.time_of_flight import TimeOfFlight, timed
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import camera_about, crop_about
from facelib.geometry.depth_view import HEAD_VIEW, DepthView
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix

RIM = 4  # pixels drawn beside a crop, so that outlines at its border are found
WALL = (1900.0, 3500.0)  # mm behind which there is nothing
NEAREST_THING = 1400.0  # mm, behind the people
THINGS = 6  # in the room: chairs, shelves, screens, as flat patches


@dataclass(frozen=True)
class DepthSceneSettings:
    """How depth frames are taken.

    Args:
        image_size: height and width of a crop, pixels.
        reach, before: what of a head a crop shows, mm (`facelib.geometry.depth_view.DepthView`).
        crop_jitter: standard deviation of a crop's middle about its place, mm along each axis.
        width, height: of the sensor's whole image, pixels.
        focal_u, focal_v, center_u, center_v: its intrinsics, pixels.
        sensor: how it measures depth, with which faults; None for clean frames of bare heads.
        dressed: whether people before a sensor wear hair and have a neck and shoulders; heads of other models have what
            they need.

    Raises:
        BadInput: on a size or reach that is not positive, or a negative jitter.
    """

    image_size: int = 160
    reach: float = HEAD_VIEW.reach
    before: float = HEAD_VIEW.before
    crop_jitter: float = 8.0
    width: int = 640
    height: int = 480
    focal_u: float = 575.8
    focal_v: float = 575.8
    center_u: float = 320.0
    center_v: float = 240.0
    sensor: StructuredLight | TimeOfFlight | None = None
    dressed: bool = True

    def __post_init__(self) -> None:
        numbers = self.image_size >= 1 and 0 < self.reach < math.inf and abs(self.before) < math.inf
        if not (numbers and self.crop_jitter >= 0):
            raise BadInput(
                f"image_size {self.image_size}, reach {self.reach}, before {self.before} and crop_jitter "
                f"{self.crop_jitter}: expected at least one pixel, a positive length, a length, and 0 mm or more"
            )

    @property
    def camera(self) -> PerspectiveCamera:
        """That of the sensor's whole image."""
        return PerspectiveCamera(self.focal_u, self.center_u, self.center_v, self.focal_v)


@dataclass(frozen=True)
class Frames:
    """B cropped depth frames.

    Args:
        depth: (B, S, S) mm, 0 in holes.
        camera: of the crops, with values (B,).
    """

    depth: torch.Tensor
    camera: PerspectiveCamera


@dataclass(frozen=True)
class Body:
    """What is seen of a person before a sensor, besides the head's own mesh, in N frames.

    Args:
        surface: N meshes, in the frame of the face.
        hair: (T,) bool, which of its triangles are hair.
    """

    surface: Surface
    hair: torch.Tensor


def body_of(model: MorphableModel, heads: torch.Tensor, pose: torch.Tensor, generator: torch.Generator) -> Body:
    """Hair, teeth, neck and shoulders of one person in N frames: the same hair and build in all of them.

    Args:
        model: our face model.
        heads: (N, V, 3) mm, face frame, of one person.
        pose: (N, 3) yaw, pitch and roll, radians.
        generator: of hair and build.
    """
    colour = model.texture_mean.expand_as(heads)
    locks = hair(model, heads[:1], generator)
    vertices, albedo = (each.expand(len(heads), -1, -1) for each in (locks.vertices, locks.albedo))
    locks = Surface(vertices, albedo, locks.triangles)
    below = bust(model, heads, colour, pose, generator, of_one_person=True)
    mouth = teeth(model, heads, generator)
    counts = [len(each.triangles) for each in (locks, below, mouth)]
    return Body(join(locks, below, mouth), torch.arange(sum(counts)) < counts[0])


def room_behind(scene: DepthSceneSettings, generator: torch.Generator) -> torch.Tensor:
    """The clean depth image (H, W) of a room without people, mm: a wall, and things before it, all of them flat."""
    v, u = torch.meshgrid(torch.arange(scene.height) + 0.5, torch.arange(scene.width) + 0.5, indexing="ij")
    x, y = (u - scene.center_u) / scene.focal_u, (v - scene.center_v) / scene.focal_v
    wall = WALL[0] + (WALL[1] - WALL[0]) * float(torch.rand(1, generator=generator))
    tilt = 0.15 * torch.randn(THINGS + 1, 2, generator=generator)
    place, size, near = torch.rand(3, THINGS, 2, generator=generator).unbind(0)
    room = wall / (1 + tilt[0, 0] * x + 0.3 * tilt[0, 1] * y)
    for thing in range(THINGS):
        depth = torch.lerp(torch.tensor(NEAREST_THING), torch.tensor(wall), near[thing, 0]) / (
            1 + tilt[thing + 1, 0] * x + tilt[thing + 1, 1] * y
        )
        half_u, half_v = (scene.width * (0.02 + 0.13 * size[thing, 0]), scene.height * (0.03 + 0.3 * size[thing, 1]))
        inside = (u - scene.width * place[thing, 0]).abs() < half_u
        inside &= (v - scene.height * place[thing, 1]).abs() < half_v
        room = torch.where(inside, torch.minimum(room, depth), room)
    return room.clamp(min=NEAREST_THING)


def clean_frames(
    model: MorphableModel,
    heads: torch.Tensor,
    pose: torch.Tensor,
    place: torch.Tensor,
    scene: DepthSceneSettings,
    generator: torch.Generator,
) -> Frames:
    """Bare heads by an ideal camera, drawn at the resolution of the crop: holes all around them.

    Args:
        model: the face model.
        heads: (B, V, 3) mm, face frame.
        pose: (B, 3) yaw, pitch and roll, radians.
        place: (B, 3) mm, of the face frame's origin in the camera frame.
        scene: camera and crop.
        generator: of the crop's jitter.

    Raises:
        BadInput: on another shape.
    """
    in_camera = _placed(model, heads, pose, place)
    camera = camera_about(scene.camera, _jittered(place, scene, generator), scene.reach, scene.image_size)
    seen = rasterize(
        camera.project(in_camera), model.triangles, scene.image_size, scene.image_size, perspective=True,
        cull_back_faces=True,
    )  # fmt: skip
    return Frames(seen.depth.where(seen.mask, 0), camera)


def sensed_frames(
    model: MorphableModel,
    heads: torch.Tensor,
    pose: torch.Tensor,
    place: torch.Tensor,
    body: Body | None,
    room: torch.Tensor,
    scene: DepthSceneSettings,
    generator: torch.Generator,
) -> Frames:
    """People in a room before the scene's sensor, drawn at its resolution where the crop needs it.

    Args:
        model, heads, pose, place: as `clean_frames`.
        body: of as many frames.
        room: (H, W) mm, by `room_behind`.
        scene: camera, crop and sensor.
        generator: of the crop's jitter and the sensor's noise.

    Raises:
        BadInput: on another shape, or a scene without a sensor.
        DegenerateInput: when a head is not in view.
    """
    if scene.sensor is None:
        raise BadInput("scene.sensor is None: expected a sensor; clean_frames needs none")
    check_shape("room", room, (scene.height, scene.width))
    in_camera = _placed(model, heads, pose, place)
    triangles = model.triangles
    is_hair = torch.zeros(len(triangles), dtype=torch.bool)
    if body is not None:
        worn = face_to_camera(body.surface.vertices, *_moved(pose, place))
        triangles = torch.cat((triangles, body.surface.triangles + in_camera.shape[1]))
        in_camera, is_hair = torch.cat((in_camera, worn), dim=1), torch.cat((is_hair, body.hair))
    middle = _jittered(place, scene, generator)
    window = _window(middle, scene)
    camera = scene.camera.crop(window.top.float(), window.left.float())
    behind = torch.stack([
        room[top : top + window.height, left : left + window.width]
        for top, left in zip(window.top.tolist(), window.left.tolist(), strict=True)
    ])  # fmt: skip
    if isinstance(scene.sensor, TimeOfFlight):
        found = timed(in_camera, triangles, behind, camera, scene.sensor, generator)
    else:
        found = _matched(in_camera, triangles, is_hair, behind, camera, scene.sensor, generator)
    return Frames(*crop_about(found, camera, middle, scene.reach, scene.image_size))


def _matched(
    points: torch.Tensor,
    triangles: torch.Tensor,
    is_hair: torch.Tensor,
    behind: torch.Tensor,
    camera: PerspectiveCamera,
    sensor: StructuredLight,
    generator: torch.Generator,
) -> torch.Tensor:
    """What structured light gives of meshes (B, V, 3), of whose triangles some are hair, before (B, H, W) a room."""
    height, width = behind.shape[1:]
    seen = rasterize(camera.project(points), triangles, height, width, perspective=True, cull_back_faces=True)
    clean = torch.minimum(seen.depth, behind)  # infinite where there is nobody
    on_hair = is_hair[seen.triangle.clamp(min=0).long()] & seen.mask
    return sensed(clean, camera, sensor, draw_noise(len(clean), height, width, sensor, generator), on_hair)


@dataclass(frozen=True)
class _Window:
    """Rectangles of one size within the sensor's image, top and left (B,) int64 for each frame."""

    top: torch.Tensor
    left: torch.Tensor
    height: int
    width: int


def _window(middle: torch.Tensor, scene: DepthSceneSettings) -> _Window:
    """What must be drawn for each crop: itself, a rim, and to its right what may throw a shadow into it."""
    sensor = scene.sensor
    assert sensor is not None
    u, v, depth = scene.camera.project(middle[:, None])[:, 0].unbind(1)
    largest = scene.reach / float(depth.min())
    shadow = math.ceil(scene.focal_u * sensor.baseline * (1 / float(depth.min()) - 1 / (2 * float(depth.max()))))
    wide, high = math.ceil(largest * scene.focal_u) + 2 * RIM, math.ceil(largest * scene.focal_v) + 2 * RIM
    left, top = (u - wide / 2).floor().long(), (v - high / 2).floor().long()
    width, height = min(wide + shadow, scene.width), min(high, scene.height)
    return _Window(top.clamp(0, scene.height - height), left.clamp(0, scene.width - width), height, width)


def _placed(model: MorphableModel, heads: torch.Tensor, pose: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """The heads in the camera frame."""
    batch = len(heads)
    check_shape("heads", heads, (None, len(model.mean), 3))
    check_shape("pose", pose, (batch, 3))
    check_shape("place", place, (batch, 3))
    return face_to_camera(heads, *_moved(pose, place))


def _moved(pose: torch.Tensor, place: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return euler_to_matrix(*pose.unbind(1)), place


def _jittered(place: torch.Tensor, scene: DepthSceneSettings, generator: torch.Generator) -> torch.Tensor:
    middle = DepthView(scene.reach, scene.before).middle(place)
    return middle + scene.crop_jitter * torch.randn(place.shape, generator=generator)
