"""Figures 6, 8 and 9 of paper 4: heads as meshes, beside the frames that they were read off and the points in these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.data.depth_faces import LabelledDepth
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.protocol import head_errors
from facelib.papers.depth_adaptation.truth import NINE_LANDMARKS
from facelib.report.depth_adaptation.depth_pictures import frame_of, over_frame, relief
from facelib.report.depth_adaptation.turnable_cloud import LIMIT, CloudedHead, clouded_head
from facelib.report.meshes import CLAY, FaceMesh, shaded_picture
from facelib.report.overlay import (
    SIDE,
    bar_beside,
    clay,
    enlarged,
    error_colours,
    laid_over,
    name_column,
    name_row,
    note_below,
    photograph_grid,
    picture_grid,
    show,
    wrapped,
)
from facelib.report.style import ERROR_COLOURS

TRUTH = "true head"
LIMIT_MM = 8.0  # of the strongest colour of errors
LIT = 0.8  # pixels over which frames are smoothed for the light's sake
QUANTILES = {"one of the best": 0.1, "typical": 0.5, "one of the worst": 0.9}
CLOUD_YAW = 40.0  # degrees by which a cloud is turned
MANY = 3000  # points, which are drawn smaller
IN_FRONT = 1.5  # mm by which a point that lies on the mesh may be behind it and still be drawn


def typical_rows(errors: np.ndarray, among: np.ndarray) -> dict[str, int]:
    """Rows by rule: those whose error is at `QUANTILES` of the errors (N,) of frames among which is chosen (N,)."""
    rows = np.flatnonzero(among)[np.argsort(errors[among], kind="stable")]
    return {title: int(rows[round(share * (len(rows) - 1))]) for title, share in QUANTILES.items()}


def turned_rows(true: np.ndarray, count: int = 4) -> dict[str, int]:
    """Rows of turns (N, 3, 3) from the largest yaw to one side to that to the other, by title."""
    yaw = np.rad2deg(np.arctan2(true[:, 0, 2], true[:, 2, 2]))
    order = np.argsort(yaw, kind="stable")
    rows = dict.fromkeys(int(order[round(share * (len(order) - 1))]) for share in np.linspace(0, 1, count))
    return {f"yaw {yaw[row]:+.0f}°": row for row in rows}


def mesh_data(titles: Sequence[str], heads: Mapping[str, torch.Tensor], true: torch.Tensor) -> pd.DataFrame:
    """Errors of B heads: columns frame, method, and those of `head_errors`."""
    surface = face_surface()
    lines = [
        {"frame": title, "method": label, **head_errors(found[number], true[number], surface)}
        for label, found in heads.items()
        for number, title in enumerate(titles)
    ]
    return pd.DataFrame(lines)


def draw_meshes(
    titles: Sequence[str], labelled: LabelledDepth, heads: Mapping[str, torch.Tensor], true: torch.Tensor
) -> Figure:
    """A row a frame: itself, and of each method the mesh, with its error of eq. 8, and how far it is from the truth.

    Beside the true head stands how far the mean face is from it, which is what there is to tell.

    Args:
        titles: B names.
        labelled: B frames.
        heads: label -> (B, V, 3) mm in the face frame.
        true: (B, V, 3).
    """
    surface = face_surface()
    images = torch.stack([enlarged(relief(*frame_of(labelled.frames, row), LIT)) for row in range(len(titles))])
    figure, blocks = photograph_grid(titles, images, (*heads, TRUTH), ("mesh", "off by"), shown="frame")
    for label, block in blocks.items():
        for number, (mesh, off) in enumerate(block):
            if label == TRUTH:
                show(mesh, _face(true[number], surface))
                _show_errors(off, surface.mean, true[number], surface)
                continue
            found = heads[label][number]
            show(mesh, _face(found, surface), f"{head_errors(found, true[number], surface)['fitting']:.4f}")
            _show_errors(off, found, true[number], surface)
    name_column(blocks[TRUTH][0, 1], "mean off by", 6.5)
    bar_beside(figure, ERROR_COLOURS, LIMIT_MM, "distance of vertices (mm)", extend="max")
    note_below(
        figure, "corners: mesh fitting error of eq. 8 (cm²); mean distance of vertices once nine landmarks are laid"
    )
    return figure


def cloud_data(titles: Sequence[str], clouds: Mapping[str, Sequence[CloudedHead]]) -> pd.DataFrame:
    """Columns frame, method, points, median (mm from the mesh)."""
    lines = [
        {"frame": title, "method": label, "points": len(head.points), "median": float(head.distances.median())}
        for label, heads in clouds.items()
        for title, head in zip(titles, heads, strict=True)
    ]
    return pd.DataFrame(lines)


def clouds_of(labelled: LabelledDepth, vertices: torch.Tensor) -> list[CloudedHead]:
    """Heads (B, V, 3) mm of the camera frame in the points of their frames."""
    triangles = face_surface().triangles
    return [
        clouded_head(*frame_of(labelled.frames, number), vertices[number], triangles) for number in range(len(vertices))
    ]


def draw_clouds(titles: Sequence[str], labelled: LabelledDepth, vertices: Mapping[str, torch.Tensor]) -> Figure:
    """Figure 6: a row a frame: itself, and of each method the mesh over it, and the mesh turned, in its points.

    Args:
        titles: B names.
        labelled: B frames.
        vertices: label -> (B, V, 3) mm in the camera frame.
    """
    triangles = face_surface().triangles
    figure, panels = picture_grid(len(titles), 1 + 2 * len(vertices))
    name_column(panels[0, 0], "frame", 6.5)
    for number, title in enumerate(titles):
        depth, camera = frame_of(labelled.frames, number)
        lit = relief(depth, camera, LIT)
        show(panels[number, 0], enlarged(lit))
        name_row(panels[number, 0], title, 7)
        large, scale = enlarged(lit), SIDE / lit.shape[-1]
        screen = camera.rescale(scale, scale)
        for place, (label, placed) in enumerate(vertices.items()):
            over, turned = panels[number, 1 + 2 * place : 3 + 2 * place]
            show(over, over_frame(large, screen, placed[number], triangles))
            head = clouded_head(depth, camera, placed[number], triangles)
            show(turned, cloud_picture(head), f"{float(head.distances.median()):.1f} mm" if len(head.points) else "")
            if number == 0:
                name_column(over, wrapped(label), 6.5)
                name_column(turned, "turned,\nin its points", 6.5)
    bar_beside(figure, ERROR_COLOURS, LIMIT, "points: mm from the mesh", extend="max")
    note_below(figure, "corner: median distance of the sensor's points from the mesh")
    return figure


def cloud_picture(head: CloudedHead, yaw: float = CLOUD_YAW, side: int = 2 * SIDE) -> torch.Tensor:
    """A head turned by degrees on white, with the points of its frame that lie before it or beside it, (3, side, side).

    Args:
        head: in its cloud.
        yaw: degrees.
        side: of the picture in pixels.
    """
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor([yaw, 0.0, 0.0])))
    scale = side / 340.0  # pixels per mm
    axes = head.points.new_tensor([scale, -scale, -scale])
    middle = head.points.new_tensor([side / 2, side / 2, 0.0])
    mesh, cloud = ((points @ turn.T) * axes + middle for points in (head.vertices, head.points))
    picture = laid_over(torch.ones(3, side, side), mesh, head.triangles, clay(mesh, head.triangles))
    depth = rasterize(mesh[None], head.triangles, side, side, perspective=False, cull_back_faces=True).depth[0]
    column, row = cloud[:, :2].floor().long().unbind(1)
    inside = (column >= 0) & (column < side - 1) & (row >= 0) & (row < side - 1)
    column, row, cloud, off = column[inside], row[inside], cloud[inside], head.distances[inside]
    seen = cloud[:, 2] < depth[row, column] + IN_FRONT * scale
    order = torch.argsort(cloud[seen, 2], descending=True)  # the nearest are drawn last
    colours = error_colours(off, LIMIT)[seen][order]
    column, row = column[seen][order], row[seen][order]
    size = 2 if len(head.points) > MANY else 4
    for right, down in np.ndindex(size, size):
        picture[:, (row + down).clamp(max=side - 1), (column + right).clamp(max=side - 1)] = 0.85 * colours.T
    return picture


def _show_errors(panel: Axes, found: torch.Tensor, true: torch.Tensor, surface: SkinSurface) -> None:
    apart = _apart(found, true, surface)
    show(panel, _face(found, surface, apart), f"{float(apart.mean()):.1f} mm")


def _face(head: torch.Tensor, surface: SkinSurface, errors: torch.Tensor | None = None) -> torch.Tensor:
    """The region in which shapes are compared, from the front; coloured where errors are given."""
    colours = torch.tensor(CLAY).expand(len(surface.face), 3) if errors is None else error_colours(errors, LIMIT_MM)
    return shaded_picture(FaceMesh("", head[surface.face], surface.face_triangles, colours), 0.0, SIDE)


def _apart(found: torch.Tensor, true: torch.Tensor, surface: SkinSurface) -> torch.Tensor:
    """Distance in mm of the region's vertices from the true ones, once nine landmarks are laid there."""
    nine = surface.landmarks[list(NINE_LANDMARKS)]
    laid = similarity_transform(found[nine][None], true[nine][None], scale=False).apply(found[None])[0]
    return (laid - true)[surface.face].norm(dim=1)
