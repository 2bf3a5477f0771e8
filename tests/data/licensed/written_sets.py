"""Folders in the layouts and byte formats of licensed data sets, with made-up photographs: what tests read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat
from scipy.spatial.transform import Rotation
from written_scans import DEPTH_WRITERS, SCAN_WRITERS, SHOWN_SCAN_WRITERS

PEOPLE = {"Ana_Ruiz": 3, "Bo": 1, "Çelik_Öz": 2}  # of LFW, and how many photographs each has
VGG_PEOPLE = {"train": ("n000002", "n000003"), "test": ("n000001",)}
CELEBA_ATTRIBUTES = [f"Attribute_{number}" for number in range(40)]
CELEBA_PARTS = (0, 0, 1, 2)
CELEBA_PEOPLE = (17, 4, 17, 9)
ALIGNED_FIVE = (69, 111, 108, 111, 88, 135, 73, 152, 105, 152)  # eyes, tip of the nose, corners of the mouth
TURNS = ((0.0, 0.0, 0.0), (0.2, -0.7, 0.1), (-0.1, 1.2, -0.3), (0.4, 0.3, 0.2))  # pitch, yaw, roll of .mat files
ARL_VTF = (  # subject, condition and yaw
    ("s9", "G_VB0-", "-2.5"),
    ("s9", "P_VB0", ""),
    ("s9", "P_VP0", "-56"),
    ("s10", "G_VB0-", "0"),
    ("s2", "training", "3"),
)
FACESCAPE_TURNS = ((0.0, 0.0, 0.0), (0.9, -0.2, 0.1), (0.1, 0.1, 0.1))  # of heads: about y, x and z, in this order
SUBSETS = ("AFW", "HELEN", "HELEN_Flip", "IBUG")


def write_photograph(path: Path, size: tuple[int, int], number: int = 0) -> None:
    """A smooth picture, another for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    across, down = np.meshgrid(np.linspace(0, 200, size[0]), np.linspace(0, 200, size[1]))
    pixels = np.stack((across, down, np.full_like(across, 10 * number % 250)), axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=90)


def write_lfw(folder: Path) -> None:
    numbers = {}
    for person, count in PEOPLE.items():
        for each in range(1, count + 1):
            numbers[person, each] = len(numbers)
            write_photograph(folder / "lfw" / person / f"{person}_{each:04d}.jpg", (250, 250), len(numbers))
    lines = ["2\t1", "Ana_Ruiz\t1\t3", "Bo\t1\tAna_Ruiz\t2", "Çelik_Öz\t1\t2", "Bo\t1\tÇelik_Öz\t2"]
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_celeba(folder: Path, photographs: str = "img_align_celeba", line_end: str = "\n") -> None:
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names):
        size = (178, 218) if "align" in photographs else (400 + number, 300)
        write_photograph(folder / photographs / name, size, number)
    signs = [[1 if (row + column) % 3 else -1 for column in range(40)] for row in range(4)]
    five = "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
    wild = [(95 + each, 75, 226, 313, *[10 * each + 120] * 10) for each in range(4)]
    tables: dict[str, list[str]] = {
        "identity_CelebA.txt": _rows(names, [[person] for person in CELEBA_PEOPLE]),
        "list_eval_partition.txt": _rows(names, [[part] for part in CELEBA_PARTS]),
        "list_attr_celeba.txt": ["4", " ".join(CELEBA_ATTRIBUTES), *_rows(names, signs)],
        "list_landmarks_align_celeba.txt": ["4", five, *_rows(names, [ALIGNED_FIVE] * 4)],
        "list_landmarks_celeba.txt": ["4", five, *_rows(names, [row[4:] for row in wild])],
        "list_bbox_celeba.txt": ["4", "image_id x_1 y_1 width height", *_rows(names, [row[:4] for row in wild])],
    }
    for name, lines in tables.items():
        (folder / name).write_bytes((line_end.join(lines) + line_end).encode())


def _rows(names: list[str], values: Any) -> list[str]:
    return [f"{name}  {' '.join(f'{value:2d}' for value in row)}" for name, row in zip(names, values, strict=True)]


def write_vggface2(folder: Path) -> None:
    (folder / "bb_landmark").mkdir(parents=True)
    for part, people in VGG_PEOPLE.items():
        boxes = ["NAME_ID,X,Y,W,H"]
        points = ["NAME_ID," + ",".join(f"P{point}{axis}" for point in range(1, 6) for axis in "XY")]
        for person in people:
            for number in (1, 12):
                name = f"{person}/{number:04d}_01"
                write_photograph(folder / part / f"{name}.jpg", (160 + number, 200), number)
                boxes.append(f'"{name}",{30 + number},40,80,100')
                points.append(f'"{name}",55.5,75.25,90.5,76,71,95,58,115,88,116')
        for kind, lines in (("bb", boxes), ("landmark", points)):
            text = "\n".join(lines) + "\n"
            (folder / "bb_landmark" / f"loose_{kind}_{part}.csv").write_text(text, encoding="utf-8")


def fitted_face(number: int) -> dict[str, np.ndarray]:
    """Variables of one photograph of 300W-LP or AFLW2000-3D."""
    chance = np.random.default_rng(number)
    pose = np.array([*TURNS[number % 4], 200.0 + number, 230.0, -70.0, 1.1e-3])
    points = np.stack((chance.uniform(120, 320, 68), chance.uniform(110, 330, 68), chance.uniform(-90, 90, 68)))
    return {
        "Pose_Para": pose[None].astype(np.float32),
        "Shape_Para": chance.normal(0, 1e6, (199, 1)).astype(np.float32),
        "Exp_Para": chance.normal(0, 1, (29, 1)).astype(np.float32),
        "Color_Para": np.ones((1, 7)),
        "Illum_Para": np.ones((1, 10)),
        "Tex_Para": np.zeros((199, 1)),
        "roi": np.array([[1, 1, 450, 450]], np.int16),
        "points": points,
    }


def write_300w_lp(folder: Path, *, compressed: bool = False) -> None:
    for number, subset in enumerate(SUBSETS):
        stem = folder / "300W_LP" / subset / f"{subset.removesuffix('_Flip')}_12{'' if number else '_1'}_{number}"
        write_photograph(stem.with_suffix(".jpg"), (450, 450), number)
        values = fitted_face(number)
        values["pt2d"] = values.pop("points")[:2]
        savemat(stem.with_suffix(".mat"), values, do_compression=compressed)


def write_aflw2000(folder: Path) -> None:
    for number in range(4):
        stem = folder / "AFLW2000" / f"image{number + 2:05d}"
        write_photograph(stem.with_suffix(".jpg"), (450, 450), number)
        values = fitted_face(number)
        values |= {"pt3d_68": values.pop("points"), "pt2d": np.full((2, 21), -1.0)}
        savemat(stem.with_suffix(".mat"), values, do_compression=True)


def write_basel(folder: Path, vertices: int = 20, kept: int = 12) -> dict[str, np.ndarray]:
    """A model with the variables of the Basel Face Model of 2009 and of 3DDFA; returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(5)
    shapes = {
        "shapeMU": chance.normal(0, 5e4, (3 * vertices, 1)).astype(np.float32),
        "shapePC": chance.normal(0, 1e-3, (3 * vertices, 199)).astype(np.float32),
        "tl": np.ones((4, 3)),
    }
    expressions = {"mu_exp": chance.normal(0, 1e3, (3 * kept, 1)), "w_exp": chance.normal(0, 1e3, (3 * kept, 29))}
    trimmed = {"trimIndex": chance.permutation(vertices)[:kept, None].astype(np.float64) + 1}
    savemat(folder / "01_MorphableModel.mat", shapes)
    savemat(folder / "Model_Expression.mat", expressions, do_compression=True)
    savemat(folder / "model_info.mat", trimmed)
    return shapes | expressions | trimmed


def write_arl_vtf(folder: Path) -> None:
    points = np.array(ALIGNED_FIVE, float) + 60
    lines = ["path,subject,condition,yaw,keypoints"]
    for number, (subject, condition, yaw) in enumerate(ARL_VTF):
        name = f"visible/{subject}/ü_{number}.png"
        write_photograph(folder / name, (320, 300), number)
        lines.append(f'{name},{subject},{condition},{yaw},"{" ".join(map(str, points + number))}"')
    (folder / "arl_vtf.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")


def write_mofa_test(folder: Path) -> None:
    for number, name in enumerate(("a.jpg", "b c.PNG", "ü.jpeg")):
        write_photograph(folder / name, (200 + 20 * number, 180), number)


def facescape_frame(person: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation and shift that bring a person's scanned frame to the face frame."""
    turn = Rotation.from_euler("xyz", (0.3 * person, -0.2, 1.1)).as_matrix()
    return 2.5 + person, turn, np.array([4.0, -7.0, 11.0 * person])


def facescape_view(person: int, head: np.ndarray) -> dict[str, Any]:
    """A camera that sees the face, turned by `head`, 700 mm ahead; fields of params.json without the view's number."""
    scale, turn, shift = facescape_frame(person)
    rotation = np.diag((1, -1, -1)) @ head  # from the face frame to the camera's, where its origin is at (8, -5, 700)
    to_camera = rotation @ turn
    ahead = (np.array((8, -5, 700)) + rotation @ shift) / scale
    return {
        "K": [[450.0, 0.0, 160.0], [0.0, 455.0, 140.0], [0.0, 0.0, 1.0]],
        "Rt": np.column_stack((to_camera, ahead)).tolist(),
        "distortion": [2.0, -0.5, 0.03, -0.02, 0.1],
        "width": 320,
        "height": 300,
        "valid": True,
    }


def facescape_face(person: int) -> np.ndarray:
    """80 vertices of a face, mm in the face frame."""
    return np.random.default_rng(person).normal(0, (30, 35, 15), (80, 3)).round(4)


def write_facescape(folder: Path) -> None:
    frames: dict[str, Any] = {}
    for person in (1, 3):
        scale, turn, shift = facescape_frame(person)
        for shown in ("1_neutral", "20_brow_lower"):
            frames.setdefault(str(person), {})[shown.partition("_")[0]] = [
                scale,
                np.column_stack((turn, shift)).tolist(),
            ]
            model = folder / "facescape_trainset" / str(person) / "models_reg" / f"{shown}.obj"
            model.parent.mkdir(parents=True, exist_ok=True)
            model.write_text("mtllib a.mtl\n" + "".join(f"v {x} {y} {z}\n" for x, y, z in facescape_face(person)))
            parameters: dict[str, Any] = {}
            for view, angles in enumerate(FACESCAPE_TURNS):
                head = Rotation.from_euler("YXZ", angles).as_matrix()
                camera = facescape_view(person, head) | {"valid": view != 2}
                parameters |= {f"{view}_{key}": value for key, value in camera.items()}
                write_photograph(folder / "fsmview_trainset" / str(person) / shown / f"{view}.jpg", (320, 300), view)
            (folder / "fsmview_trainset" / str(person) / shown / "params.json").write_text(json.dumps(parameters))
    (folder / "Rt_scale_dict.json").write_text(json.dumps(frames))
    np.savez(folder / "landmark_indices.npz", v10=np.arange(68) + 5, v16=np.arange(68))


PHOTOGRAPH_WRITERS = {
    "300w_lp": write_300w_lp,
    "aflw2000": write_aflw2000,
    "lfw": write_lfw,
    "celeba": write_celeba,
    "vggface2": write_vggface2,
    "arl_vtf": write_arl_vtf,
    "mofa_test": write_mofa_test,
    "facescape": write_facescape,
    **SHOWN_SCAN_WRITERS,
}
WRITERS = PHOTOGRAPH_WRITERS | SCAN_WRITERS | DEPTH_WRITERS
