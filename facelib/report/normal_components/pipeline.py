"""Figure 1 of paper 2 from a real run: how a photograph becomes what is learnt from, and a scan what is compared."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch.nn import functional

from facelib.conventions import NOSE_TIP
from facelib.data.archive import FaceArchive
from facelib.data.embedded.face_scans import scan_positions
from facelib.data.known_photographs import KnownPhotographs, photographs_of
from facelib.data.reconstructed_faces import vertices_of
from facelib.data.scan_preparation import prepare_faces, prepare_scan
from facelib.data.scan_template import scan_template
from facelib.data.surface_images import as_stored, surface_images
from facelib.faces.surfaces import sheet_triangles
from facelib.metrics.late_fusion import LateFusion
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.data_sets import web_settings
from facelib.papers.normal_components.metrics import TITLES
from facelib.papers.normal_components.networks import face_model
from facelib.papers.normal_components.reconstructors import reconstructor_of
from facelib.papers.run import found_weights, open_archive
from facelib.report.component_pictures import COLUMNS, surface_pictures
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.normal_components.material import Material
from facelib.report.overlay import SIDE, enlarged, name_column, name_row, note_below, picture_grid, show

ROWS = ("what is learnt from", "what is compared")
FIRST = (("photograph", "reconstructed face"), ("scan", "its surface, prepared"))
EMBEDDINGS = "embeddings"
GAP = 0.3  # between panels, of their width, for the arrows
BANDS = 6  # rows that an embedding's numbers are folded to


@dataclass(frozen=True)
class Followed:
    """One face on its way through the networks.

    Args:
        pictures: (3, S, S) in [0, 1] of every step before the embeddings.
        embeddings: unit vectors (D,) by view.
    """

    pictures: list[torch.Tensor]
    embeddings: dict[str, np.ndarray]


def follow_photograph(material: Material, label: str, row: int) -> Followed:
    """A photograph that a method with a reconstructor has learnt from: seen, reconstructed, and as an image of normals.

    Args:
        material: with a run of the method.
        label: of it.
        row: of the photographs.
    """
    settings, record = material.settings(label), material.records[label]
    archive = open_archive(PAPER, record.method, settings, "web_faces")
    read = reconstructor_of(PAPER.method(record.method), settings, found_weights(record.run)).read
    known = KnownPhotographs.of(archive, web_settings(settings))
    model = face_model()
    face = vertices_of(model, known.read_by(read)(np.array([row])))
    positions, normals = prepare_faces(face, model.triangles, int(model.landmarks[NOSE_TIP]), settings.preparation)
    made = FaceArchive("made", "", as_stored(positions, normals))
    seen = positions[0].isfinite().all(dim=0)
    shown = [
        enlarged(photographs_of(archive, np.array([row]))[0]),
        shaded_picture(FaceMesh("", face[0], model.triangles), 0.0, SIDE),
        *surface_pictures(positions[0], normals[0], seen),
    ]
    return Followed(shown, _embeddings(material, label, made))


def follow_scan(material: Material, label: str, data_set: str, row: int) -> Followed:
    """A scan as it came, prepared, and as an image of normals; raises DegenerateInput where it cannot be prepared."""
    positions = scan_positions(material.scans(data_set), [row])[0]
    scan = prepare_scan(positions, material.settings().preparation, scan_template(face_model()))
    made = FaceArchive("made", "", as_stored(scan.positions[None], scan.normals[None]))
    shown = [
        shaded_picture(surface_of(positions), 0.0, SIDE),
        shaded_picture(surface_of(scan.positions), 0.0, SIDE),
        *surface_pictures(scan.positions, scan.normals, scan.mask),
    ]
    return Followed(shown, _embeddings(material, label, made))


def surface_of(positions: torch.Tensor) -> FaceMesh:
    """The surface through a grid of positions (3, H, W), without its holes."""
    vertices, triangles = positions.flatten(1).T, sheet_triangles(*positions.shape[1:])
    seen = vertices.isfinite().all(dim=1)
    return FaceMesh("", vertices[seen], (seen.cumsum(0) - 1)[triangles[seen[triangles].all(dim=1)]])


def first_probe(material: Material, data_set: str) -> int:
    """The row of the first probe of a data set that could be prepared."""
    told = material.prepared(data_set).arrays
    return int(np.flatnonzero(~np.asarray(told["is_gallery"]) & ~np.asarray(told["failed"]))[0])


def distance_data(material: Material, label: str, data_set: str, row: int) -> pd.DataFrame:
    """How far a scan is from everybody's enrolled one.

    Returns:
        A line for each person of the gallery whose scan could be prepared: identity, own (whether it is the scan's own
        person), the distance of each view, and fused.
    """
    seen = material.seen(label, data_set)
    gallery = np.flatnonzero(seen.told["is_gallery"] & ~seen.told["failed"])
    probe, enrolled = ({view: each[rows] for view, each in seen.features.items()} for rows in ([row], gallery))
    fusion, identity = LateFusion.of(probe, enrolled), seen.told["identity"]
    distances = {view: each[0] for view, each in fusion.distances.items()} | {"fused": fusion.mean[0]}
    return pd.DataFrame({"identity": identity[gallery], "own": identity[gallery] == identity[row], **distances})


def draw_pipeline(photograph: Followed, scan: Followed, distances: pd.DataFrame, data_set: str) -> Figure:
    """Two rows of pictures from left to right, each step to the next.

    Args:
        photograph, scan: what is followed.
        distances: of the scan, of `distance_data`.
        data_set: that the scan is of.
    """
    names = (*COLUMNS, EMBEDDINGS)
    figure, panels = picture_grid(2, 2 + len(names), height=1.3)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width * (1 + GAP), height)
    figure.subplots_adjust(wspace=GAP)
    for line, first, title, followed in zip(panels, FIRST, ROWS, (photograph, scan), strict=True):
        pictures = [*followed.pictures, embedding_picture(followed.embeddings)]
        for place, (panel, picture, name) in enumerate(zip(line, pictures, (*first, *names), strict=True)):
            show(panel, picture)
            name_column(panel, name, 7)
            if place + 1 < len(line):
                panel.text(1 + GAP / 2, 0.5, "→", transform=panel.transAxes, ha="center", va="center", fontsize=11)
                panel.set_zorder(-place)  # or the next panel would hide the arrow
        name_row(line[0], title)
    note_below(figure, f"embeddings: a band for each of {', '.join(scan.embeddings)}, red above 0, blue below\n"
                       f"the scan, of {TITLES[data_set]}: {distance_words(distances)}")  # fmt: skip
    return figure


def distance_words(distances: pd.DataFrame) -> str:
    """The fused distances of `distance_data` in words."""
    own, others = (distances.loc[distances["own"] == is_own, "fused"] for is_own in (True, False))
    nearest = f", from the nearest of {len(others)} others {others.min():.3f}" if len(others) else ""
    return f"fused distance from its own person's enrolled scan {own.min():.3f}{nearest}"


def embedding_picture(embeddings: dict[str, np.ndarray]) -> torch.Tensor:
    """Vectors as bands of colours above each other, (3, S, S) in [0, 1]: red above 0, blue below, by the largest."""
    limit = max(float(np.abs(each).max()) for each in embeddings.values())
    bands = []
    for each in embeddings.values():
        columns = -(-len(each) // BANDS)
        folded = np.full((BANDS + 1, columns), np.nan)  # the last row stays white
        folded[:BANDS].flat[: len(each)] = each / limit
        bands.append(folded)
    colours = mpl.colormaps["RdBu_r"].with_extremes(bad="white")((np.concatenate(bands)[:-1] + 1) / 2)[..., :3]
    picture = torch.from_numpy(colours).float().permute(2, 0, 1)
    return functional.interpolate(picture[None], (SIDE, SIDE), mode="nearest")[0]


@torch.no_grad()
def _embeddings(material: Material, label: str, made: FaceArchive) -> dict[str, np.ndarray]:
    found = material.network(label)(surface_images(made, np.array([0])))
    return {view: each.unit[0].numpy() for view, each in found.items()}
