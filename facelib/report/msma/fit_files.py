"""The folder that `facelib fit` makes: coefficients, a mesh, pictures, and a page to turn the face."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image

from facelib.papers.msma import PAPER
from facelib.papers.msma.coefficient_file import write_coefficients
from facelib.papers.msma.fitted_face import FittedFace
from facelib.report.interactive_picture import still_png, write_page
from facelib.report.meshes import turnable_meshes, write_mesh
from facelib.report.msma.fit_pictures import SIDE, draw_relit, draw_turned, face_meshes, overlay
from facelib.report.output_folder import check_output
from facelib.report.style import pixels, tier_label
from facelib.storage import atomic_path, write_bytes

MARK = "coefficients.json"
FILES = (MARK, "face.glb", "overlay.png", "relit.png", "turned.png", "page.html")


def check_folder(folder: Path) -> None:
    """Raise BadInput if the folder holds files of these names that no earlier fit left."""
    check_output(folder, FILES, MARK)


def write_fit(folder: Path, face: FittedFace, name: str) -> list[Path]:
    """Write all files; those of an earlier fit are replaced.

    Args:
        folder: made when missing.
        face: in its photograph.
        name: of the photograph's file.

    Returns:
        The files, in the order of FILES.

    Raises:
        BadInput: as check_folder.
    """
    check_folder(folder)
    label = "; ".join(described(face))
    surface, shown = face.surface, overlay(face)
    relit, turned = (still_png(draw(face, label), SIDE) for draw in (draw_relit, draw_turned))
    paths = [folder / file for file in FILES]
    coefficients, glb, over, *others, page = paths
    write_coefficients(coefficients, face, name)  # first: it marks the folder as ours
    write_mesh(glb, surface.vertices, surface.triangles, face.colours)
    with atomic_path(over) as temporary:
        matplotlib.image.imsave(temporary, pixels(shown), format="png")
    for path, png in zip(others, (relit, turned), strict=True):
        write_bytes(path, png)
    write_page(turnable_meshes(face_meshes(face), label, turned, len(surface.vertices)), page)
    return paths


def described(face: FittedFace) -> tuple[str, str]:
    """What made the face, for people, and the label of its pictures."""
    title = PAPER.method(face.origin["method"]).label
    refined = ", refined by direct fitting" if face.origin["refined"] else ""
    return f"{title}{refined}", tier_label(face.origin["tier"], "network trained on embedded faces only")
