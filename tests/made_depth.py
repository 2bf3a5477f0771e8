"""Whole depth frames of rendered people before a sensor, as Biwi's files; and networks of paper 4 without training."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

import numpy as np
import torch

from facelib.faces.baking import load_face_model
from facelib.faces.depth_scene import DepthSceneSettings, body_of, room_behind
from facelib.faces.population import sample_people
from facelib.faces.sensors import StructuredLight, draw_noise, sensed
from facelib.geometry.camera import face_to_camera
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix
from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.networks import build_network
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run
from facelib.runs.records import new_record, write_record
from facelib.runs.settings import as_dict

SCENE = DepthSceneSettings(sensor=StructuredLight())
INTRINSICS = (575.8, 575.8, 320.0, 240.0)
POSE, PLACE = (12.0, -6.0, 4.0), (30.0, -20.0, 850.0)  # degrees and mm


@cache
def whole_frame(
    pose: tuple[float, float, float] | None = POSE, place: tuple[float, float, float] = PLACE, seed: int = 3
) -> torch.Tensor:
    """(480, 640) mm: a person with hair and shoulders in a room; without a pose the room alone."""
    generator = torch.Generator().manual_seed(seed)
    clean = room_behind(SCENE, generator)[None]
    hair = torch.zeros(clean.shape, dtype=torch.bool)
    if pose is not None:
        model, angles = load_face_model("coarse"), torch.deg2rad(torch.tensor([pose]))
        heads = model.vertices(sample_people(model, 1, seed, fixed_albedo=True).identity)
        body = body_of(model, heads, angles, generator)
        parts = [
            face_to_camera(each, euler_to_matrix(*angles.unbind(1)), torch.tensor([place]))
            for each in (heads, body.surface.vertices)
        ]
        triangles = torch.cat((model.triangles, body.surface.triangles + heads.shape[1]))
        screen = SCENE.camera.project(torch.cat(parts, dim=1))
        seen = rasterize(screen, triangles, SCENE.height, SCENE.width, perspective=True, cull_back_faces=True)
        clean = torch.minimum(clean, seen.depth)
        worn = torch.cat((torch.zeros(len(model.triangles), dtype=torch.bool), body.hair))
        hair = worn[seen.triangle.clamp(min=0).long()] & seen.mask
    assert SCENE.sensor is not None
    noise = draw_noise(1, SCENE.height, SCENE.width, SCENE.sensor, generator)
    return sensed(clean, SCENE.camera, SCENE.sensor, noise, hair)[0]


def write_biwi(path: Path, depth: np.ndarray) -> Path:
    """A frame (H, W) in runs of holes and depth, pixel after pixel."""
    content, flat = struct.pack("<ii", depth.shape[1], depth.shape[0]), depth.astype("<i2").ravel().tolist()
    place = 0
    while place < len(flat):
        start = place
        while place < len(flat) and flat[place] == 0:
            place += 1
        full = place
        while place < len(flat) and flat[place] != 0:
            place += 1
        content += struct.pack("<ii", full - start, place - full) + np.array(flat[full:place], "<i2").tobytes()
    path.write_bytes(content)
    return path


def make_untrained_depth_run(method: str, *, silent: bool = True, broken: bool = False) -> Path:
    """The folder of a run at the smoke tier: a silent network reads the mean face, or a frontal head in the middle."""
    run = Run(PAPER.name, method)
    settings = PAPER.run_settings(method, "smoke")
    torch.manual_seed(0)
    network = build_network(PAPER.method(method), settings)
    if not silent:
        torch.nn.init.normal_(list(network.parameters())[-1], std=0.1)  # norms that saw nothing pass next to nothing on
    if broken:
        torch.nn.init.constant_(list(network.parameters())[-1], torch.nan)
    save_weights(run.weights, {"network": network})
    data = {"source": "made", "fingerprint": "0"}
    write_record(run.record, new_record(run, data=data, parameters=as_dict(settings), metrics={}, wall_time_s=0.0))
    return run.folder
