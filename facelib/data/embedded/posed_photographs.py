"""Photographs of faces whose shape, pose and camera are known: what the data sets of paper 3 hold of one person."""

from __future__ import annotations

import numpy as np
import torch

from facelib.data.embedded.generation import RENDER_BATCH, Person, as_bytes
from facelib.data.photograph_style import PLAIN, StyleSettings, mottled
from facelib.errors import BadInput
from facelib.faces.hair import bearded
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.occluders import Occluder, occluder_surface
from facelib.faces.scene import Rendering, SceneSettings, render
from facelib.faces.surfaces import join
from facelib.faces.surroundings import surroundings


def check_camera(scene: SceneSettings) -> None:
    """Raise BadInput unless one similarity joins the face and its image."""
    if scene.camera != "weak_perspective":
        raise BadInput(f"scene.camera is {scene.camera!r}: faces of known pose need 'weak_perspective'")


def posed_photographs(
    model: MorphableModel,
    person: Person,
    action: torch.Tensor,
    pose: torch.Tensor,
    occluder: np.ndarray,
    scene: SceneSettings,
    generator: torch.Generator,
    *,
    dressed: bool = True,
    style: StyleSettings = PLAIN,
) -> dict[str, np.ndarray]:
    """N photographs of one person, or of one person each.

    Args:
        model: the face model.
        person: identity (1 or N, K) and texture coefficients (1 or N, up to 80), standard deviations.
        action: (N, E) strengths of the facial actions.
        pose: (N, 3) yaw, pitch and roll, radians.
        occluder: (N,) the `Occluder` of each.
        scene: camera, light and sensor.
        generator: of all randomness.
        dressed: whether the heads are given hair, teeth, a neck and shoulders; heads of other models have what they
            need.
        style: of the skin; what is done to photographs afterwards is the caller's.

    Returns:
        images (N, 3, H, W) uint8, skin (N, H, W) uint8, landmarks_2d (N, 68, 2) pixels, angle (N,), pose (N, 3),
        shape (N, K), action (N, E), scale (N,) pixels a mm, or under perspective the focal length in pixels,
        center (N, 2) pixels, occluder (N,), cloud (N,), all -1.
    """
    identity, texture = person
    count = len(pose)
    shape = identity.expand(count, -1)
    heads = model.vertices(shape, action)
    albedo = model.albedo(texture).expand(count, -1, -1)
    if dressed:
        albedo = bearded(model, albedo, generator)
    albedo = mottled(albedo, style, generator)
    seen: dict[str, np.ndarray] = {}
    for kind in np.unique(occluder):
        for rows in torch.from_numpy(np.flatnonzero(occluder == kind)).split(RENDER_BATCH):
            one, turn = heads[rows], pose[rows]
            worn = occluder_surface(model, one, Occluder(kind), generator)
            if dressed:
                around = surroundings(model, one, albedo[rows], turn, generator)
                worn = around if worn is None else join(worn, around)
            rendering = render(model, one, albedo[rows], turn, scene, generator, worn, style.shine)
            for name, values in _as_arrays(rendering).items():
                everyone = seen.setdefault(name, np.empty((count, *values.shape[1:]), values.dtype))
                everyone[rows.numpy()] = values
    return seen | {
        "pose": pose.numpy(),
        "shape": shape.numpy(),
        "action": action.numpy(),
        "occluder": occluder.astype(np.int16),
        "cloud": np.full(count, -1, np.int32),
    }


def _as_arrays(rendering: Rendering) -> dict[str, np.ndarray]:
    return {
        "images": as_bytes(rendering.image),
        "skin": rendering.skin.to(torch.uint8).numpy(),
        "angle": rendering.angle.numpy(),
        "scale": rendering.focal.numpy(),
        "center": rendering.center.numpy(),
        "landmarks_2d": rendering.landmarks.numpy(),
    }
