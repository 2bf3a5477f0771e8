"""Figure 1 follows a scan step by step, figure 2 shows one of each data set; the parts of the method notebook."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from made_identification import made_scans

from facelib.data.archive import FaceArchive
from facelib.data.surface_settings import PreparationSettings
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.methods import METHODS
from facelib.papers.normal_components.networks import build_network
from facelib.report.normal_components import method_pictures, pipeline, scans
from facelib.report.overlay import SIDE

pytestmark = pytest.mark.usefixtures("face_model")
PREPARATION = PreparationSettings(size=32, cell=5.0)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def material(face_model: object) -> Any:
    """Two scans of one person, the first enrolled, and fresh networks."""
    made = [method_pictures.scanned("bosphorus", pose=(yaw, 0, 0)) for yaw in (0.0, 5.0)]
    depth = torch.cat([scan.depth for scan in made]).mul(100).round().nan_to_num(-32768).short().numpy()
    arrays = {"depth": depth, "step": np.full(2, made[0].step), "identity": np.zeros(2, int)}
    torch.manual_seed(0)
    settings = PAPER.settings("smoke")
    network = build_network(METHODS["expnet_lmcl"], settings).eval()
    told = {"is_gallery": np.array([True, False]), "failed": np.zeros(2, bool)}
    return SimpleNamespace(
        scans=lambda name: FaceArchive("made", "", arrays),
        prepared=lambda name: FaceArchive("prepared_scans", "", told),
        settings=lambda label="": settings,
        network=lambda label: network,
    )


def test_a_scan_is_followed_to_its_embeddings(material: Any) -> None:
    row = pipeline.first_probe(material, "bosphorus")
    assert row == 1
    followed = pipeline.follow_scan(material, "one", "bosphorus", row)
    assert [tuple(each.shape) for each in followed.pictures] == [(3, SIDE, SIDE)] * 2 + [(3, 32, 32)] * 4
    assert list(followed.embeddings) == ["x", "y", "z"]
    for each in followed.embeddings.values():
        assert np.linalg.norm(each) == pytest.approx(1, abs=1e-5)
    distances = pipeline.distance_data(
        SimpleNamespace(seen=lambda label, name: made_scans({"x": [[1, 0], [0, 1], [1, 0]]}, [0, 1, 0], 2)),
        "one", "bosphorus", 2,
    )  # fmt: skip
    assert distances["fused"].tolist() == pytest.approx([0, 2**0.5])
    assert distances["own"].tolist() == [True, False]
    figure = pipeline.draw_pipeline(followed, followed, distances, "bosphorus")
    assert sum(text.get_text() == "→" for panel in figure.axes for text in panel.texts) == 2 * 6
    assert any("own person's enrolled scan 0.000, from the nearest of 1 others 1.414" in text.get_text()
               for text in figure.texts)  # fmt: skip


def test_the_surface_of_a_grid_has_no_triangle_at_a_hole() -> None:
    positions = torch.zeros(3, 3, 3)
    positions[0], positions[1] = torch.arange(3.0), -torch.arange(3.0)[:, None]
    assert len(pipeline.surface_of(positions).triangles) == 8
    positions[:, 0, 0] = torch.nan
    mesh = pipeline.surface_of(positions)
    assert (len(mesh.vertices), len(mesh.triangles)) == (8, 7 if len(mesh.triangles) == 7 else 6)
    assert mesh.vertices.isfinite().all()
    assert mesh.triangles.max() == 7


def test_embeddings_are_bands_of_colour() -> None:
    picture = pipeline.embedding_picture({"x": np.full(12, 0.5), "y": np.full(12, -0.5)})
    top, bottom = picture[:, 5, 5], picture[:, -5, 5]
    assert top[0] > 2 * top[2]  # red
    assert bottom[2] > 2 * bottom[0]
    assert (picture[:, SIDE // 2] > 0.9).all()  # white between them


def test_scans_of_each_data_set(material: Any) -> None:
    lines = scans.scan_lines(material, ["bosphorus", "ict"])
    assert [line.title for line in lines] == ["Bosphorus (structured light)", "ICT (laser)"]
    data = scans.line_data(lines)
    assert data["seen"].between(0.3, 0.9).all()
    assert (data["N_z"] > 0.6).all()


def test_normals_of_planes_are_exact_and_of_a_cap_nearly() -> None:
    errors = method_pictures.normal_errors()
    assert (errors.iloc[0] < 1e-3).all()
    assert errors.iloc[1].between(0.01, 0.3).all()


def test_a_turned_scan_ends_at_the_front() -> None:
    assert (method_pictures.turned_errors("bosphorus", [20.0], PREPARATION) < 1.5).all(axis=None)


def test_the_same_head_before_each_scanner() -> None:
    lines = method_pictures.scanner_lines(PREPARATION)
    assert lines[0].title == "BU-3DFE (stereo, 1.2 mm)"
    seen = torch.stack([line.scan.normals[:, 12:20, 12:20] for line in lines])
    assert (seen - seen.mean(dim=0)).abs().mean() < 0.1
    assert not torch.equal(seen[0], seen[1])


def test_disturbed_people_stand_in_rows() -> None:
    pictures = method_pictures.disturbed_pictures((0, 2), persons=2)
    assert pictures.shape == (4, 3, SIDE, SIDE)
    apart = (pictures[0::2] - pictures[1::2]).abs().mean(dim=(1, 2, 3))
    assert (apart > 0.003).all()
