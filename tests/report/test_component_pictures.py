"""Pictures of prepared scans show depth and components as the greys that the note says, and holes as holes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch

from facelib.data.frontal_alignment import FrontalPose
from facelib.data.scan_preparation import PreparedScan
from facelib.geometry.alignment import Similarity
from facelib.report.component_pictures import HOLE, ScanLine, component_images, draw_components

ONE = torch.tensor(1.0)


def made_scan() -> PreparedScan:
    """A row of three cells: foremost, farthest, and a hole."""
    positions = torch.zeros(3, 1, 3)
    positions[2, 0] = torch.tensor([5.0, -90.0, torch.nan])
    normals = torch.tensor([[-1.0, 0, 0], [0, 0.5, 0], [0, 1, 0]])[:, None]
    pose = FrontalPose(Similarity(ONE, torch.eye(3), torch.zeros(3)), torch.zeros(3), 0.0)
    return PreparedScan(positions, normals, torch.tensor([[True, True, False]]), pose)


def test_greys() -> None:
    images = component_images(made_scan())
    greys = [[1.0, 0.0], [0.0, 0.5], [0.5, 0.75], [0.0, 1.0]]  # depth, N_x and N_y from -1 on, N_z from 0 on
    for image, (first, second) in zip(images, greys, strict=True):
        expected = torch.tensor([[first] * 3, [second] * 3, HOLE]).T[:, None]
        torch.testing.assert_close(image, expected)


def test_a_row_for_each_scan() -> None:
    lines = [ScanLine("scan", made_scan()), ScanLine("1. anna", made_scan(), ("0.1", "0.2", "0.3", "0.4"))]
    figure = draw_components(lines, "made up", "numbers: distances")
    texts = {text.get_text() for axis in figure.axes for text in axis.texts}
    assert texts == {"0.1", "0.2", "0.3", "0.4"}
    assert [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()] == ["scan", "1. anna"]
    assert any("numbers: distances" in text.get_text() for text in figure.texts)
    plt.close(figure)
