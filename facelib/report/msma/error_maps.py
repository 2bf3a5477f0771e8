"""How far faces are from scans, point by point: people of FaceWarehouse, and figure 8 of paper 5, the ablation.

The numbers below the maps are those of the runs' scores, which tables average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.data.archive import FaceArchive
from facelib.faces.population import EXPRESSIONS
from facelib.metrics.scan_protocols import scan_distances
from facelib.papers.msma.face_renderer import FaceRenderer
from facelib.papers.msma.fitted_face import finer_mesh
from facelib.papers.msma.networks import face_renderer
from facelib.papers.msma.protocol import FACEWAREHOUSE
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.msma.comparison_pictures import Read, laid_over, lit
from facelib.report.msma.readings import Photographs, PlacedFace
from facelib.report.overlay import (
    SIDE,
    bar_beside,
    enlarged,
    error_colours,
    name_column,
    name_row,
    picture_grid,
    show,
    wrapped,
)
from facelib.report.sadrnet.predictions import TRUTH, median_place
from facelib.report.style import ERROR_COLOURS

LIMIT_MM = 4.0  # of the strongest colour
SHOWN = ("neutral", "mouth_stretch", "grin", "lip_puckerer", "cheek_blowing")  # expressions

Maps = Mapping[str, list[torch.Tensor]]  # label -> distances (V,) mm of B faces, NaN where there are none


def typical_person(scores: Mapping[str, np.ndarray]) -> int:
    """The person of FaceWarehouse whose photographs have the median mean error."""
    people = np.unique(scores["facewarehouse_identity"])
    means = np.array([scores["facewarehouse"][scores["facewarehouse_identity"] == each].mean() for each in people])
    return int(people[median_place(means, np.ones(len(people), bool))])


def expressions_of(archive: FaceArchive, person: int) -> dict[str, int]:
    """The rows of a person's shown expressions by title."""
    own = np.flatnonzero(np.asarray(archive.arrays["identity"]) == person)
    number = {name: list(EXPRESSIONS).index(name) for name in SHOWN}
    shown = {name: own[archive.arrays["expression"][own] == each] for name, each in number.items()}
    return {name.replace("_", " "): int(rows[0]) for name, rows in shown.items() if len(rows)}


def scan_maps(photographs: Photographs, read: Read, archive: FaceArchive) -> dict[str, list[torch.Tensor]]:
    """How far faces are from the scans of their photographs, as FaceWarehouse is evaluated.

    Args:
        photographs: B of the archive.
        read: label -> B faces.
        archive: with scans.
    """
    renderer, scans = face_renderer(archive.image_size), archive.arrays["scan"][photographs.rows]
    return {
        label: [_distances(renderer, face, archive, scan) for face, scan in zip(faces, scans, strict=True)]
        for label, faces in read.items()
    }


def _distances(renderer: FaceRenderer, face: PlacedFace, archive: FaceArchive, scan: int) -> torch.Tensor:
    points, marked = (torch.from_numpy(np.array(archive.arrays[name][scan])) for name in ("scans", "scan_landmarks"))
    landmarks = face.shape[renderer.landmarks]
    return scan_distances(face.shape, renderer.triangles, landmarks, points, marked, FACEWAREHOUSE)


def map_data(photographs: Photographs, maps: Maps, errors: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Columns photograph, row, method, rms (mm, of the run's scores), median and p95 of the map (mm).

    Args:
        photographs: B.
        maps: of `scan_maps`.
        errors: label -> (B,) of the scores.
    """
    lines = []
    for label, distances in maps.items():
        for number, (title, row) in enumerate(zip(photographs.titles, photographs.rows, strict=True)):
            known = {"photograph": title, "row": row, "method": label, "rms": errors[label][number]}
            median, p95 = distances[number].nanquantile(torch.tensor([0.5, 0.95])).tolist()
            lines.append(known | {"median": median, "p95": p95})
    return pd.DataFrame(lines)


def draw_expressions(photographs: Photographs, read: Read, maps: Maps, errors: Mapping[str, np.ndarray]) -> Figure:
    """A row a photograph: itself, then the shape of each method, coloured by its distance from the scan.

    Args:
        photographs: B.
        read, maps: label -> B faces, and their distances.
        errors: label -> (B,) mm, of the scores.
    """
    figure, panels = picture_grid(len(photographs.titles), 1 + len(maps))
    for number, line in enumerate(panels):
        show(line[0], enlarged(photographs.faces.images[number]))
        name_row(line[0], photographs.titles[number], 7)
        _show_maps(line[1:], photographs, number, read, maps, errors)
    _name(figure, panels[0], ("photograph", *maps))
    return figure


def draw_ablation(photographs: Photographs, read: Read, maps: Maps, errors: Mapping[str, np.ndarray]) -> Figure:
    """Two rows a photograph: itself, and the face of each method as it is drawn over it; below the true shape, and how
    far each is off.

    Args:
        photographs, read, maps, errors: as of `draw_expressions`, of methods whose faces have colours.
    """
    figure, panels = picture_grid(2 * len(photographs.titles), 1 + len(maps))
    for number, (above, below) in enumerate(zip(panels[::2], panels[1::2], strict=True)):
        show(above[0], enlarged(photographs.faces.images[number]))
        true = photographs.true[number]
        show(below[0], shaded_picture(FaceMesh("", true.vertices, true.triangles), 0.0, SIDE))
        for panel, faces in zip(above[1:], read.values(), strict=True):
            show(panel, laid_over(photographs, number, faces[number], lit(faces[number])))
        name_row(above[0], photographs.titles[number], 7)
        name_row(below[0], TRUTH, 6.5)
        _show_maps(below[1:], photographs, number, read, maps, errors)
    _name(figure, panels[0], ("photograph", *maps))
    return figure


def _show_maps(
    panels: Sequence[Axes],
    photographs: Photographs,
    number: int,
    read: Read,
    maps: Maps,
    errors: Mapping[str, np.ndarray],
) -> None:
    for panel, label in zip(panels, maps, strict=True):
        face, distances = read[label][number], maps[label][number]
        fine, _ = finer_mesh(face_renderer(photographs.faces.images.shape[-1]))
        values = torch.from_numpy(fine @ distances.numpy())
        colours = error_colours(values.nan_to_num(), LIMIT_MM).where(~values.isnan()[:, None], torch.nan)
        picture = shaded_picture(FaceMesh("", face.vertices, face.triangles, colours), 0.0, SIDE)
        show(panel, picture, f"{errors[label][number]:.2f} mm")


def _name(figure: Figure, panels: Sequence[Axes], names: Sequence[str]) -> None:
    for panel, name in zip(panels, names, strict=True):
        name_column(panel, wrapped(name), 6.5)
    bar_beside(figure, ERROR_COLOURS, LIMIT_MM, "distance from the scan (mm)", extend="max")
