"""The folder that `facelib reconstruct-depth` makes: meshes, pose, a picture, and a page with the head in its cloud."""

from __future__ import annotations

from pathlib import Path

import torch

from facelib.papers.depth_adaptation import PAPER
from facelib.papers.depth_adaptation.methods import POSE, SHAPE
from facelib.papers.depth_adaptation.reconstruction import DepthFace
from facelib.report.depth_adaptation.reconstruction_picture import draw_depth_face
from facelib.report.depth_adaptation.turnable_cloud import clouded_head, interactive_cloud
from facelib.report.interactive_picture import still_png, write_page
from facelib.report.meshes import CLAY, write_mesh
from facelib.report.output_folder import check_output
from facelib.report.style import tier_label, use_house_style
from facelib.storage import write_bytes, write_json

MARK = "reconstruction.json"  # in a folder that is ours
FILES = ("face.glb", "face.obj", MARK, "overlay.png", "face.html")
ORIGIN = "networks trained on embedded faces only"


def check_folder(folder: Path) -> None:
    """Raise BadInput if the folder holds files of these names that no earlier reconstruction left."""
    check_output(folder, FILES, MARK)


def write_depth_face(folder: Path, face: DepthFace, name: str) -> list[Path]:
    """Write all files; those of an earlier reconstruction are replaced.

    Args:
        folder: made when missing.
        face: the result.
        name: of the frame's file.

    Returns:
        The files, in the order of FILES.

    Raises:
        BadInput: as check_folder.
    """
    check_folder(folder)
    use_house_style()
    title, label = described(face)
    png = still_png(draw_depth_face(face, title, label), 200)
    paths = [folder / file for file in FILES]
    glb, obj, description, overlay, page = paths
    write_json(description, _description(face, name, label))  # first: it marks the folder as ours
    for path in (glb, obj):
        write_mesh(path, face.vertices, face.triangles, torch.tensor(CLAY).expand_as(face.vertices))
    write_bytes(overlay, png)
    head = clouded_head(face.depth, face.camera, face.vertices, face.triangles)
    write_page(interactive_cloud(head, f"{title}; {label}", png), page)
    return paths


def described(face: DepthFace) -> tuple[str, str]:
    """What made the head, for people, and the label of its pictures."""
    labels = [PAPER.method(face.origin[kind]["method"]).label for kind in (SHAPE, POSE)]
    tiers = dict.fromkeys(face.origin[kind]["tier"] for kind in (SHAPE, POSE))
    return f"shape by {labels[0]}, pose by {labels[1]}", "; ".join(tier_label(tier, ORIGIN) for tier in tiers)


def _description(face: DepthFace, name: str, label: str) -> dict[str, object]:
    height, width = face.depth.shape
    camera = face.camera
    values = (
        camera.focal,
        camera.focal if camera.focal_v is None else camera.focal_v,
        camera.center_u,
        camera.center_v,
    )
    return {
        "frame": {"file": name, "width_px": width, "height_px": height,
                  "intrinsics_px": dict(zip(("fx", "fy", "cx", "cy"), map(float, values), strict=True))},
        "pose_degrees": face.angles,
        "pose": {  # camera = diag(1, -1, -1) * rotation * face + translation
            "rotation": face.rotation.tolist(),
            "translation_mm": face.translation.tolist(),
        },
        "landmarks_px": [[round(each, 3) for each in point] for point in face.landmarks.tolist()],
        "mesh": {
            "vertices": len(face.vertices),
            "triangles": len(face.triangles),
            "unit": "mm",
            "axes": "of the camera: x right, y down, z forward",
            "median_mm_off_the_frame": round(face.off, 2),
        },
        "found": {"middle_mm": face.found.middle.tolist(), "agreement": round(face.found.agreement, 3)},
        "model": {kind: dict(origin) for kind, origin in face.origin.items()},
        "label": label,
    }  # fmt: skip
