"""Reader of MICC Florence: textured scans of 53 people, drawn in the 20 poses of paper 3, each with points of its scan.

A scanner's frame differs from scan to scan, so landmarks lay a scan into the face frame: 68 points a scan, in files
beside or in the same places below another folder (`MICC_landmarks/subject_01/Model/frontal1/obj/NAME.ljson`), which
other authors give out and we do not. Points of the scan are cut to 95 mm about the tip of the nose, as the papers do.
Photographs are the scan's texture under the camera of the embedded counterpart, without a background. Frames of paper
5's video clips have a reader of their own (`facelib.data.licensed.florence_clips`).
Source: Bagdanov et al., "The Florence 2D/3D hybrid face dataset", J-HGBU 2011.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA, INNER_LANDMARKS, NOSE_TIP, OUTER_EYE_CORNERS
from facelib.data.embedded.aflw_300wlp import CROP
from facelib.data.embedded.florence import FlorenceSettings
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.landmark_files import read_ljson
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import Photograph
from facelib.errors import BadInput, FacelibError
from facelib.faces.baking import load_face_model
from facelib.faces.obj_files import ObjFile, read_obj
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.point_clouds import sample_surface
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import angle_from_frontal, euler_to_matrix

MODEL = "frontal1"
PERSON = re.compile(r"(?:.*/)?(subject_\d+)")
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
POSES = tuple(product(FlorenceSettings.pitches, FlorenceSettings.yaws))  # degrees
POINTS, REACH = FlorenceSettings.points, FlorenceSettings.reach
OFF = 15.0  # mm, root mean square of a face's landmarks from the mean face's, once laid on them


def _index(folder: DataFolder) -> Index:
    place, beside = folder.place("people"), folder.place_if_there("landmarks")
    columns: dict[str, list[Any]] = {name: [] for name in ("files", "identity", "number", "pitch", "yaw")}
    without = []
    people = people_of(folder, place)
    for number, person in enumerate(people):
        scan, landmarks = scan_files(folder, place, beside, person)
        files = [scan, _texture(folder, scan), landmarks]
        if not (folder.root / f"{_below(place, person)}/Model/frontal2").is_dir():
            without.append(person)
        for pitch, yaw in POSES:
            columns["files"].append(files)
            columns["identity"].append(number)
            columns["number"].append(len(columns["number"]))
            columns["pitch"].append(pitch)
            columns["yaw"].append(yaw)
    counts = {"people": len(people), "photographs": len(columns["files"]), "second scans": len(people) - len(without)}
    told = f"no second frontal scan of {', '.join(without[:5])}; the first counts for them" if without else ""
    return Index(columns, counts=counts, remarks=[told] if told else [])


def people_of(folder: DataFolder, place: str) -> list[str]:
    """The names of the people's folders in a place; raises BadInput where there are none."""
    people = [name for name in folder.folders(place) if PERSON.fullmatch(name)]
    if not people:
        raise BadInput(f"{folder.root / place} holds no people: expected subject_01/Model/{MODEL}/obj and so on")
    return people


def scan_files(folder: DataFolder, place: str, beside: str | None, person: str) -> tuple[str, str]:
    """The first frontal scan of a person of a place, and its landmarks, which may lie below another folder."""
    scan = _only_scan(folder, f"{_below(place, person)}/Model/{MODEL}")
    return scan, _landmarks_of(folder, scan, place, beside)


def _below(place: str, name: str) -> str:
    return name if place == "." else f"{place}/{name}"


def _only_scan(folder: DataFolder, place: str) -> str:
    if not (folder.root / place).is_dir():
        raise folder.misfit(place, "is missing", "a folder with the first frontal scan of each person")
    scans = list(folder.files(place, (".obj",)))
    if len(scans) != 1:
        raise folder.misfit(place, f"holds {len(scans)} scans (.obj)", "one")
    return scans[0]


def _texture(folder: DataFolder, scan: str) -> str:
    """The picture that the scan's materials name, by its name alone: paths in them are those of another machine."""
    place = str(PurePosixPath(scan).parent)
    pictures = list(folder.files(place, IMAGES))
    materials = list(folder.files(place, (".mtl",)))
    named = [
        re.split(r"[\\/]", line.split(None, 1)[1].strip())[-1]
        for name in materials
        for _, line in folder.lines(name)
        if line.strip().lower().startswith("map_kd ") and len(line.split(None, 1)) == 2
    ]
    chosen = [each for each in pictures if each.rpartition("/")[2] in named] if named else pictures
    if len(chosen) != 1:
        told = f"names {', '.join(named[:3])}" if named else "names no texture"
        raise folder.misfit(
            materials[0] if materials else scan, f"{told}, of {len(pictures)} pictures beside it", "one picture there"
        )
    return chosen[0]


def _landmarks_of(folder: DataFolder, scan: str, place: str, beside: str | None) -> str:
    own = str(PurePosixPath(scan).with_suffix(".ljson"))
    if beside is None:
        return own
    return f"{beside}/{own if place == '.' else own.removeprefix(f'{place}/')}"


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    scan, texture, landmarks = row["files"]
    mesh = folder.read_once(scan, read_obj)
    if not len(mesh.uv):
        raise folder.misfit(scan, "has no texture coordinates (vt)", "a textured mesh")
    vertices, points = in_face_frame(folder, scan, landmarks, mesh)
    pose = torch.deg2rad(torch.tensor((row["yaw"], row["pitch"], 0.0)))
    turn = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*pose.unbind())
    seen_points = points @ turn.T
    low, high = seen_points[:, :2].amin(dim=0), seen_points[:, :2].amax(dim=0)
    scale = size / (CROP * float((high - low).max()))
    center = size / 2 - scale * (low + high) / 2
    screen = vertices @ turn.T * scale
    screen[:, :2] += center
    image, skin = _drawn(folder, texture, mesh, screen, vertices, points[NOSE_TIP], size)
    return {
        "images": image,
        "skin": skin,
        "expression": np.array(0, np.int16),
        "angle": np.array(float(angle_from_frontal(euler_to_matrix(*pose.unbind()))), np.float32),
        "pose": pose.numpy(),
        "cloud": np.array(-1, np.int32),
        "occluder": np.array(0, np.int16),
        "scale": np.array(scale, np.float32),
        "center": center.numpy(),
        "landmarks_2d": (seen_points[:, :2] * scale + center).numpy(),
        "scan": np.array(row["number"], np.int32),
        "scan_landmarks": points.numpy(),
        "scans": points_of_scan(folder, scan, mesh, vertices, points[NOSE_TIP]),
        "scan_corners": points[list(OUTER_EYE_CORNERS)].numpy(),
    }


def in_face_frame(folder: DataFolder, scan: str, landmarks: str, mesh: ObjFile) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertices (V, 3) and landmarks (68, 3) in mm, laid on the mean face without a change of size.

    Raises:
        CorruptFile: the landmarks are those of no face, or of another scan.
    """
    points = torch.from_numpy(read_ljson(folder, landmarks))
    inner = list(INNER_LANDMARKS)
    mean = _mean_landmarks()[inner].double()
    try:
        place = similarity_transform(points[None, inner], mean[None], scale=False)
        off = float((place.apply(points[None, inner]) - mean).square().sum(dim=2).mean().sqrt())
    except FacelibError as error:
        raise folder.misfit(landmarks, f"has landmarks of no face ({error})", "68 points of the scan, in mm") from error
    if off > OFF:
        raise folder.misfit(landmarks, f"has landmarks {off:.1f} mm from the mean face's", "mm, in the order of iBUG")
    vertices = place.apply(torch.from_numpy(mesh.vertices)[None])[0].float()
    points = place.apply(points[None])[0].float()
    away = float((vertices - points[NOSE_TIP]).norm(dim=1).min())
    if away > OFF:
        raise folder.misfit(
            scan, f"has nothing within {away:.1f} mm of the tip of the nose", "the scan of its landmarks"
        )
    return vertices, points


@lru_cache(maxsize=1)
def _mean_landmarks() -> torch.Tensor:
    model = load_face_model("coarse")
    return model.mean[model.landmarks]


def points_of_scan(
    folder: DataFolder, scan: str, mesh: ObjFile, vertices: torch.Tensor, tip: torch.Tensor
) -> np.ndarray:
    """Points (P, 3) drawn evenly over the surface within reach of the nose; the same ones for the same scan.

    Raises:
        CorruptFile: there is no surface.
    """
    triangles = torch.from_numpy(mesh.triangles)
    near = triangles[((vertices - tip).norm(dim=1) < REACH)[triangles].all(dim=1)]
    generator = torch.Generator().manual_seed(0)
    try:
        return sample_surface(vertices[None], near, POINTS, generator)[0].numpy()
    except BadInput as error:
        raise folder.misfit(scan, f"has no surface about the nose ({error})", "a scan of a face in mm") from error


def _drawn(
    folder: DataFolder,
    texture: str,
    mesh: ObjFile,
    screen: torch.Tensor,
    vertices: torch.Tensor,
    tip: torch.Tensor,
    size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The scan in its texture (3, S, S) uint8 on black, and where it shows the face (S, S) uint8."""
    triangles = torch.from_numpy(mesh.triangles)
    seen = rasterize(screen[None], triangles, size, size, perspective=False)
    shown = seen.triangle[0].clamp(min=0)
    weights = seen.barycentric[0][..., None]
    uv = (torch.from_numpy(mesh.uv).float()[torch.from_numpy(mesh.uv_triangles)[shown]] * weights).sum(dim=2)
    photograph = _kept_photograph(folder, texture)
    places = torch.stack((uv[..., 0] % 1, (1 - uv[..., 1]) % 1), dim=-1).flatten(0, 1)
    size_of_file = torch.tensor([photograph.width, photograph.height])
    colours = photograph.colours_at(places * size_of_file).nan_to_num(0)
    image = colours.T.unflatten(1, (size, size)) * seen.mask[0]
    place = (vertices[triangles[shown]] * weights).sum(dim=2)
    skin = seen.mask[0] & ((place - tip).norm(dim=2) < REACH)
    return (image * 255).round().to(torch.uint8).numpy(), skin.to(torch.uint8).numpy()


def _kept_photograph(folder: DataFolder, name: str) -> Photograph:
    return folder.read_once(name, lambda _: folder.photograph(name))


READER = Reader(
    name="florence",
    title="MICC Florence",
    licence="research, on request; landmarks by other authors, under GPL-3",
    ask="the Media Integration and Communication Center, University of Florence",
    disk="30 GB with videos",
    serves="paper 3: reconstruction",
    layout={"people": ("MICC", "florence", "."), "landmarks": ("MICC_landmarks", "landmarks")},
    counts={"people": 53, "photographs": 1060, "second scans": 52},
    index=_index,
    read=_read,
)
