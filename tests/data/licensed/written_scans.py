"""Folders of scans and depth frames in the byte formats of licensed data sets, written from embedded faces."""

from __future__ import annotations

import json
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from made_scans import as_mesh, write_scan, wrl_file
from PIL import Image

from facelib.data.licensed.landmark_files import BND_POINTS, LM3_LABELS
from facelib.faces.baking import load_face_model
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import EXPRESSIONS, expression_coefficients, sample_people
from facelib.faces.scanners import IN_MOUTH, Scanner, scan_heads, triangles_without
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix

SCANNER = Scanner("laser", step=4.0)
CELLS = 48  # a side of a scan
FRGC_AWAY = (20.0, -30.0, -1290.0)  # mm, from the scanner to the head
BU3D = {"F0001": ("NE00WH", "AN01WH", "HA04WH"), "M0002": ("NE00AE", "SU02AE")}
BU4D = {"F001": {"Angry": 7, "Sad": 3}, "M002": {"Angry": 4}}
FRGC = {"02463": (546, 548), "04200": (70, 8)}
BOSPHORUS = {
    "bs000": ("N_N_0", "N_N_1", "E_HAPPY_0", "LFAU_9_0", "CAU_A22A25_0", "YR_R20_0", "O_EYEGLASS_0", "IGN_0"),
    "bs001": ("N_N_0", "UFAU_1_0"),
}
FLORENCE = ("subject_01", "subject_30")
FLORENCE_TURN = (0.2, -0.3, 0.1)  # yaw, pitch, roll of the scanner's frame, and its shift in mm
FLORENCE_SHIFT = (100.0, -40.0, 700.0)
TESTERS = (1, 12)
BIWI_CAMERA = PerspectiveCamera(575.816, 320.5, 240.5, 573.0)
BIWI = {1: (3, 4), 2: (3,), 21: (9,)}  # sequence -> frames
BIWI_POSE = (0.5, -0.2, 0.1)  # yaw, pitch, roll of frame 3 of sequence 1
BIWI_PLACE = (40.0, -20.0, 900.0)
ICT = {"seq1": 2, "seq2": 1}
ICT_CAMERA = PerspectiveCamera(535.0, 327.5, 241.5, 536.0)


@lru_cache(maxsize=1)
def model() -> MorphableModel:
    return load_face_model("coarse")


@lru_cache(maxsize=64)
def head(person: int, expression: int = 0) -> torch.Tensor:
    """A head (V, 3) mm, face frame."""
    identity = sample_people(model(), 8, 77, fixed_albedo=True).identity[person, None]
    return model().vertices(identity, expression_coefficients(model(), [list(EXPRESSIONS)[expression]]))[0]


@lru_cache(maxsize=64)
def scan(person: int, number: int) -> torch.Tensor:
    """A range image (3, H, W) mm, NaN in holes."""
    generator = torch.Generator().manual_seed(100 * person + number)
    pose = torch.deg2rad(3 * torch.randn(1, 3, generator=generator))
    heads = head(person, number % len(EXPRESSIONS))[None]
    return scan_heads(model(), heads, pose, SCANNER, CELLS, generator).positions[0]


def bnd_points(person: int) -> np.ndarray:
    """83 points (83, 3) mm of a head."""
    return head(person)[:: len(head(person)) // BND_POINTS][:BND_POINTS].double().numpy().round(4)


def bnd_file(points: np.ndarray, line_end: str = "\r\n") -> bytes:
    return "".join(f"{number} {x} {y} {z} {line_end}" for number, (x, y, z) in enumerate(points)).encode()


def write_bu_3dfe(folder: Path) -> None:
    for person, (name, shown) in enumerate(BU3D.items()):
        place = folder / "BU_3DFE" / name
        place.mkdir(parents=True)
        for number, each in enumerate(shown):
            path = place / f"{name}_{each}_F3D.wrl"
            path.write_text(wrl_file(as_mesh(scan(person, number))).replace("\n", "\r\n"), newline="")
            path.with_suffix(".bnd").write_bytes(bnd_file(bnd_points(person)))
            (place / f"{name}_{each}_RAW.wrl").write_text("#VRML V2.0 utf8\n")


def write_bu_4dfe(folder: Path) -> None:
    for person, (name, emotions) in enumerate(BU4D.items()):
        for emotion, frames in emotions.items():
            place = folder / name / emotion
            place.mkdir(parents=True)
            for frame in range(frames):
                (place / f"{frame:03d}.wrl").write_text(wrl_file(as_mesh(scan(person, frame + 8 * len(emotion)))))
                (place / f"{frame:03d}.jpg").write_bytes(b"a photograph, which is not read")
            (place / "000.bnd").write_bytes(bnd_file(bnd_points(person), "\n"))


def write_frgc(folder: Path) -> None:
    for person, (name, sessions) in enumerate(FRGC.items()):
        for number, session in enumerate(sessions):
            ending = "abs.gz" if number else "abs"
            path = folder / "nd1" / "Fall2003range" / f"{name}d{session}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_scan(path, scan(person, number) + torch.tensor(FRGC_AWAY)[:, None, None])
    training = folder / "nd1" / "Spring2003range" / "02463d100.abs"
    training.parent.mkdir(parents=True)
    write_scan(training, scan(0, 7))


def frgc_list(names: list[str]) -> str:
    """A signature set with photographs and scans."""
    entries = "".join(
        f'<complex-biometric-signature name="nd1S{name.partition("d")[0]}"><presentation name="{name}" '
        f'file-name="nd1/Fall2003range/{name}.abs.gz"/><presentation file-name="nd1/Fall2003/{name}.ppm"/>'
        "</complex-biometric-signature>"
        for name in names
    )
    return f'<?xml version="1.0"?><!-- made --><biometric-signature-set>{entries}</biometric-signature-set>'


def lm3_points(person: int) -> np.ndarray:
    return bnd_points(person)[: len(LM3_LABELS)] / 2


def lm3_file(points: np.ndarray, left_out: tuple[int, ...] = (23,)) -> bytes:
    kept = [number for number in range(len(points)) if number not in left_out]
    lines = ["# 3D Landmark File", "", f"{len(kept)} landmarks:"]
    for number in kept:
        lines += [LM3_LABELS[number], " ".join(f"{value:.4f}" for value in points[number])]
    return ("\n".join(lines) + "\n").encode()


def write_bosphorus(folder: Path) -> None:
    for person, (name, shown) in enumerate(BOSPHORUS.items()):
        place = folder / "BosphorusDB" / name
        place.mkdir(parents=True)
        for number, each in enumerate(shown):
            path = write_scan(place / f"{name}_{each}.bnt", scan(person, number))
            if each != "N_N_1":
                path.with_suffix(".lm3").write_bytes(lm3_file(lm3_points(person)))


def florence_head(person: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and landmarks (68, 3) in the scanner's frame."""
    turn = euler_to_matrix(*torch.tensor(FLORENCE_TURN)).double()
    vertices = head(person).double() @ turn.T + torch.tensor(FLORENCE_SHIFT, dtype=torch.float64)
    return vertices.numpy(), vertices[model().landmarks].numpy()


def write_florence(folder: Path) -> None:
    triangles = triangles_without(model(), (*IN_MOUTH, "scalp", "ears")).tolist()
    shown = np.array(triangles)
    kept, renumbered = np.unique(shown, return_inverse=True)
    corners = renumbered.reshape(shown.shape) + 1
    for person, name in enumerate(FLORENCE):
        vertices, landmarks = florence_head(person)
        uv = np.column_stack((head(person)[:, 0] + 100, head(person)[:, 1] + 130)) / 300
        for scan_name in ("frontal1", "frontal2")[: 2 - person]:
            place = folder / "MICC" / name / "Model" / scan_name / "obj"
            place.mkdir(parents=True)
            lines = ["mtllib 1109.mtl"]
            lines += [f"v {x:.3f} {y:.3f} {z:.3f}" for x, y, z in vertices[kept]]
            lines += [f"vt {u:.4f} {v:.4f}" for u, v in uv[kept].clip(0, 1)]
            lines += [f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in corners.tolist()]
            (place / "1109.obj").write_text("\r\n".join(lines) + "\r\n", newline="")
            (place / "1109.mtl").write_text("newmtl skin\nmap_Kd C:\\scans\\1109.png\n")
            ramp = np.linspace(0, 255, 64).astype(np.uint8)
            Image.fromarray(np.stack((*np.meshgrid(ramp, ramp), np.full((64, 64), 90, np.uint8)), 2)).save(
                place / "1109.png"
            )
            beside = folder / "MICC_landmarks" / name / "Model" / scan_name / "obj" / "1109.ljson"
            beside.parent.mkdir(parents=True)
            beside.write_text(json.dumps({"version": 2, "landmarks": {"points": landmarks.round(4).tolist()}}))


def write_florence_clips(folder: Path, shown: tuple[int, int] = (90, 70), frames: int = 7) -> None:
    """Scans as above, and frames of two clips a person, the second of which has three alone."""
    write_florence(folder)
    for person, name in enumerate(FLORENCE):
        for clip, (condition, count) in enumerate((("cooperative", frames), ("outdoor", 3))):
            for frame in range(count):
                path = folder / "frames" / name / condition / f"{frame + 1:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = np.full((shown[1], shown[0], 3), 40 * person + 20 * clip, np.uint8)
                pixels[: shown[1] // 2, :, 0] = 20 * frame
                Image.fromarray(pixels).save(path)


def write_facewarehouse(folder: Path) -> None:
    rows = slice(None, None, 4)  # of the vertices: meshes are read as points
    for person, tester in enumerate(TESTERS):
        place = folder / f"FaceWarehouse_Data_{person}" / f"Tester_{tester}"
        (place / "TrainingPose").mkdir(parents=True)
        (place / "Blendshape").mkdir()
        for pose in range(2):
            vertices = head(person, pose)[rows].numpy() / 100
            text = "".join(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices) + "f 1/1/1 2/2/2 3/3/3 4/4/4\n"
            (place / "TrainingPose" / f"pose_{pose}.obj").write_text(text)
            pixels = np.random.default_rng(pose).integers(0, 255, (48, 64, 3), np.uint8)
            Image.fromarray(pixels).save(place / "TrainingPose" / f"pose_{pose}.{'png' if pose else 'jpg'}")
        shapes = np.stack([head(person, number)[rows].numpy() / 100 for number in range(3)])
        header = struct.pack("<3i", 2, shapes.shape[1], 11400)
        (place / "Blendshape" / "shape.bs").write_bytes(header + shapes.astype("<f4").tobytes())


def depth_frame(
    camera: PerspectiveCamera, pose: tuple[float, ...], place: tuple[float, ...], size: tuple[int, int], person: int
) -> np.ndarray:
    """A head and a wall behind it (H, W) int16, mm; the left quarter sees nothing."""
    turn, at = euler_to_matrix(*torch.tensor([pose]).unbind(1)), torch.tensor([place])
    points = camera.project(face_to_camera(head(person)[None], turn, at))
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


def write_biwi(folder: Path, size: tuple[int, int] = (640, 480)) -> None:
    calibration = "575.816 0 320 \n0 573.0 240 \n0 0 1 \n\n0 0 0 0 \n\n1 0 0 \n0 1 0 \n0 0 1 \n\n0 0 0 \n\n640 480\n"
    for sequence, frames in BIWI.items():
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


def write_ict_3dhp(folder: Path) -> None:
    from facelib.geometry.rotations import matrix_to_euler

    for person, (name, frames) in enumerate(ICT.items()):
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


SCAN_WRITERS = {
    "bu_3dfe": write_bu_3dfe,
    "bu_4dfe": write_bu_4dfe,
    "frgc_v2": write_frgc,
    "bosphorus": write_bosphorus,
}
DEPTH_WRITERS = {"biwi": write_biwi, "ict_3dhp": write_ict_3dhp}
SHOWN_SCAN_WRITERS = {
    "florence": write_florence,
    "florence_clips": write_florence_clips,
    "facewarehouse": write_facewarehouse,
}
