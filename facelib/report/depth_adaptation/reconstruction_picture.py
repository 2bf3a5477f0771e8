"""One head of a depth frame on a page: the frame, the crop as a surface, the mesh in it, and how far both are apart."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth import crop_about
from facelib.geometry.rasterizer import rasterize
from facelib.papers.depth_adaptation.reconstruction import DepthFace
from facelib.report.depth_adaptation.depth_pictures import by_depth, over_frame, relief
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.style import PALETTE, pixels, stamp, switch_off

SIDE = 320  # pixels of a panel
REACH = 300.0  # mm that a panel shows
LIMIT = 20.0  # mm, of the strongest colours
DIFFERENCES = "RdBu"  # red where the frame is behind the mesh
BACKGROUND = 300.0  # mm behind the head, which is not lit
BEFORE, AFTER = 250.0, 900.0  # mm about the head whose depth is told apart by colours


def draw_depth_face(face: DepthFace, title: str, label: str) -> Figure:
    """Five panels.

    Args:
        face: as it was read off.
        title: which networks it was.
        label: for the stamp.
    """
    figure, panels = plt.subplots(1, 5, figsize=(10.6, 2.75), layout="constrained", width_ratios=(1.33, 1, 1, 1, 1))
    switch_off(panels)
    crop, camera = _crop(face)
    lit = relief(crop.where(crop < face.found.middle[2] + BACKGROUND, 0), camera, smoothed=2.0)
    _draw_frame(panels[0], face)
    _picture(panels[1], lit, "crop, lit")
    _picture(panels[2], over_frame(lit, camera, face.vertices, face.triangles), "mesh and 68 landmarks")
    landmarks = camera.project(face.vertices[face.surface.landmarks][None])[0, :, :2].numpy() - 0.5
    inside = ((landmarks > 0) & (landmarks < SIDE - 1)).all(axis=1)
    panels[2].plot(*landmarks[inside].T, ".", ms=2.6, color=PALETTE[0], mec="white", mew=0.25)
    _draw_difference(panels[3], face, crop, camera)
    _picture(panels[4], shaded_picture(FaceMesh("shape", face.shape, face.triangles), 0.0, SIDE), "shape, turned back")
    angles = ", ".join(f"{name} {round(value):+d}°" for name, value in face.angles.items())
    figure.suptitle(f"{title}: {angles}", fontsize=9, x=0.005, ha="left", fontweight="bold")
    stamp(figure, label)
    return figure


def difference(face: DepthFace, crop: torch.Tensor, camera: PerspectiveCamera) -> torch.Tensor:
    """How far the frame is behind the mesh (H, W) mm, NaN where one of both has nothing."""
    screen = camera.project(face.vertices[None])
    mesh = rasterize(screen, face.triangles, *crop.shape, perspective=True, cull_back_faces=True)
    both = mesh.mask[0] & (crop > 0)
    return (crop - mesh.depth[0]).where(both, torch.nan)


def _crop(face: DepthFace) -> tuple[torch.Tensor, PerspectiveCamera]:
    """What the frame has about the head that was found."""
    crop, camera = crop_about(face.depth[None], face.camera, face.found.middle[None], REACH, SIDE)
    values = (camera.focal, camera.center_u, camera.center_v, camera.focal_v)
    return crop[0], PerspectiveCamera(*(float(torch.as_tensor(value).reshape(-1)[0]) for value in values))


def _draw_frame(panel: Axes, face: DepthFace) -> None:
    middle = float(face.found.middle[2])
    panel.imshow(pixels(by_depth(face.depth, middle - BEFORE, middle + AFTER)))
    (column, row, _), *_ = face.camera.project(face.found.middle[None, None])[0].tolist()
    focal_v = face.camera.focal if face.camera.focal_v is None else face.camera.focal_v
    width, height = (float(focal) * REACH / middle for focal in (face.camera.focal, focal_v))
    corner = (column - width / 2, row - height / 2)
    panel.add_patch(Rectangle(corner, width, height, fill=False, edgecolor="white", linewidth=1.2))
    panel.set_title(f"frame, head at {middle / 1000:.2f} m", fontsize=8, fontweight="normal", loc="center", pad=3)


def _draw_difference(panel: Axes, face: DepthFace, crop: torch.Tensor, camera: PerspectiveCamera) -> None:
    off = difference(face, crop, camera).numpy()
    panel.imshow(off, cmap=DIFFERENCES, vmin=-LIMIT, vmax=LIMIT)
    panel.set_title("frame behind the mesh", fontsize=8, fontweight="normal", loc="center", pad=3)
    place = panel.inset_axes((0.08, -0.1, 0.84, 0.05))
    bar = panel.figure.colorbar(
        ScalarMappable(Normalize(-LIMIT, LIMIT), DIFFERENCES), cax=place, orientation="horizontal",
        ticks=[-LIMIT, 0, LIMIT], extend="both",
    )  # fmt: skip
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.set_xticklabels([f"−{LIMIT:.0f}", "0", f"{LIMIT:.0f} mm"], fontsize=6)
    bar.ax.tick_params(length=2)


def _picture(panel: Axes, image: torch.Tensor, title: str) -> None:
    panel.imshow(pixels(image))
    panel.set_title(title, fontsize=8, fontweight="normal", loc="center", pad=3)
