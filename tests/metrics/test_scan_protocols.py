from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from facelib.errors import BadInput, DegenerateInput, UnknownName
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.geometry.alignment import similarity_transform
from facelib.geometry.icp import icp
from facelib.geometry.normals import vertex_normals
from facelib.geometry.point_clouds import sample_surface
from facelib.geometry.rotations import euler_to_matrix
from facelib.metrics.scan_protocols import PROTOCOLS, ScanProtocol, scan_distances, scan_error, scan_protocol

Surface = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # vertices, triangles, landmarks


@pytest.fixture(scope="module")
def person(face_model: MorphableModel) -> Surface:
    layout = face_layout(face_model, 32)
    head = face_model.vertices(sample_people(face_model, 1, seed=4).identity)[0]
    used = torch.unique(layout.triangles)
    numbers = torch.full((len(head),), -1)
    numbers[used] = torch.arange(len(used))
    return head[used], numbers[layout.triangles], head[face_model.landmarks]


def moved(surface: Surface, size: float) -> Surface:
    vertices, triangles, landmarks = surface
    rotation = euler_to_matrix(*torch.tensor([[0.3], [-0.2], [0.1]]))[0]
    place = torch.tensor([10.0, -20.0, 30.0])
    return size * vertices @ rotation.T + place, triangles, size * landmarks @ rotation.T + place


def error(face: Surface, scan: Surface, protocol: ScanProtocol) -> float:
    return scan_error(*face, scan[0], scan[2], protocol)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_face_is_near_its_own_scan_wherever_it_lies(person: Surface, name: str) -> None:
    assert error(moved(person, 1.0), person, scan_protocol(name)) < 0.02


@pytest.mark.parametrize("name", PROTOCOLS)
def test_only_a_rigid_protocol_sees_the_size(person: Surface, name: str) -> None:
    found = error(moved(person, 1.1), person, scan_protocol(name))
    assert (found > 1) == (name == "mgcnet")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_errors_are_in_mm_of_the_scan(person: Surface, face_model: MorphableModel, name: str) -> None:
    """A face in another unit is laid onto the scan first; a scan in another unit would scale its error."""
    mean = face_model.mean[torch.unique(face_layout(face_model, 32).triangles)]
    other = mean, person[1], face_model.mean[face_model.landmarks]
    once = error(other, person, scan_protocol(name))
    assert 0.5 < once < 5
    if name != "mgcnet":
        assert error(moved(other, 0.01), person, scan_protocol(name)) == pytest.approx(once, rel=0.02)


def test_a_scan_that_would_shrink_is_fitted_without_a_change_of_size(face_model: MorphableModel) -> None:
    """This one would end as a point on the mean face."""
    layout = face_layout(face_model, 64)
    mean, texels = layout.texel_points(layout.position_map(face_model.mean[None]))[0], layout.nearest_texels
    number = torch.full(layout.mask.shape, -1)
    number[layout.mask] = torch.arange(len(mean))
    own = mean[number[tuple(texels(face_model.landmarks).T)]]
    person = sample_people(face_model, 8, 77, fixed_albedo=True).identity[:1]
    head = face_model.vertices(person)[0]
    marked = head[face_model.landmarks]
    near = (head - marked[30]).norm(dim=1) < 95.0
    triangles = face_model.triangles[near[face_model.triangles].all(dim=1)]
    scan = sample_surface(head[None], triangles, 5000, torch.Generator().manual_seed(0))[0]
    free, rigid = (ScanProtocol(statistic="mean", icp_scale=scale) for scale in (True, False))
    normals = vertex_normals(mean[None], layout.grid_triangles)[0]
    start = similarity_transform(own[None], marked[None]).apply(mean[None])[0]
    with pytest.raises(DegenerateInput, match="shrank to a point"):
        icp(scan, start, target_normals=normals)

    found = [scan_error(mean, layout.grid_triangles, own, scan, marked, each) for each in (free, rigid)]

    assert found[0] == pytest.approx(found[1])


def test_distances_by_hand() -> None:
    """A flat face, and a scan whose points lie on both sides of it: no motion is better than none."""
    rows, columns = torch.meshgrid(torch.linspace(-50, 50, 21), torch.linspace(-50, 50, 21), indexing="ij")
    flat = torch.stack((columns, rows, torch.zeros_like(rows)), dim=-1).flatten(0, 1)
    corners = torch.arange(21 * 21).view(21, 21)
    a, b, c, d = (corners[i : 20 + i, j : 20 + j].flatten() for i in (0, 1) for j in (0, 1))
    triangles = torch.cat((torch.stack((a, b, c), dim=1), torch.stack((b, d, c), dim=1)))
    landmarks = torch.zeros(68, 3)
    landmarks[:, 0] = torch.linspace(-40, 40, 68)
    landmarks[17:27, 1] = 30.0  # brows above the chin
    landmarks[8, 1] = -40.0
    landmarks[30] = torch.tensor([0.0, 0.0, 0.0])
    # Scan points lie 3 mm before the sheet and behind it by turns: no motion is better than none.
    scan = (
        flat
        + torch.tensor([1.0, 1.0, 0.0])
        + torch.tensor([0.0, 0.0, 3.0]) * (1 - 2 * (torch.arange(441) % 2))[:, None]
    )

    def measured(**choices: object) -> float:
        protocol = replace(ScanProtocol(radius=45.0), **choices)  # type: ignore[arg-type]
        return scan_error(flat, triangles, landmarks, scan, landmarks, protocol)

    for choices in ({}, {"statistic": "mean"}, {"distance": "point"}):  # ICP slides the scan onto the vertices
        assert measured(icp_scale=False, **choices) == pytest.approx(3.0, abs=0.05), choices


def test_the_cut_is_around_the_nose_and_below_the_forehead(person: Surface) -> None:
    vertices, triangles, landmarks = person
    far = landmarks[30] + torch.tensor([0.0, 0.0, 96.0])
    high = landmarks[19] + torch.tensor([0.0, 20.0, 25.0])
    wrong = torch.cat((vertices, far.expand(50, 3), high.expand(50, 3)))
    scan = wrong, triangles, landmarks
    assert error(person, scan, scan_protocol("deng")) < 0.02
    assert error(person, scan, replace(scan_protocol("deng"), forehead=math.inf)) > 0.5
    assert error(person, scan, replace(scan_protocol("deng"), radius=math.inf)) > 2


def test_a_part_that_is_missing_counts_both_ways_only(person: Surface) -> None:
    vertices, triangles, landmarks = person
    half = vertices[vertices[:, 1] > landmarks[48, 1]], triangles, landmarks  # no chin
    there = scan_protocol("ganfit")
    assert error(person, half, replace(there, direction="scan_to_face")) < 0.02
    assert error(person, half, there) > 0.2
    assert error(person, half, replace(there, distance="point")) > 0.5


def test_a_scan_in_metres_is_refused(person: Surface) -> None:
    vertices, triangles, landmarks = person
    with pytest.raises(BadInput, match="is it in mm"):
        scan_error(vertices, triangles, landmarks, 1000 * vertices, 1000 * landmarks, scan_protocol("deng"))


def test_distances_point_by_point_have_the_root_mean_square_of_the_error(
    person: Surface, face_model: MorphableModel
) -> None:
    vertices, triangles, landmarks = person
    mean = face_model.mean[torch.unique(face_layout(face_model, 32).triangles)]
    protocol = scan_protocol("deng")
    face = moved((mean, triangles, face_model.mean[face_model.landmarks]), 3.0)  # in another unit
    distances = scan_distances(*face, vertices, landmarks, protocol)

    there = ~distances.isnan()
    assert 0.5 < there.float().mean() < 1  # the throat and the forehead are cut off
    whole = distances[there].square().mean().sqrt()
    assert whole == pytest.approx(error(face, person, protocol), rel=0.1)
    assert scan_distances(*moved(person, 1.0), vertices, landmarks, protocol)[there].nanmean() < 0.02


def test_a_place_that_the_scan_does_not_show_has_no_distance(person: Surface) -> None:
    vertices, triangles, landmarks = person
    chin = vertices[:, 1] < landmarks[48, 1] - 15  # mm below the corner of the mouth
    half = vertices[vertices[:, 1] > landmarks[48, 1]]
    distances = scan_distances(vertices, triangles, landmarks, half, landmarks, scan_protocol("deng"))
    assert distances[chin].isnan().all()
    assert not distances[vertices[:, 1].argsort()[-300:]].isnan().all()


def test_an_unknown_protocol() -> None:
    with pytest.raises(UnknownName, match="ganfit"):
        scan_protocol("now")
