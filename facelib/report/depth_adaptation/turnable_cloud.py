"""The points of a depth frame with a head in them, to turn: the points by their distance from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.geometry.camera import PerspectiveCamera
from facelib.geometry.depth import depth_to_positions
from facelib.geometry.neighbours import nearest
from facelib.report.interactive_picture import InteractivePicture
from facelib.report.meshes import CLAY, add_buttons, hex_colours, lay_out_turnable, plotly_mesh
from facelib.report.style import ERROR_COLOURS

AROUND = 170.0  # mm about the head whose points are shown
MOST = 12_000  # points; each takes 20 bytes of a page
LIMIT = 15.0  # mm, of the strongest colour
POINT = 2.2  # size of one


@dataclass(frozen=True)
class CloudedHead:
    """A head in the points of its frame, y up and z to the viewer, about the head's middle.

    Args:
        points: (N, 3) mm.
        distances: (N,) mm from the mesh.
        vertices: (V, 3) mm.
        triangles: (T, 3).
    """

    points: torch.Tensor
    distances: torch.Tensor
    vertices: torch.Tensor
    triangles: torch.Tensor


def clouded_head(
    depth: torch.Tensor, camera: PerspectiveCamera, vertices: torch.Tensor, triangles: torch.Tensor
) -> CloudedHead:
    """A head (V, 3) mm in the camera frame, and what the frame (H, W) mm has around it."""
    middle = vertices.mean(dim=0)
    turn = torch.tensor(FACE_TO_CAMERA, dtype=vertices.dtype)
    cloud = depth_to_positions(depth[None], camera)[0].flatten(1).T.to(vertices) - middle
    cloud = cloud[cloud.norm(dim=1) < AROUND]  # false of NaN
    cloud = cloud[torch.linspace(0, len(cloud) - 1, min(MOST, len(cloud))).long()] if len(cloud) else cloud
    placed = vertices - middle
    distances = nearest(cloud[None], placed[None])[0][0] if len(cloud) else cloud[:, 0]
    return CloudedHead(cloud @ turn, distances, placed @ turn, triangles)


def cloud_data(head: CloudedHead) -> pd.DataFrame:
    """Distances of the points in mm: columns points, median, p90, within_5_mm."""
    values = head.distances.numpy()
    some = values[values < AROUND / 2] if len(values) else np.array([np.nan])
    within = float((values < 5).mean()) if len(values) else np.nan
    return pd.DataFrame(
        [{"points": len(values), "median": np.median(some), "p90": np.quantile(some, 0.9), "within_5_mm": within}]
    )


def interactive_cloud(head: CloudedHead, label: str, png: bytes) -> InteractivePicture:
    """Both to turn, with buttons that show one alone.

    Args:
        head: in its cloud.
        label: says which runs it comes from.
        png: a still picture of the same.
    """
    import plotly.graph_objects as go

    x, y, z = head.points.numpy().round(1).astype(np.float32).T
    bar = {"title": {"text": "mm from the mesh", "side": "right"}, "len": 0.6, "thickness": 14}
    marker = {"size": POINT, "color": head.distances.numpy().round(1).astype(np.float32), "cmin": 0, "cmax": LIMIT,
              "colorscale": ERROR_COLOURS, "colorbar": bar}  # fmt: skip
    points = go.Scatter3d(x=x, y=y, z=z, mode="markers", marker=marker, hoverinfo="skip", name="frame")
    clay = hex_colours(torch.tensor([CLAY]))[0]
    mesh = plotly_mesh(head.vertices, head.triangles, decimals=1, specular=0.05, roughness=0.8, color=clay,
                       hoverinfo="skip", name="mesh")  # fmt: skip
    figure = go.Figure([points, mesh])
    choices = {"both": [True, True], "the sensor's points": [True, False], "the mesh": [False, True]}
    buttons = [{"label": name, "method": "restyle", "args": [{"visible": shown}]} for name, shown in choices.items()]
    lay_out_turnable(figure, label, eye=(0.5, 0.2, 1.8))
    add_buttons(figure, [buttons])
    return InteractivePicture(figure, png, "a head in the points of its depth frame, to turn")
