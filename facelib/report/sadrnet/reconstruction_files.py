"""The folder that `facelib reconstruct` makes: meshes, landmarks, pose, a picture and a page to turn the face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from facelib.data.photographs import Photograph
from facelib.papers.sadrnet.reconstruction import Reconstruction
from facelib.papers.trained import Trained
from facelib.report.interactive_picture import still_png, write_page
from facelib.report.meshes import FaceMesh, turnable_meshes, write_mesh
from facelib.report.output_folder import check_output
from facelib.report.sadrnet.reconstruction_picture import draw_reconstruction
from facelib.report.style import tier_label
from facelib.storage import atomic_path, write_json, write_text

FILES = ("face.glb", "face.obj", "landmarks.csv", "reconstruction.json", "overlay.png", "face.html")
MARK = "reconstruction.json"  # in a folder that is ours
ORIGIN = "network trained on embedded faces only"


def check_folder(folder: Path) -> None:
    """Raise BadInput if the folder holds files of these names that no earlier reconstruction left."""
    check_output(folder, FILES, MARK)


def write_reconstruction(
    folder: Path, photograph: Photograph, name: str, face: Reconstruction, trained: Trained[Any, Any]
) -> list[Path]:
    """Write all files; those of an earlier reconstruction are replaced.

    Args:
        folder: made when missing.
        photograph: that was read.
        name: of its file.
        face: the result.
        trained: the network that made it.

    Returns:
        The files, in the order of FILES.

    Raises:
        BadInput: as check_folder.
    """
    check_folder(folder)
    label = tier_label(trained.tier, ORIGIN)
    picture = draw_reconstruction(photograph, face, trained.method.label, label)
    png = still_png(picture, 200)
    faces = [
        FaceMesh("photograph's colours", face.vertices, face.triangles, face.colours),
        FaceMesh("shape", face.vertices, face.triangles),
    ]
    paths = [folder / file for file in FILES]
    glb, obj, csv, description, overlay, page = paths
    write_json(description, _description(name, photograph, face, trained, label))  # first: it marks the folder as ours
    for path in (glb, obj):
        write_mesh(path, face.vertices, face.triangles, face.colours)
    landmarks = pd.DataFrame(face.landmarks.numpy(), columns=["column_px", "row_px", "depth_px"])
    write_text(csv, landmarks.to_csv(index_label="landmark", float_format="%.3f"))  # from 0, in the order of iBUG
    with atomic_path(overlay) as temporary:
        temporary.write_bytes(png)
    write_page(turnable_meshes(faces, f"{trained.method.label}; {label}", png), page)
    return paths


def _description(
    name: str, photograph: Photograph, face: Reconstruction, trained: Trained[Any, Any], label: str
) -> dict[str, object]:
    pose = face.pose
    return {
        "photograph": {"file": name, "width_px": photograph.width, "height_px": photograph.height},
        "box_px": dict(zip(("left", "top", "right", "bottom"), face.box.corners, strict=True)),
        "pose_degrees": face.angles,
        "pose": {  # pixel = scale * rotation * mm + translation, depth growing away from the viewer
            "scale_px_per_mm": float(pose.scale),
            "rotation": pose.rotation.tolist(),
            "translation_px": pose.translation.tolist(),
        },
        "mesh": {
            "vertices": len(face.vertices),
            "triangles": len(face.triangles),
            "unit": "mm",
            "axes": "x to the subject's left, y up, z out of the face",
            "shape": "of the network" if face.own_shape else "the position map, turned back onto the mean face",
            "vertices_seen": int((~face.colours.isnan().any(dim=1)).sum()),
        },
        "model": dict(trained.origin),
        "label": label,
    }
