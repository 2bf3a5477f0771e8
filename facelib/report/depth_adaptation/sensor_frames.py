"""The same head clean and before a sensor: lit, by depth, and how both differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.data.depth_faces import DepthFrames
from facelib.data.embedded.ict_depth import OTHER_CAMERA
from facelib.faces.baking import load_face_model
from facelib.faces.depth_scene import DepthSceneSettings, body_of, clean_frames, room_behind, sensed_frames
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.sensors import StructuredLight
from facelib.report.depth_adaptation.depth_pictures import by_depth, frame_of, relief
from facelib.report.overlay import named_pictures

POSES = {"ahead": (0.0, 0.0, 0.0), "turned by 35°": (35.0, 5.0, 0.0), "turned by −70°": (-70.0, 0.0, 5.0)}
DISTANCE, SIZE, SEED = 900.0, 160, 21
BEFORE, AFTER = 160.0, 200.0  # mm about the middle that are told apart by colours
CLEAN, SENSED = "clean", "simulated"


def sensor_frames(person: int = 0) -> dict[str, DepthFrames]:
    """One person in `POSES` by an ideal camera, bare, and before the sensor that target frames are of, dressed."""
    return _frames({SENSED: DepthSceneSettings(sensor=StructuredLight())}, person)


def other_frames() -> dict[str, DepthFrames]:
    """As `sensor_frames`, and before the sensor that nothing is learnt of.

    Raises:
        MissingPart: without embreex.
    """
    structured = DepthSceneSettings(sensor=StructuredLight())
    return _frames({"structured light": structured, "time of flight": OTHER_CAMERA}, 0)


def _frames(scenes: dict[str, DepthSceneSettings], person: int) -> dict[str, DepthFrames]:
    """The same crops of one person, clean and in these scenes."""
    model, ideal = load_face_model("coarse"), DepthSceneSettings(image_size=SIZE, crop_jitter=0.0)
    pose = torch.deg2rad(torch.tensor(list(POSES.values())))
    place = torch.tensor([0.0, 0.0, DISTANCE]).expand(len(pose), -1)
    shape = sample_people(model, person + 1, SEED, fixed_albedo=True).identity[person, None]
    action = expression_coefficients(model, list(EXPRESSIONS)[:1])
    heads = model.vertices(shape, action).expand(len(pose), -1, -1)
    generator = torch.Generator().manual_seed(SEED)
    found = {CLEAN: clean_frames(model, heads, pose, place, ideal, generator)}
    body = body_of(model, heads, pose, generator)
    for name, each in scenes.items():
        scene = replace(each, image_size=SIZE, crop_jitter=0.0)
        room = room_behind(scene, generator)
        found[name] = sensed_frames(model, heads, pose, place, body, room, scene, generator)
    return {name: DepthFrames.seen_by(each.depth, each.camera) for name, each in found.items()}


def frame_data(frames: dict[str, DepthFrames]) -> pd.DataFrame:
    """Of each frame: columns pose, frame, holes (share of the pixels on the clean head), and noise (mm, median
    distance from the clean depth there)."""
    lines = []
    for number, pose in enumerate(POSES):
        clean = frames[CLEAN].depth[number]
        for name, each in frames.items():
            seen = each.depth[number][clean > 0]
            off = (seen - clean[clean > 0])[seen > 0].abs().numpy()
            lines.append(
                {"pose": pose, "frame": name, "holes": float((seen == 0).float().mean()), "noise": np.median(off)}
            )
    return pd.DataFrame(lines)


def draw_frames(frames: dict[str, DepthFrames]) -> Figure:
    """A row a pose: each frame lit and by depth."""
    rows = []
    for number in range(len(POSES)):
        row = []
        for each in frames.values():
            depth, camera = frame_of(each, number)
            row += [relief(depth, camera, 0.6), by_depth(depth, DISTANCE - BEFORE, DISTANCE + AFTER)]
        rows.append(row)
    columns = [f"{name},\n{kind}" for name in frames for kind in ("lit", "by depth")]
    return named_pictures(rows, list(POSES), columns, 7)
