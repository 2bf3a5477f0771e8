"""Figure 11 of paper 3: faces learnt with and without the losses on the mesh, and how rough they are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from facelib.geometry.normals import triangle_normals
from facelib.metrics.bootstrap import mean_interval
from facelib.report.markup import to_markdown
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.overlay import SIDE, photograph_grid, show
from facelib.report.sadrnet.predictions import TRUTH, Evaluator, Predictions

FIGURE_11 = ("sadrnet", "no_mesh_loss")
YAW = 35.0  # degrees of the second view
PERCENT = 100.0
MEASURES = {
    "edge": "edge length error (% of the edge)",
    "normal": "normals off by (degrees)",
    "reconstruction": "reconstruction error (mm)",
}


def roughness(predictions: Predictions, label: str) -> pd.DataFrame:
    """How a network's faces differ from the true ones, once laid onto them.

    Columns edge (mean difference of edge lengths over the mean true length), normal (mean angle between the normals of
    triangles, degrees), reconstruction (mean distance, mm); all above the neck.
    """
    found, true = predictions.laid_shapes(label), predictions.mapper.points_of(predictions.true.shape)
    edges, triangles = (
        faces[predictions.evaluated[faces].all(dim=1)]
        for faces in (predictions.mapper.edges, predictions.mapper.triangles)
    )
    lengths = [(points[:, edges[:, 0]] - points[:, edges[:, 1]]).norm(dim=2) for points in (found, true)]
    normals = [triangle_normals(points, triangles) for points in (found, true)]
    cosine = (normals[0] * normals[1]).sum(dim=2).clamp(-1, 1)
    numbers = {
        "edge": (lengths[0] - lengths[1]).abs().mean(dim=1) / lengths[1].mean(dim=1),
        "normal": cosine.acos().rad2deg().mean(dim=1),
    }
    reconstruction = predictions.scores[label]["reconstruction"] * predictions.eye_distances()
    return pd.DataFrame({name: values.numpy() for name, values in numbers.items()} | {"reconstruction": reconstruction})


def roughness_data(evaluator: Evaluator, most: int = 200) -> pd.DataFrame:
    """Of photographs spread over the data set: columns row, identity, method, edge, normal, reconstruction.

    Args:
        evaluator: of the networks.
        most: photographs.
    """
    frames = []
    for rows in evaluator.portions(evaluator.spread(most)):
        predictions = evaluator.predict(rows)
        for label in predictions.found:
            known = {"row": rows, "identity": evaluator.archive.arrays["identity"][rows], "method": label}
            frames.append(pd.DataFrame(known).join(roughness(predictions, label)))
    return pd.concat(frames, ignore_index=True)


def roughness_table(data: pd.DataFrame) -> str:
    """Means with 95 % intervals over people as Markdown: a line a method.

    Args:
        data: of `roughness_data`.
    """
    lines = []
    for label, part in data.groupby("method", sort=False):
        line = {"method": label, "photographs": str(len(part))}
        for name, text in MEASURES.items():
            factor = PERCENT if name == "edge" else 1.0
            found = mean_interval(part[name].to_numpy() * factor, part["identity"].to_numpy(), seed=0)
            line[text] = f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"
        lines.append(line)
    return to_markdown(pd.DataFrame(lines), "")


def draw_shapes(titles: Sequence[str], predictions: Predictions) -> Figure:
    """A row for each photograph: itself, then the true and each predicted face in clay, from the front and turned.

    Args:
        titles: B names of rows.
        predictions: B photographs.

    Raises:
        BadInput: on another number of titles.
    """
    shapes = {TRUTH: predictions.mapper.points_of(predictions.true.shape)}
    shapes |= {label: predictions.laid_shapes(label) for label in predictions.found}
    measured = {label: roughness(predictions, label) for label in predictions.found}
    figure, blocks = photograph_grid(titles, predictions.faces.images, shapes, ("", ""), height=1.15)
    for label, block in blocks.items():
        for number, (pair, points) in enumerate(zip(block, shapes[label], strict=True)):
            for panel, yaw in zip(pair, (0.0, YAW), strict=True):
                show(panel, shaded_picture(FaceMesh("", points, predictions.mapper.triangles), yaw, SIDE))
            if label in measured:
                edge, normal = measured[label].loc[number, ["edge", "normal"]]
                pair[0].set_xlabel(f"edges {edge * PERCENT:.1f} %", fontsize=6, labelpad=1)
                pair[1].set_xlabel(f"normals {normal:.1f}°", fontsize=6, labelpad=1)
    return figure
