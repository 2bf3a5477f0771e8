"""Scans end up frontal about the tip of the nose, however they lay, and what is no face is refused by its name."""

from __future__ import annotations

import math

import pytest
import torch
import trimesh
from made_scans import as_mesh

from facelib.data.frontal_alignment import find_pose, prominent_places
from facelib.data.scan_preparation import PreparedScan, prepare_mesh, prepare_points, prepare_scan
from facelib.data.scan_template import ScanTemplate, scan_template
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput, DegenerateInput
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import expression_coefficients, sample_people
from facelib.faces.scanners import SCANNERS, RangeScans, Scanner, scan_heads
from facelib.geometry.range_images import range_image_of_depth, range_image_of_mesh
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance

SETTINGS = PreparationSettings()
TURNS = ((0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 20, 0), (0, -20, 0), (0, 0, 20), (0, 0, -20), (12, -9, 8))
PERFECT = Scanner("laser", grazing=82.0)


@pytest.fixture(scope="module")
def template(face_model: MorphableModel) -> ScanTemplate:
    return scan_template(face_model)


def scans(model: MorphableModel, scanner: Scanner, turns: tuple[tuple[int, ...], ...] = TURNS) -> RangeScans:
    """One person, neutral, turned to all sides."""
    heads = model.vertices(sample_people(model, 1, 77, fixed_albedo=True).identity)
    pose = torch.deg2rad(torch.tensor(turns).float())
    generator = torch.Generator().manual_seed(3)
    return scan_heads(model, heads.expand(len(turns), -1, -1), pose, scanner, 128, generator)


def turn_left(prepared: PreparedScan, turn: tuple[int, ...]) -> torch.Tensor:
    """The rotation from the true face frame to the one that was found."""
    return prepared.pose.to_face.rotation @ euler_to_matrix(*torch.deg2rad(torch.tensor(turn).double()))


@pytest.mark.parametrize("name", SCANNERS)
def test_a_turned_head_ends_as_the_unturned_one(face_model: MorphableModel, template: ScanTemplate, name: str) -> None:
    """The smooth errors of BU-3DFE's scanner bend the whole face, and with it what frontal is."""
    made = scans(face_model, SCANNERS[name])
    prepared = [prepare_scan(positions, SETTINGS, template) for positions in made.positions]
    left = torch.stack([turn_left(each, turn) for each, turn in zip(prepared, TURNS, strict=True)])
    apart = torch.rad2deg(geodesic_distance(left[1:], left[:1].expand(len(left) - 1, -1, -1)))
    assert float(apart.median()) < (4.5 if name == "bu3dfe" else 1.0)
    frontal = torch.rad2deg(geodesic_distance(left, torch.eye(3).double().expand_as(left)))
    assert float(frontal.max()) < (9 if name == "bu3dfe" else 4)
    off = torch.stack([each.pose.nose_tip for each in prepared]) - made.nose_tip
    assert float(off.norm(dim=1).max()) < 6


def test_the_image_shows_the_head_itself(face_model: MorphableModel, template: ScanTemplate) -> None:
    """The prepared image of a turned, perfect scan is that of the mesh in the pose that was found."""
    heads = face_model.vertices(sample_people(face_model, 1, 77, fixed_albedo=True).identity)
    made = scans(face_model, PERFECT, ((12, -9, 8),))
    found = prepare_scan(made.positions[0], SETTINGS, template)
    turned = heads[0] @ turn_left(found, (12, -9, 8)).float().T
    shift = found.pose.to_face.rotation.float() @ (found.pose.nose_tip.float() - made.nose_tip[0])
    place = turned[face_model.landmarks[30]] + shift
    truth = range_image_of_mesh(turned[None], face_model.triangles, place[None], 112, 112, SETTINGS.cell)[0]
    off = (found.positions[2] - (truth[2] - place[2])).abs()
    off = off[off.isfinite() & found.mask]
    assert len(off) > 5000
    assert float(off.quantile(0.95)) < 0.3


def test_images_hold_unit_normals_about_the_nose(face_model: MorphableModel, template: ScanTemplate) -> None:
    prepared = prepare_scan(scans(face_model, PERFECT, ((0, 0, 0),)).positions[0], SETTINGS, template)
    assert prepared.normals.shape == prepared.positions.shape == (3, 112, 112)
    length = prepared.normals.norm(dim=0)
    torch.testing.assert_close(length, prepared.mask.float(), rtol=0, atol=1e-5)
    assert not (prepared.positions.norm(dim=0) > SETTINGS.reach + 2).any()
    assert float(prepared.positions[2, 54:58, 54:58].abs().max()) < 2
    left, right = prepared.normals[0, 40:70, 30:50], prepared.normals[0, 40:70, 62:82]
    assert left.mean() < -0.1 < 0.1 < right.mean()


def test_points_in_any_order_give_what_their_grid_gives(face_model: MorphableModel, template: ScanTemplate) -> None:
    positions = scans(face_model, PERFECT, ((10, 5, 0),)).positions[0]
    points = positions.flatten(1).T
    points = points[torch.randperm(len(points), generator=torch.Generator().manual_seed(0))]
    by_grid, by_points = prepare_scan(positions, SETTINGS, template), prepare_points(points, SETTINGS, template)
    assert float((by_grid.pose.nose_tip - by_points.pose.nose_tip).norm()) < 1.5
    both = by_grid.mask & by_points.mask
    assert both.sum() > 0.9 * by_grid.mask.sum()
    agree = (by_grid.normals * by_points.normals).sum(dim=0)[both]
    assert float(agree.median()) > math.cos(math.radians(4))


def test_a_mesh_gives_nearly_what_its_grid_gives(face_model: MorphableModel, template: ScanTemplate) -> None:
    """Whichever way round its triangles are, and with a stray vertex far away, which must not make the grid huge."""
    positions = scans(face_model, PERFECT, ((10, 5, 0),)).positions[0]
    mesh, stray = as_mesh(positions), torch.tensor([[1e8, 0.0, 0.0], [1e8, 1.0, 0.0], [1e8, 0.0, 1.0]])
    triangles = torch.cat((mesh.triangles.flip(1), len(mesh.vertices) + torch.arange(3)[None]))
    by_mesh = prepare_mesh(torch.cat((mesh.vertices, stray)), triangles, SETTINGS, template)
    by_grid = prepare_scan(positions, SETTINGS, template)
    both = by_grid.mask & by_mesh.mask
    assert both.sum() > 0.95 * by_grid.mask.sum()
    agree = (by_grid.normals * by_mesh.normals).sum(dim=0)[both]
    assert float(agree.median()) > math.cos(math.radians(1))


def test_expressions_hardly_turn_the_face(face_model: MorphableModel, template: ScanTemplate) -> None:
    identity = sample_people(face_model, 1, 78, fixed_albedo=True).identity.expand(3, -1)
    action = expression_coefficients(face_model, ["neutral", "mouth_stretch", "grin"])
    made = scan_heads(
        face_model, face_model.vertices(identity, action), torch.zeros(3, 3), PERFECT, 128, torch.Generator()
    )
    turns = torch.stack([prepare_scan(each, SETTINGS, template).pose.to_face.rotation for each in made.positions])
    assert float(torch.rad2deg(geodesic_distance(turns[1:], turns[:1].expand(2, -1, -1))).max()) < 1.5


def test_a_bump_on_a_plane_stands_out_most() -> None:
    x = torch.arange(40.0)
    bump = 20 * torch.exp(-((x - 12) ** 2 + (x[:, None] - 25) ** 2) / 8)
    places = prominent_places(range_image_of_depth((bump + 0.5 * x)[None], 4.5)[0].double(), 4.5)
    torch.testing.assert_close(places[0, :2], torch.tensor([(12 - 19.5) * 4.5, (19.5 - 25) * 4.5]).double())
    assert len(prominent_places(torch.full((3, 9, 9), torch.nan).double(), 4.5)) == 0


# ---- what is refused ----


def sphere(radius: float) -> torch.Tensor:
    mesh = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    vertices = torch.tensor(mesh.vertices)[None].float()
    return range_image_of_mesh(vertices, torch.tensor(mesh.faces), torch.zeros(1, 3), 128, 128, 1.5)[0]


@pytest.mark.parametrize("radius", [70.0, 85.0, 110.0])
def test_a_sphere_is_no_face(template: ScanTemplate, radius: float) -> None:
    with pytest.raises(DegenerateInput):
        prepare_scan(sphere(radius), SETTINGS, template)


@pytest.mark.parametrize("turn", [(180, 0, 0), (90, 0, 0)])
def test_the_back_and_the_side_of_a_head_are_refused(
    face_model: MorphableModel, template: ScanTemplate, turn: tuple[int, ...]
) -> None:
    with pytest.raises(DegenerateInput):
        prepare_scan(scans(face_model, SCANNERS["bu4dfe"], (turn,)).positions[0], SETTINGS, template)


def test_an_upside_down_face_is_named(face_model: MorphableModel, template: ScanTemplate) -> None:
    with pytest.raises(DegenerateInput, match="upside down: turn the scan by 180 degrees"):
        prepare_scan(scans(face_model, SCANNERS["bosphorus"], ((0, 0, 180),)).positions[0], SETTINGS, template)


def test_several_people_are_refused(face_model: MorphableModel, template: ScanTemplate) -> None:
    """Beside each other, or one above the other; a single one that the same grid has room for is prepared."""
    one, other = (as_mesh(each) for each in scans(face_model, SCANNERS["bosphorus"], ((0, 0, 0), (5, 3, 0))).positions)
    for shift in ((190.0, 0.0, 0.0), (-10.0, 260.0, 30.0)):
        vertices = torch.cat((one.vertices, other.vertices + torch.tensor(shift)))
        triangles = torch.cat((one.triangles, other.triangles + len(one.vertices)))
        with pytest.raises(DegenerateInput, match="shows several faces: cut it to one"):
            prepare_mesh(vertices, triangles, SETTINGS, template)
    wall = torch.tensor([[-125.0, -125, -90], [125, -125, -90], [125, 125, -90], [-125, 125, -90]])
    behind = len(one.vertices) + torch.tensor([[0, 1, 2], [0, 2, 3]])
    before_wall = prepare_mesh(torch.cat((one.vertices, wall)), torch.cat((one.triangles, behind)), SETTINGS, template)
    alone = prepare_mesh(one.vertices, one.triangles, SETTINGS, template)
    assert float((before_wall.pose.nose_tip - alone.pose.nose_tip).norm()) < 1.5


def test_other_units_are_named(face_model: MorphableModel, template: ScanTemplate) -> None:
    positions = scans(face_model, PERFECT, ((0, 0, 0),)).positions[0]
    with pytest.raises(BadInput, match="in metres: multiply it by 1000"):
        prepare_scan(positions / 1000, SETTINGS, template)
    with pytest.raises(BadInput, match="in centimetres: multiply it by 10"):
        prepare_points(positions.flatten(1).T / 10, SETTINGS, template)
    with pytest.raises(BadInput, match="convert it to mm, or cut it to the head"):
        prepare_scan(positions * 1000, SETTINGS, template)


def test_holes_over_more_than_half_of_the_face_are_refused(face_model: MorphableModel, template: ScanTemplate) -> None:
    made = scans(face_model, PERFECT, ((0, 0, 0),))
    positions, height = made.positions[0], made.positions[0, 1] - made.nose_tip[0, 1]
    part = positions.where((height > -15) & (height < 28), torch.nan)
    with pytest.raises(DegenerateInput, match=r"holes cover \d+% of the face|no face that looks"):
        prepare_scan(part, SETTINGS, template)
    with pytest.raises(DegenerateInput, match="has 0 samples"):
        prepare_scan(positions * torch.nan, SETTINGS, template)


def test_wrong_tensors_are_refused(template: ScanTemplate) -> None:
    with pytest.raises(BadInput, match="positions has shape"):
        prepare_scan(torch.zeros(1, 3, 8, 8), SETTINGS, template)
    with pytest.raises(BadInput, match="triangles has shape"):
        prepare_mesh(torch.zeros(5, 3), torch.zeros(0, 3).long(), SETTINGS, template)
    with pytest.raises(BadInput, match="points has shape"):
        prepare_points(torch.zeros(5, 2), SETTINGS, template)
    with pytest.raises(BadInput, match=r"torch\.int64"):
        prepare_scan(torch.zeros(3, 40, 40, dtype=torch.int64), SETTINGS, template)
    with pytest.raises(BadInput, match="x grows by"):
        prepare_scan(sphere(80.0).flip(2), SETTINGS, template)
    with pytest.raises(DegenerateInput, match="no face that looks to the viewer"):
        find_pose(torch.full((3, 30, 30), torch.nan), 1.5, template)
