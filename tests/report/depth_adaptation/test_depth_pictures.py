"""Depth frames as pictures, and heads in the points of their frames."""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from facelib.data.depth_faces import DepthFrames, LabelledDepth
from facelib.errors import MissingPart
from facelib.faces.sensors import StructuredLight
from facelib.geometry.camera import PerspectiveCamera
from facelib.papers.depth_adaptation.networks import face_surface
from facelib.papers.depth_adaptation.truth import NINE_LANDMARKS
from facelib.report.depth_adaptation.depth_pictures import HOLE, LIGHT, by_depth, over_frame, relief
from facelib.report.depth_adaptation.material import true_heads
from facelib.report.depth_adaptation.mesh_pictures import cloud_picture, mesh_data, turned_rows, typical_rows
from facelib.report.depth_adaptation.region_picture import REGION, draw_region, region_data
from facelib.report.depth_adaptation.sensor_statistics import (
    DESCRIBED_K,
    DESCRIBED_N,
    MEASURED,
    draw_sensor,
    sensor_data,
)
from facelib.report.depth_adaptation.turnable_cloud import (
    CloudedHead,
    cloud_data,
    clouded_head,
    interactive_cloud,
)

pytestmark = pytest.mark.usefixtures("face_model")
CAMERA = PerspectiveCamera(100.0, 20.0, 20.0)
SQUARE = torch.tensor([[-40.0, -40, 0], [40, -40, 0], [40, 40, 0], [-40, 40, 0]])
TRIANGLES = torch.tensor([[0, 1, 2], [0, 2, 3]])  # seen from +z


@pytest.mark.parametrize("turn", [0.0, 30.0, -30.0])
def test_a_plane_is_lit_evenly_by_its_angle(turn: float) -> None:
    """A plane turned about the vertical axis, z = 500 + x tan(turn)."""
    slope = math.tan(math.radians(turn))
    across = (torch.arange(40) + 0.5 - 20) / 100
    depth = (500 / (1 - slope * across)).expand(40, -1)
    picture = relief(depth, CAMERA, smoothed=0)
    normal = np.array([slope, 0.0, -1.0]) / math.hypot(slope, 1)
    expected = 0.18 + 0.82 * max(0.0, float(np.array(LIGHT) @ normal))
    assert picture[:, 5:35, 5:35].sub(expected).abs().max() < 0.02


def test_holes_are_dark() -> None:
    depth = torch.full((8, 8), 700.0)
    depth[2, 3] = 0
    for picture in (relief(depth, CAMERA), by_depth(depth, 600, 800)):
        torch.testing.assert_close(picture[:, 2, 3], torch.tensor(HOLE))
    middle = torch.tensor(mpl.colormaps["viridis_r"](0.5)[:3])
    torch.testing.assert_close(by_depth(depth, 600, 800)[:, 5, 5], middle.float())


def test_a_mesh_covers_the_pixels_it_projects_to() -> None:
    """A square of 80 mm at 400 mm with a focal length of 100 covers 20 pixels."""
    head = SQUARE * torch.tensor([1.0, -1, -1]) + torch.tensor([0.0, 0, 400])
    picture = over_frame(torch.zeros(3, 40, 40), CAMERA, head, TRIANGLES, opacity=1.0)
    assert int((picture.sum(dim=0) > 0.1).sum()) == 400


def test_points_of_a_frame_and_their_distances() -> None:
    """A wall 10 mm behind a square: each point lies 10 mm behind it, or farther beside the corners."""
    head = SQUARE * torch.tensor([1.0, -1, -1]) + torch.tensor([0.0, 0, 400])
    found = clouded_head(torch.full((40, 40), 410.0), CAMERA, head, TRIANGLES)
    assert (found.points[:, 2] - found.vertices[0, 2]).unique().tolist() == pytest.approx([-10.0], abs=1e-3)
    expected = torch.cdist(found.points.double(), found.vertices.double()).amin(dim=1)
    torch.testing.assert_close(found.distances.double(), expected, atol=1e-3, rtol=0)
    told = cloud_data(found).iloc[0]
    assert told["points"] == len(found.points) == 1600
    picture = interactive_cloud(found, "label", b"")
    assert [trace.type for trace in picture.figure.data] == ["scatter3d", "mesh3d"]
    empty = clouded_head(torch.zeros(40, 40), CAMERA, head, TRIANGLES)
    assert len(empty.points) == 0
    assert cloud_data(empty).iloc[0]["points"] == 0


def test_points_behind_a_mesh_are_hidden() -> None:
    for depth, shown in ((-20.0, False), (20.0, True)):
        point = torch.tensor([[0.0, 0.0, depth]])
        picture = cloud_picture(CloudedHead(point, torch.tensor([30.0]), SQUARE, TRIANGLES), yaw=0.0, side=100)
        red = (picture[0] - picture[2] > 0.2).any()
        assert bool(red) == shown


def test_rows_by_rule() -> None:
    errors, among = np.array([9.0, 5, 1, 3, 7, 0, 100]), np.array([1, 1, 1, 1, 1, 0, 0], bool)
    assert typical_rows(errors, among) == {"one of the best": 2, "typical": 1, "one of the worst": 0}
    yaw = np.deg2rad([10.0, -60, 80, 0])
    turns = np.zeros((4, 3, 3))
    turns[:, 0, 2], turns[:, 2, 2] = np.sin(yaw), np.cos(yaw)
    assert turned_rows(turns, 3) == {"yaw -60°": 1, "yaw +10°": 0, "yaw +80°": 2}


def test_errors_of_meshes_are_those_of_the_evaluation() -> None:
    surface = face_surface()
    true = surface.mean[None]
    same = mesh_data(["ahead"], {"same": true, "wider": 1.02 * true}, true).set_index("method")
    assert same.loc["same", "vertices"] == pytest.approx(0, abs=1e-4)
    nine = surface.landmarks[list(NINE_LANDMARKS)]
    middle = surface.mean[nine].mean(dim=0)
    expected = 0.02 * (surface.mean[surface.face] - middle).norm(dim=1).mean()
    assert same.loc["wider", "vertices"] == pytest.approx(float(expected), abs=0.01)


def test_the_region() -> None:
    surface = face_surface()
    told = region_data(surface).set_index("landmark")
    assert list(told.index) == list(NINE_LANDMARKS)
    assert told.loc[30].tolist() == pytest.approx(surface.mean[surface.landmarks[30]].tolist())
    figure = draw_region(surface)
    first = np.asarray(figure.axes[0].images[0].get_array())
    colour = np.array(mpl.colors.to_rgb(REGION))
    orange = first[..., 0] - first[..., 2] > 0.5 * (colour[0] - colour[2])
    assert 0.1 < orange.mean() < 0.5
    plt.close(figure)


def test_the_sensor_is_as_described() -> None:
    data = sensor_data(StructuredLight())
    noise, step = (
        data[data["quantity"] == name].pivot(index="at", columns="origin", values="value") for name in ("noise", "step")
    )
    assert ((noise[MEASURED] / noise[DESCRIBED_N] - 1).abs() < 0.2).all()
    far = step.loc[1500:]  # nearer, whole millimetres are as coarse as the steps
    assert ((far[MEASURED] / far[DESCRIBED_K] - 1).abs() < 0.1).all()
    outline = data[data["quantity"] == "outline"].set_index("origin")["value"]
    assert outline[MEASURED] == pytest.approx(outline[DESCRIBED_N], rel=0.35)
    plt.close(draw_sensor(data))


def test_true_heads_of_licensed_frames_cannot_be_drawn() -> None:
    frames = DepthFrames(torch.zeros(2, 4, 4), torch.ones(2, 2), torch.ones(2, 2))
    nothing, three = torch.empty(2, 0), torch.zeros(2, 3)
    with pytest.raises(MissingPart, match="without coefficients of our face model"):
        true_heads(LabelledDepth(frames, nothing, nothing, three, three, torch.zeros(2), torch.zeros(2)))
