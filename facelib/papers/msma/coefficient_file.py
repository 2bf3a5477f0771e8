"""The file in which coefficients of a photograph are kept: JSON with its own checksum.

It holds the landmarks too, which tell whether the face model and the camera here are those that it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from facelib.data.photographs import FaceBox, Photograph, square_crop
from facelib.errors import BadInput
from facelib.geometry.alignment import lengths
from facelib.models.msma import FaceCoefficients
from facelib.papers.msma.face_renderer import DISTANCE_MM, FOCAL, FULL_SIZE
from facelib.papers.msma.fitted_face import FittedFace
from facelib.papers.msma.networks import mean_coefficients
from facelib.storage import read_json, write_json

KIND = "coefficients of a fitted face"
DEVIATIONS = "standard deviations"
UNITS = {
    "identity": DEVIATIONS,
    "expression": DEVIATIONS,
    "albedo": DEVIATIONS,
    "angles": "yaw, pitch and roll in radians",
    "translation": "decimetres",
    "light": "nine harmonics of red, green and blue each",
}
CAMERA = {"focal_px": FOCAL, "image_px": FULL_SIZE, "distance_mm": DISTANCE_MM}
SAME = 0.005  # of the crop's side that landmarks of two bakings of one face model may lie apart
REMEDY = "fit the photograph again with `facelib fit`"


def write_coefficients(path: Path, face: FittedFace, name: str) -> None:
    """Write the coefficients of a face.

    Args:
        path: of the JSON file.
        face: in its photograph.
        name: of the photograph's file.
    """
    size = face.renderer.size
    left, top = face.crop.offset
    content = {
        "kind": KIND,
        "photograph": {"file": name, **_sizes(face.photograph)},
        "box_px": dict(zip(("left", "top", "right", "bottom"), face.box.corners, strict=True)),
        "crop_px": {"left": left, "top": top, "side": face.crop.scale * size, "read_at": size},
        "camera": CAMERA,
        "coefficients": {
            key: {"unit": UNITS[key], "values": value[0].tolist()} for key, value in face.coefficients._asdict().items()
        },
        "angles_degrees": face.angles,
        "landmarks_px": face.landmarks.tolist(),
        "model": dict(face.origin),
    }
    write_json(path, content)


def read_coefficients(path: Path, photograph: Photograph) -> FittedFace:
    """The face that a file holds, in its photograph.

    Raises:
        BadInput: there is no such file; it holds something else, coefficients of another camera or face model, or those
            of a photograph of another size.
        CorruptFile: it was damaged or edited.
        DegenerateInput: the coefficients make no face before the camera.
    """
    if not path.is_file():
        raise BadInput(f"there is no file {path}: expected the coefficients.json of an earlier `facelib fit`")
    content = read_json(path, REMEDY)
    if content.get("kind") != KIND:
        raise BadInput(f"{path} is of kind {content.get('kind')!r}, expected {KIND!r}: {REMEDY}")
    if content["camera"] != CAMERA:
        raise BadInput(f"{path} holds coefficients of the camera {content['camera']}, expected {CAMERA}: {REMEDY}")
    here, there = _sizes(photograph), {key: content["photograph"][key] for key in _sizes(photograph)}
    if here != there:
        raise BadInput(
            f"the photograph has the size {here}, that of {path} {there}: give {content['photograph']['file']}"
        )
    place = content["crop_px"]
    square = FaceBox(place["left"], place["top"], place["left"] + place["side"], place["top"] + place["side"])
    crop = square_crop(photograph, square, place["read_at"], enlarge=1.0, as_border=True)
    box = FaceBox(*content["box_px"].values())
    face = FittedFace(_coefficients(path, content["coefficients"]), crop, box, photograph, content["model"])
    apart = float(lengths(face.landmarks - torch.tensor(content["landmarks_px"]), dim=1).max())
    if apart > SAME * place["side"]:
        raise BadInput(f"{path} comes of another face model: landmarks lie up to {apart:.1f} pixels apart; {REMEDY}")
    return face


def _sizes(photograph: Photograph) -> dict[str, float]:
    return {"width_px": photograph.width, "height_px": photograph.height}


def _coefficients(path: Path, found: Mapping[str, Any]) -> FaceCoefficients:
    usual = mean_coefficients()._asdict()
    counts = {name: len(found.get(name, {}).get("values", ())) for name in usual}
    expected = {name: value.shape[1] for name, value in usual.items()}
    if counts != expected:
        raise BadInput(f"{path} holds {counts}: expected {expected}, the face model's; {REMEDY}")
    return FaceCoefficients(**{name: torch.tensor([found[name]["values"]]) for name in usual})
