"""Mesh files are read back as they were written, a page shows the face in a browser, and pictures show its side."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from browser import screenshot

from facelib.errors import BadInput, UnknownName
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.report.interactive_picture import write_page
from facelib.report.meshes import FaceMesh, shaded_picture, thinned, turnable_meshes, upright, write_mesh


@pytest.fixture(scope="module")
def face(face_model: MorphableModel) -> FaceMesh:
    """The mean face's texels, green, with unknown colours around texel 7."""
    layout = face_layout(face_model, 64)
    vertices = layout.texel_points(layout.position_map(face_model.mean[None]))[0]
    colours = torch.tensor([0.1, 0.8, 0.2]).repeat(len(vertices), 1)
    colours[(vertices - vertices[7]).norm(dim=1) < 25] = torch.nan  # mm
    return FaceMesh("face", vertices, layout.grid_triangles, colours)


@pytest.mark.parametrize("kind", ["glb", "obj", "ply"])
def test_files_are_read_back(face: FaceMesh, tmp_path: Path, kind: str) -> None:
    path = write_mesh(tmp_path / "deep" / f"face.{kind}", face.vertices, face.triangles, face.colours)
    mesh = trimesh.load(path, process=False, force="mesh")

    np.testing.assert_allclose(mesh.vertices, face.vertices.numpy(), atol=1e-3)
    np.testing.assert_array_equal(mesh.faces, face.triangles.numpy())
    if kind != "glb":  # trimesh does not read the colours of a surface with a material
        np.testing.assert_array_equal(mesh.visual.vertex_colors[[-1, 7], :3], [[26, 204, 51], [153, 153, 153]])


def test_a_glb_has_linear_colours_normals_and_a_matt_surface(face: FaceMesh, tmp_path: Path) -> None:
    data = write_mesh(tmp_path / "face.glb", face.vertices, face.triangles, face.colours).read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    header = json.loads(data[20 : 20 + length])
    (primitive,) = header["meshes"][0]["primitives"]
    accessor = header["accessors"][primitive["attributes"]["COLOR_0"]]
    start = 20 + length + 8 + header["bufferViews"][accessor["bufferView"]]["byteOffset"]
    last = start + 4 * (accessor["count"] - 1)

    assert list(data[last : last + 4]) == [round(255 * value**2.2) for value in (0.1, 0.8, 0.2)] + [255]
    assert "NORMAL" in primitive["attributes"]
    assert header["materials"][primitive["material"]]["pbrMetallicRoughness"]["metallicFactor"] == 0


def test_triangles_look_out_of_the_face(face: FaceMesh, tmp_path: Path) -> None:
    """Turned inside out by a wrong axis, a face is black or invisible in viewers."""
    path = write_mesh(tmp_path / "face.ply", face.vertices, face.triangles, face.colours)
    normals = trimesh.load(path, process=False).face_normals

    assert (normals[:, 2] > 0).mean() > 0.7


def test_upright_turns_an_image_over() -> None:
    points = torch.tensor([[1.0, 2.0, 3.0]])  # to the right, below, behind

    assert upright(points).tolist() == [[1.0, -2.0, -3.0]]


def test_bad_meshes(face: FaceMesh, tmp_path: Path) -> None:
    broken = face.vertices.clone()
    broken[3, 1] = torch.nan

    with pytest.raises(UnknownName, match="kind of mesh file 'stl'"):
        write_mesh(tmp_path / "face.stl", face.vertices, face.triangles, face.colours)
    with pytest.raises(BadInput, match="vertices holds 1 non-finite"):
        write_mesh(tmp_path / "face.glb", broken, face.triangles, face.colours)
    with pytest.raises(BadInput, match="expected ids in 0 to"):
        write_mesh(tmp_path / "face.glb", face.vertices[:-1], face.triangles, face.colours[:-1])
    with pytest.raises(BadInput, match="colours has shape"):
        FaceMesh("face", face.vertices, face.triangles, face.colours[1:])
    with pytest.raises(BadInput, match="no mesh to show"):
        turnable_meshes([], "label", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_thinned_mesh_is_the_same_surface(face: FaceMesh) -> None:
    values = face.vertices[:, 2]
    thin = thinned(FaceMesh("face", face.vertices, face.triangles, None, values), 500)
    fine, coarse = (trimesh.Trimesh(m.vertices.numpy(), m.triangles.numpy(), process=False) for m in (face, thin))

    assert 250 < len(thin.vertices) < 750
    assert coarse.area == pytest.approx(fine.area, rel=0.1)
    np.testing.assert_allclose(coarse.bounds, fine.bounds, atol=8)
    torch.testing.assert_close(thin.values, thin.vertices[:, 2], atol=1e-3, rtol=0)  # averaged alike
    assert thinned(face, len(face.vertices)) is face


def test_buttons_show_one_mesh_at_a_time(face: FaceMesh) -> None:
    errors = FaceMesh("error", face.vertices, face.triangles, values=face.vertices[:, 2].abs(), limit=5.0)
    figure = turnable_meshes([face, FaceMesh("clay", face.vertices, face.triangles), errors], "label", b"").figure
    buttons = figure.layout.updatemenus[0].buttons

    assert [button.label for button in buttons] == ["face", "clay", "error"]
    assert [button.args[0]["visible"] for button in buttons] == np.eye(3, dtype=bool).tolist()
    assert [trace.visible for trace in figure.data] == [True, False, False]
    assert (figure.data[2].cmin, figure.data[2].cmax) == (0, 5)
    assert figure.data[0].vertexcolor[7] == "#999999"
    assert "label" in figure.layout.annotations[0].text


def test_pages_stay_small(face_model: MorphableModel) -> None:
    """At the paper's size and with three meshes, besides plotly.js."""
    layout = face_layout(face_model, 256)
    vertices = layout.texel_points(layout.position_map(face_model.mean[None]))[0]
    mesh = FaceMesh("face", vertices, layout.grid_triangles, torch.full_like(vertices, 0.5))
    figure = turnable_meshes([mesh] * 3, "label", b"").figure

    assert len(figure.to_json()) < 3_000_000


def test_a_browser_shows_the_mesh(face: FaceMesh, tmp_path: Path) -> None:
    """The page holds no still picture, so green pixels in the middle were drawn by WebGL."""
    page = write_page(turnable_meshes([face], "label", b""), tmp_path / "face.html")
    picture = screenshot(page, tmp_path)
    red, green, blue = np.moveaxis(picture, 2, 0)
    skin = (green > 1.5 * red) & (green > 1.5 * blue)
    height, width = skin.shape

    assert skin[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40].mean() > 0.9
    assert 0.05 < skin.mean() < 0.7  # a face, not a page of one colour
    assert green[skin].std() > 0.02  # with light and shade


def test_a_picture_shows_the_side_that_is_asked_for(face: FaceMesh) -> None:
    frontal, profile = (shaded_picture(face, yaw, 60) for yaw in (0.0, 90.0))
    width = [(picture < 0.95).any(dim=0).any(dim=0).sum() for picture in (frontal, profile)]

    assert frontal.shape == (3, 60, 60)
    assert float(frontal.min()) >= 0
    assert float(frontal.max()) <= 1 + 1e-6
    assert width[1] < 0.95 * width[0]  # a face is wider than deep
    right = (profile < 0.95).any(dim=0).nonzero()[:, 1].max()  # the nose's tip, to the right when the head turns left
    assert (profile[:, :, right] < 0.95).any(dim=0).sum() < 10


def test_rows_of_buttons_and_a_legend_that_says_what_is_shown(face: FaceMesh) -> None:
    meshes = [FaceMesh(name, face.vertices, face.triangles) for name in "abcd"]
    figure = turnable_meshes(meshes, "label", b"", in_a_row=2).figure
    upper, lower = sorted(figure.layout.updatemenus, key=lambda menu: -menu.pad.b)

    assert [[button.label for button in menu.buttons] for menu in (upper, lower)] == [["a", "b"], ["c", "d"]]
    assert lower.buttons[0].args[0]["visible"] == [False, False, True, False]
    assert all(trace.showlegend for trace in figure.data)
    assert figure.layout.margin.t > 80
