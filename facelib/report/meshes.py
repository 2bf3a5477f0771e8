"""Faces as mesh files (GLB, OBJ, PLY), as pages to turn in a browser, and as shaded still pictures.

Files and pages have y up and z towards the viewer, as the face frame and most viewers do; `upright` turns points of an
image so. Colours are those of a screen, in [0, 1]; NaN stands for not known and is shown grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, check_finite, check_shape, unknown_name
from facelib.faces.coloured_mesh import check_mesh, coloured_mesh, known_colours
from facelib.faces.scene import GAMMA
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix
from facelib.geometry.supersampling import average_samples
from facelib.report.interactive_picture import InteractivePicture
from facelib.report.style import ERROR_COLOURS
from facelib.storage import atomic_path

if TYPE_CHECKING:
    import plotly.graph_objects as go

FILE_TYPES = ("glb", "obj", "ply")
CLAY = (0.82, 0.78, 0.73)  # of a face without colours
SAMPLES = 3  # of a still picture's pixel along each axis
BUTTON = 38  # pixels of a row of buttons
SHOWN_POINTS = 20_000  # a page's mesh is thinned to about so many; each takes 40 bytes


@dataclass(frozen=True)
class FaceMesh:
    """A face to be looked at.

    Args:
        title: what it is.
        vertices: (N, 3), y up and z towards the viewer.
        triangles: (T, 3), counter-clockwise seen from outside.
        colours: (N, 3) in [0, 1], NaN where not known; None for clay.
        values: (N,) numbers shown as colours instead, such as errors in mm.
        unit: of the values.
        limit: the value of the strongest colour; the largest one when missing.
    """

    title: str
    vertices: torch.Tensor
    triangles: torch.Tensor
    colours: torch.Tensor | None = None
    values: torch.Tensor | None = None
    unit: str = "mm"
    limit: float | None = None

    def __post_init__(self) -> None:
        check_mesh(self.vertices, self.triangles, self.colours)
        if self.values is not None:
            check_shape("values", self.values, (len(self.vertices),))
            check_finite("values", self.values)


def upright(points: torch.Tensor) -> torch.Tensor:
    """Points of an image (N, 3: u right, v down, depth away from the viewer) with y up and z towards the viewer."""
    return points @ torch.tensor(FACE_TO_CAMERA, dtype=points.dtype)


def write_mesh(path: Path, vertices: torch.Tensor, triangles: torch.Tensor, colours: torch.Tensor) -> Path:
    """Write a mesh with a colour for each vertex; what a file holds, every viewer shows without further files.

    In GLB colours are stored linear, as its standard has them, and the surface is matt.

    Args:
        path: ending in .glb, .obj or .ply.
        vertices: (N, 3), y up and z towards the viewer.
        triangles: (T, 3), counter-clockwise seen from outside.
        colours: (N, 3) in [0, 1], NaN where unknown (see `coloured_mesh`).

    Raises:
        UnknownName: for another ending.
        BadInput: on wrong shapes or vertices that are not finite.
    """
    import trimesh

    kind = path.suffix.removeprefix(".").lower()
    if kind not in FILE_TYPES:
        raise unknown_name("kind of mesh file", kind, FILE_TYPES)
    mesh = coloured_mesh(vertices, triangles, colours)
    options: dict[str, Any] = {}
    if kind == "glb":
        linear = torch.cat((known_colours(colours, triangles) ** GAMMA, torch.ones(len(colours), 1)), dim=1)
        matt = trimesh.visual.material.PBRMaterial(metallicFactor=0.0, roughnessFactor=1.0)
        mesh.visual = trimesh.visual.TextureVisuals(material=matt)
        mesh.visual.vertex_attributes["color"] = (linear * 255).round().byte().numpy()
        options = {"include_normals": True}
    else:
        options = {"include_normals": False, "digits": 3} if kind == "obj" else {}
    content: Any = mesh.export(file_type=kind, **options)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def turnable_meshes(
    meshes: Sequence[FaceMesh], label: str, png: bytes, most: int = SHOWN_POINTS, in_a_row: int | None = None
) -> InteractivePicture:
    """Faces to turn, one at a time, with buttons that change between them; the view stays.

    Args:
        meshes: at least one, the first is shown at first.
        label: says which run they come from.
        png: a still picture of the same, for pages without scripts.
        most: vertices of a mesh that is not thinned.
        in_a_row: buttons; all when missing. Where there are several rows, a legend says which face is shown.

    Raises:
        BadInput: without a mesh.
    """
    import plotly.graph_objects as go

    if not meshes:
        raise BadInput("no mesh to show: expected at least one")
    figure = go.Figure([_trace(thinned(mesh, most)) for mesh in meshes])
    for number, trace in enumerate(figure.data):
        trace.visible = number == 0
    buttons = [
        {"label": mesh.title, "method": "restyle", "args": [{"visible": [other is mesh for other in meshes]}]}
        for mesh in meshes
    ]
    step = in_a_row or len(meshes)
    lay_out_turnable(figure, label, eye=(0.35, 0.1, 1.9))
    if len(meshes) > 1:
        add_buttons(figure, [buttons[first : first + step] for first in range(0, len(meshes), step)])
    return InteractivePicture(figure, png, f"a face to turn: {', '.join(mesh.title for mesh in meshes)}")


def lay_out_turnable(figure: go.Figure, label: str, eye: tuple[float, float, float]) -> None:
    """A scene to turn without axes, with a label below it.

    Args:
        figure: of plotly.
        label: says which run it comes from.
        eye: from where it is seen at first, in plotly's units.
    """
    note = {"text": label, "x": 1, "y": 0, "xref": "paper", "yref": "paper", "showarrow": False}
    figure.update_layout(
        template="none",
        height=620,
        margin={"l": 0, "r": 0, "t": 50, "b": 30},
        scene={
            "aspectmode": "data",
            "camera": {"eye": dict(zip("xyz", eye, strict=True)), "up": {"x": 0, "y": 1, "z": 0}},
            "dragmode": "orbit",
            **{f"{name}axis": {"visible": False} for name in "xyz"},
        },
        annotations=[note | {"yanchor": "top", "yshift": -8, "font": {"size": 10, "color": "#666666"}}],
    )


def add_buttons(figure: go.Figure, rows: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """Rows of buttons above a figure."""
    alone = len(rows) == 1  # else each row would go on showing the button that was pressed last in it
    look = {"type": "buttons", "direction": "right", "showactive": alone}
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"}
    menus = [
        {"buttons": row, **look, **place, "pad": {"b": 8 + BUTTON * number}}
        for number, row in enumerate(reversed(rows))
    ]
    figure.update_layout(updatemenus=menus, margin={"t": 50 + BUTTON * (len(rows) - 1)})
    if not alone:
        figure.update_traces(showlegend=True)
        figure.update_layout(showlegend=True, legend={"x": 0, "y": 0.98})


def shaded_picture(mesh: FaceMesh, yaw: float = 0.0, size: int = 240, pitch: float = 0.0) -> torch.Tensor:
    """A mesh on white, lit from the front and filling the picture, without perspective.

    Args:
        mesh: its colours are shown, or clay.
        yaw, pitch: degrees it is turned by, as a head's.
        size: of the picture in pixels.

    Returns:
        (3, size, size) in [0, 1].
    """
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor([yaw, pitch, 0.0])))
    points = (mesh.vertices - mesh.vertices.mean(dim=0)).float() @ turn.T
    triangles = mesh.triangles
    light = torch.tensor([-0.25, 0.35, 1.0])
    facing = vertex_normals(points[None], triangles)[0] @ (light / light.norm())
    base = torch.tensor(CLAY).expand(len(points), 3) if mesh.colours is None else known_colours(mesh.colours, triangles)
    shaded = base * (0.45 + 0.55 * facing.clamp(min=0))[:, None]
    in_view = points @ torch.tensor(FACE_TO_CAMERA)
    low, high = in_view.amin(dim=0), in_view.amax(dim=0)
    scale = 0.94 * size * SAMPLES / (high - low)[:2].max().clamp(min=1e-6)
    middle = (low + high) / 2
    screen = (in_view - middle) * scale + torch.tensor([1.0, 1.0, 0.0]) * (size * SAMPLES / 2)
    fragments = rasterize(screen[None], triangles, size * SAMPLES, size * SAMPLES, perspective=False)
    pixels = average_samples(shaded[None].contiguous(), triangles, fragments, SAMPLES)
    return pixels.value[0] + 1 - pixels.cover[0]


def thinned(mesh: FaceMesh, most: int = SHOWN_POINTS) -> FaceMesh:
    """The mesh with at most about so many vertices: those in one cell of a grid become their mean.

    Args:
        mesh: dense and even, as a map's texels are.
        most: vertices that may stay.
    """
    if len(mesh.vertices) <= most:
        return mesh
    places = mesh.vertices.double()
    corners = places[mesh.triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1).sum() / 2
    step = float((1.5 * area / most).sqrt())  # a surface of area A crosses about 1.5 A / step^2 cells
    cell = ((places - places.amin(dim=0)) / step).floor().long()
    _, member = cell.unique(dim=0, return_inverse=True)
    share = 1 / member.bincount().double()

    def mean(part: torch.Tensor) -> torch.Tensor:
        sums = part.new_zeros(len(share), *part.shape[1:], dtype=torch.float64).index_add_(0, member, part.double())
        return (sums * share.view(-1, *[1] * (part.dim() - 1))).to(part.dtype)

    triangles = member[mesh.triangles]
    a, b, c = triangles.unbind(1)
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    colours, values = (None if part is None else mean(part) for part in (mesh.colours, mesh.values))
    return replace(mesh, vertices=mean(mesh.vertices), triangles=triangles, colours=colours, values=values)


def _trace(mesh: FaceMesh) -> go.Mesh3d:
    look: dict[str, Any] = {"color": hex_colours(torch.tensor([CLAY]))[0]}
    if mesh.values is not None:
        bar = {"title": {"text": mesh.unit, "side": "right"}, "len": 0.6, "thickness": 14}
        limit = mesh.limit or float(mesh.values.max())
        values = mesh.values.numpy().astype(np.float32)
        look = {"intensity": values, "cmin": 0.0, "cmax": limit, "colorscale": ERROR_COLOURS, "colorbar": bar}
    elif mesh.colours is not None:
        look = {"vertexcolor": hex_colours(known_colours(mesh.colours, mesh.triangles))}
    look |= {"name": mesh.title, "hoverinfo": "skip"}
    return plotly_mesh(mesh.vertices, mesh.triangles, decimals=2, specular=0.05, roughness=0.8, **look)


def plotly_mesh(
    vertices: torch.Tensor, triangles: torch.Tensor, *, decimals: int, specular: float, roughness: float, **look: Any
) -> go.Mesh3d:
    """A mesh for plotly, in numbers as short as the eye allows, to keep notebooks and pages small.

    Args:
        vertices: (N, 3).
        triangles: (T, 3).
        decimals: of the coordinates.
        specular, roughness: of the surface.
        look: of plotly's mesh.
    """
    import plotly.graph_objects as go

    x, y, z = vertices.double().numpy().round(decimals).astype(np.float32).T
    i, j, k = triangles.numpy().astype(np.uint16 if len(x) < 2**16 else np.uint32).T
    light = {"ambient": 0.55, "diffuse": 0.6, "specular": specular, "roughness": roughness}
    place = {"x": 0, "y": 300, "z": 1000}
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, lighting=light, lightposition=place, **look)


def hex_colours(colours: torch.Tensor) -> list[str]:
    """Colours (N, 3) in [0, 1] as texts of 8 bits, such as "#d1c7ba"."""
    return ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in (colours * 255).round().int().tolist()]
