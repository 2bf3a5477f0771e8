"""What all depth sets of paper 4 share: their settings, and the frames of one person.

Crops are stored as networks take them, as uint16 in tenths of a millimetre. At 1 m a crop of 300 mm covers 173 pixels
of the sensor, so 160 x 160 keep nearly all that it saw: 51 kB a frame, 0.8 GB for the 15,678 frames of Biwi where the
whole frames would take 9.6 GB. Labels are coefficients, 1 kB a frame, since the model gives the mesh of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.depth_faces import DepthFrames, stored_depth
from facelib.data.embedded.generation import GeneratedSettings, OnImages, dealt, generator_of, open_generated
from facelib.data.embedded.head_motion import turned
from facelib.errors import BadInput
from facelib.faces.baking import load_face_model
from facelib.faces.depth_scene import DepthSceneSettings, body_of, clean_frames, room_behind, sensed_frames
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people

AT_ONCE = 40  # frames drawn together

MakeFrames = Callable[[MorphableModel, torch.Tensor, int, torch.Generator], dict[str, np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class DepthSetSettings:
    """What the depth sets have in common.

    Args:
        seed: of people and scenes.
        limits: largest yaw, pitch and roll, degrees.
        distance: range of distances of the heads from the sensor, mm.
        aside: largest distance of the heads from the sensor's axis, to the side and up and down, mm.
        scene: sensor and crop.

    Raises:
        BadInput: on a limit below 0 or beyond 90 degrees, or a distance that is none.
    """

    seed: int
    limits: tuple[float, float, float]
    distance: tuple[float, float] = (800.0, 1100.0)
    aside: tuple[float, float] = (60.0, 40.0)
    scene: DepthSceneSettings = field(default_factory=DepthSceneSettings)

    def __post_init__(self) -> None:
        if not all(0 <= limit <= 90 for limit in self.limits):
            raise BadInput(f"limits are {self.limits}: expected 0 to 90 degrees each")
        if not 0 < self.distance[0] <= self.distance[1] < float("inf"):
            raise BadInput(f"distance is {self.distance}: expected an ascending range of positive lengths in mm")


def open_depth_set(
    settings: GeneratedSettings,
    seed: int,
    people: Sequence[int],
    frames: Sequence[int],
    make_frames: MakeFrames,
    on_images: OnImages,
    load: Callable[[], MorphableModel] = lambda: load_face_model("coarse"),
) -> FaceArchive:
    """A set from the cache, generated where it is missing; each part is the frames of one person or sequence.

    Args:
        settings: which one.
        seed: of people and scenes.
        people: the person of each part.
        frames: how many each part has.
        make_frames: gives the arrays of a part but `identity`, from the face model, the person's shape (1, K), the
            part's number and a generator of its own.
        on_images: told the number of frames after each part.
        load: gives the face model.
    """
    model = cache(load)
    shapes = cache(lambda: sample_people(model(), max(people) + 1, seed, fixed_albedo=True).identity)

    def make_part(number: int) -> dict[str, np.ndarray]:
        person = people[number]
        arrays = make_frames(model(), shapes()[person, None], number, generator_of(seed, number))
        return arrays | {"identity": np.full(frames[number], person, np.int32)}

    counts = iter(frames)
    return open_generated(settings, len(people), make_part, lambda: on_images(next(counts)))


def frames_of_person(
    model: MorphableModel,
    shape: torch.Tensor,
    action: torch.Tensor,
    pose: torch.Tensor,
    place: torch.Tensor,
    scene: DepthSceneSettings,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """N frames of one person: before a sensor in one room with the same hair and build, or clean and bare.

    Args:
        model: the face model.
        shape: (1, K) identity coefficients.
        action: (N, E) strengths of the facial actions.
        pose: (N, 3) yaw, pitch and roll, radians.
        place: (N, 3) mm, of the face frame's origin in the camera frame.
        scene: sensor and crop.
        generator: of all randomness.

    Returns:
        depth (N, S, S) uint16, focal and center (N, 2), shape (N, K), action (N, E), pose, translation (N, 3).
    """
    kinds, kind = torch.unique(action, dim=0, return_inverse=True)
    heads = model.vertices(shape.expand(len(kinds), -1), kinds)
    room = None if scene.sensor is None else room_behind(scene, generator)
    build, seen = int(torch.randint(2**62, (1,), generator=generator)), []
    for rows in torch.arange(len(pose)).split(AT_ONCE):
        faces, turn, at = heads[kind[rows]], pose[rows], place[rows]
        if room is None:
            frames = clean_frames(model, faces, turn, at, scene, generator)
        else:
            same = torch.Generator().manual_seed(build)
            body = body_of(model, faces, turn, same) if scene.dressed else None
            frames = sensed_frames(model, faces, turn, at, body, room, scene, generator)
        seen.append(DepthFrames.seen_by(frames.depth, frames.camera))
    return {
        "depth": np.concatenate([stored_depth(each.depth) for each in seen]),
        "focal": torch.cat([each.focal for each in seen]).numpy(),
        "center": torch.cat([each.center for each in seen]).numpy(),
        "shape": shape.expand(len(pose), -1).numpy(),
        "action": action.numpy(),
        "pose": pose.numpy(),
        "translation": place.numpy(),
    }


def places(count: int, settings: DepthSetSettings, generator: torch.Generator) -> torch.Tensor:
    """Where heads (count, 3) are before the sensor, each drawn alone, mm in the camera frame."""
    (near, far), (across, up) = settings.distance, settings.aside
    share = torch.rand(count, 3, generator=generator)
    low, high = torch.tensor([-across, -up, near]), torch.tensor([across, up, far])
    return low + (high - low) * share


def turned_frames(
    settings: DepthSetSettings,
    model: MorphableModel,
    shape: torch.Tensor,
    expression: torch.Tensor,
    action: torch.Tensor,
    generator: torch.Generator,
) -> dict[str, np.ndarray]:
    """Frames of one person who turns and moves anew in each; no sequence.

    Args:
        settings: how far, and what is seen.
        model, shape, action, generator: as of `frames_of_person`.
        expression: (N,) numbers of the expressions.
    """
    count = len(expression)
    pose, place = turned(count, settings.limits, generator), places(count, settings, generator)
    arrays = frames_of_person(model, shape, action, pose, place, settings.scene, generator)
    return arrays | {"expression": expression.numpy().astype(np.int16), "sequence": np.zeros(count, np.int16)}


def dealt_evenly(total: int, parts: int) -> list[int]:
    """How many of so many frames each part has.

    Raises:
        BadInput: for fewer frames than parts.
    """
    if not 1 <= parts <= total:
        raise BadInput(f"{total} frames for {parts} people or sequences: expected at least one of each")
    return dealt(total, parts)
