"""Folders of depth frames in the byte formats of licensed data sets, written from embedded faces."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scanners import IN_MOUTH, triangles_without
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix, matrix_to_euler

BIWI_CAMERA = PerspectiveCamera(575.816, 320.5, 240.5, 573.0)
BIWI = {1: (3, 4), 2: (3,), 21: (9,)}  # sequence -> frames
BIWI_POSE = (0.5, -0.2, 0.1)  # yaw, pitch, roll of frame 3 of sequence 1
BIWI_PLACE = (40.0, -20.0, 900.0)
ICT = {"seq1": 2, "seq2": 1}
ICT_CAMERA = PerspectiveCamera(535.0, 327.5, 241.5, 536.0)
TESTERS = (1, 12)  # of FaceWarehouse
KINECT = PerspectiveCamera(575.8, 320.5, 240.5, 575.8)


@lru_cache(maxsize=1)
def model() -> MorphableModel:
    return load_face_model("coarse")


@lru_cache(maxsize=64)
def head(person: int, expression: int = 0) -> torch.Tensor:
    """A head (V, 3) mm, face frame."""
    identity = sample_people(model(), 8, 77, fixed_albedo=True).identity[person, None]
    return model().vertices(identity, expression_coefficients(model(), [list(EXPRESSIONS)[expression]]))[0]


def depth_frame(
    camera: PerspectiveCamera,
    pose: tuple[float, ...],
    place: tuple[float, ...],
    size: tuple[int, int],
    person: int,
    expression: int = 0,
) -> np.ndarray:
    """A head and a wall behind it (H, W) int16, mm; the left quarter sees nothing."""
    turn, at = euler_to_matrix(*torch.tensor([pose]).unbind(1)), torch.tensor([place])
    points = camera.project(face_to_camera(head(person, expression)[None], turn, at))
    seen = rasterize(points, model().triangles, size[1], size[0], perspective=True)
    depth = seen.depth[0].where(seen.mask[0], torch.tensor(2000.0)).round()
    depth[:, : size[0] // 4] = 0
    return depth.numpy().astype(np.int16)


def bin_file(depth: np.ndarray) -> bytes:
    """Runs of empty and of seen pixels, as Biwi packs a frame."""
    flat = depth.flatten()
    seen = flat > 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], seen, [False])).astype(int)))
    content, at = struct.pack("<2i", depth.shape[1], depth.shape[0]), 0
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        content += struct.pack("<2i", start - at, end - start) + flat[start:end].astype("<i2").tobytes()
        at = end
    return content if at == len(flat) else content + struct.pack("<2i", len(flat) - at, 0)


def in_camera_axes(turn: np.ndarray) -> np.ndarray:
    """R_head as Biwi writes it: worked out by turning y and z of both frames."""
    flip = np.diag((1.0, -1.0, -1.0))
    return flip @ turn @ flip


def biwi_pose(sequence: int, frame: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Pose and place of a frame."""
    off = 0.01 * (sequence - 1) + 0.05 * (frame - 3)
    return tuple(angle + off for angle in BIWI_POSE), tuple(value + off for value in BIWI_PLACE)


def write_biwi(folder: Path, shown: Mapping[int, Sequence[int]] = BIWI, size: tuple[int, int] = (640, 480)) -> None:
    """Frames by sequence."""
    calibration = "575.816 0 320 \n0 573.0 240 \n0 0 1 \n\n0 0 0 0 \n\n1 0 0 \n0 1 0 \n0 0 1 \n\n0 0 0 \n\n640 480\n"
    for sequence, frames in shown.items():
        place = folder / "hpdb" / f"{sequence:02d}"
        place.mkdir(parents=True)
        (place / "depth.cal").write_text(calibration)
        for frame in frames:
            pose, at = biwi_pose(sequence, frame)
            depth = depth_frame(BIWI_CAMERA, pose, at, size, sequence % 3)
            (place / f"frame_{frame:05d}_depth.bin").write_bytes(bin_file(depth))
            turn = in_camera_axes(euler_to_matrix(*torch.tensor(pose)).double().numpy())
            lines = [" ".join(f"{value:.6f}" for value in row) + " " for row in turn]
            lines += ["", " ".join(f"{value:.3f}" for value in at) + " "]
            (place / f"frame_{frame:05d}_pose.txt").write_text("\n".join(lines) + "\n")
            if sequence == 1:
                mask = folder / "head_pose_masks" / "01" / f"frame_{frame:05d}_depth_mask.png"
                mask.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.where((depth > 0) & (depth < 1500), 255, 0).astype(np.uint8)).save(mask)


def ict_pose(frame: int) -> tuple[float, float, float]:
    """rx, ry, rz of a frame, radians."""
    return 0.1 + 0.2 * frame, -0.3, 0.2


def ict_turn(frame: int) -> np.ndarray:
    """R_head (3, 3) of a frame, worked out by SciPy."""
    from scipy.spatial.transform import Rotation

    return in_camera_axes(Rotation.from_euler("XYZ", ict_pose(frame)).as_matrix())


def write_ict_3dhp(folder: Path, shown: Mapping[str, int] = ICT) -> None:
    """So many frames by sequence."""
    for person, (name, frames) in enumerate(shown.items()):
        place = folder / name / "depthAligned"
        place.mkdir(parents=True)
        lines = []
        for frame in range(frames):
            pose = tuple(float(angle) for angle in matrix_to_euler(torch.from_numpy(ict_turn(frame))))
            depth = depth_frame(ICT_CAMERA, pose, (0.0, 10.0 * frame, 800.0), (640, 480), person)
            Image.fromarray(depth.astype(np.uint16)).save(place / f"{frame:04d}.png")
            lines.append(",".join(map(str, (1.5, -2.5, 803.0 + frame, *ict_pose(frame)))))
        (folder / name / "polhemusNorm.csv").write_text("\n".join(lines) + "\n")
        (folder / name / "colour undist.avi").write_bytes(b"not read")


def write_facewarehouse_depth(folder: Path, testers: Sequence[int] = TESTERS, poses: int = 2) -> None:
    """So many expressions of each of these people, with the meshes that the sensor saw and a table of the frames."""
    shown = np.array(triangles_without(model(), (*IN_MOUTH, "scalp")).tolist())
    kept, renumbered = np.unique(shown, return_inverse=True)
    faces = "".join(f"f {a}/1 {b}/1 {c}/1\n" for a, b, c in renumbered.reshape(shown.shape) + 1)
    lines = ["path,person,pose,focal_u,focal_v,center_u,center_v"]
    for person, tester in enumerate(testers):
        place = folder / f"Tester_{tester}"
        for part in ("TrainingPose", "Blendshape", "Depth"):
            (place / part).mkdir(parents=True)
        heads = np.stack([head(person, pose)[kept].numpy() / 100 for pose in range(poses)])
        header = struct.pack("<3i", poses - 1, len(kept), len(shown))
        (place / "Blendshape/shape.bs").write_bytes(header + heads.astype("<f4").tobytes())
        for pose, vertices in enumerate(heads):
            text = "".join(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices) + "vt 0 0\n" + faces
            (place / f"TrainingPose/pose_{pose}.obj").write_text(text)
            turn = (0.02 * pose, 0.01 * person, 0.0)
            depth = depth_frame(KINECT, turn, (5.0 * pose, -10.0, 750.0 + 10 * person), (640, 480), person, pose)
            name = f"Tester_{tester}/Depth/frame_{pose}.png"
            Image.fromarray(depth.astype(np.uint16)).save(folder / name)
            lines.append(f"{name},Tester_{tester},{pose},575.8,575.8,320,240")
    (folder / "depth_frames.csv").write_text("\r\n".join(lines) + "\r\n")
