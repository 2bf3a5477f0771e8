"""Folders of scans in the byte formats of licensed data sets, written from embedded faces."""

from __future__ import annotations

import json
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from made_depth_folders import head, model, write_biwi, write_facewarehouse_depth, write_ict_3dhp
from made_scans import as_mesh, write_scan, wrl_file
from PIL import Image

from facelib.data.licensed.landmark_files import BND_POINTS, LM3_LABELS
from facelib.faces.population import EXPRESSIONS
from facelib.faces.scanners import IN_MOUTH, Scanner, scan_heads, triangles_without
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


SCAN_WRITERS = {
    "bu_3dfe": write_bu_3dfe,
    "bu_4dfe": write_bu_4dfe,
    "frgc_v2": write_frgc,
    "bosphorus": write_bosphorus,
}
DEPTH_WRITERS = {
    "biwi": write_biwi,
    "ict_3dhp": write_ict_3dhp,
    "facewarehouse_depth": write_facewarehouse_depth,
}
SHOWN_SCAN_WRITERS = {
    "florence": write_florence,
    "florence_clips": write_florence_clips,
    "facewarehouse": write_facewarehouse,
}
