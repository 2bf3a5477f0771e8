"""The picture of a reconstruction has its panels, and the face lies over the photograph only where it is."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import torch

from facelib.data.photographs import FaceBox, Photograph
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.methods import METHODS
from facelib.papers.sadrnet.networks import build_network, face_model
from facelib.papers.sadrnet.reconstruction import Reconstruction, reconstruct
from facelib.report.sadrnet.reconstruction_picture import draw_reconstruction, overlay

PHOTOGRAPH = Photograph(torch.rand(3, 150, 150, generator=torch.Generator().manual_seed(0)))


def frontal_mean_face() -> Reconstruction:
    """What fresh weights with a regressed pose read in the middle of the box."""
    network = build_network(METHODS["regressed_pose"], PAPER.run_settings("regressed_pose", "smoke")).eval()
    return reconstruct(network, face_model(), 64, PHOTOGRAPH, FaceBox(40, 40, 110, 110))


def test_panels_and_label() -> None:
    face = frontal_mean_face()
    attention = torch.rand(8, 8, generator=torch.Generator().manual_seed(0))
    for given, panels in ((face, 4), (replace(face, attention=attention), 5)):
        figure = draw_reconstruction(PHOTOGRAPH, given, "a network", "trained on embedded faces only")

        assert sum(bool(panel.images) for panel in figure.axes) == panels
        assert figure.get_suptitle() == "a network: yaw +0°, pitch +0°, roll +0°"
        assert "trained on embedded faces only" in [text.get_text() for text in figure.texts]
        plt.close(figure)


def test_the_face_lies_where_its_points_are() -> None:
    face = frontal_mean_face()
    shown = overlay(face.crop, face)
    changed = (shown != face.crop.image).any(dim=0)
    columns = (face.points[:, 0] - face.crop.offset[0]) / face.crop.scale

    assert changed[32, 32]
    assert not changed[:, : int(columns.min())].any()
    assert not changed[:, int(columns.max()) + 1 :].any()
    assert 0.3 < changed.float().mean() < 0.9
    # Lit from the viewer: the forehead, which faces it, is brighter than the side of the face.
    clay = shown.mean(dim=0) - 0.35 * face.crop.image.mean(dim=0)
    assert clay[20, 30:34].mean() > clay[32, int(columns.min()) + 3]
