"""Figures 3 and 4 of paper 3: a face as a position map, and how the target of the attention mask is made."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from facelib.data.archive import FaceArchive
from facelib.data.occlusion import OcclusionSettings, occluded
from facelib.data.posed_faces import posed_faces
from facelib.errors import BadInput
from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.faces.population import sample_people
from facelib.faces.scene import GAMMA
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.report.overlay import (
    bare,
    enlarged,
    face_pixels,
    name_column,
    named_pictures,
    overlay_face,
    show,
)
from facelib.report.views import photograph

MAP_SIZE, PICTURE = 256, 384  # texels and pixels a side
YAW = 25.0  # degrees of the textured face
THIN = 8  # every eighth texel is in the source data
SHOWN_YAWS = (0.0, 40.0, 75.0)  # degrees of the annotated photographs
AXES = {"x": "x: to the subject's left", "y": "y: up", "z": "z: out of the face"}


@dataclass(frozen=True)
class UnrolledFace:
    """One face as a picture and as maps.

    Args:
        picture: (3, P, P), on white.
        texture: (3, S, S) as screens show it, and positions: (3, S, S) mm in the face frame; NaN outside the face.
    """

    picture: torch.Tensor
    texture: torch.Tensor
    positions: torch.Tensor


def unrolled_face(model: MorphableModel, seed: int = 7) -> UnrolledFace:
    """A person of the population, neutral.

    Args:
        model: of the faces.
        seed: of the person.
    """
    person = sample_people(model, 1, seed)
    vertices, albedo = model.vertices(person.identity), model.albedo(person.texture)
    picture = photograph(model, vertices, albedo, torch.tensor([[YAW, 0.0, 0.0]]), size=PICTURE).image[0]
    layout = face_layout(model, MAP_SIZE)
    texture = layout.position_map(albedo)[0].clamp(0, 1) ** (1 / GAMMA)
    positions = layout.position_map(vertices)[0]
    return UnrolledFace(picture, *(part.where(layout.mask, torch.nan) for part in (texture, positions)))


def unrolled_data(face: UnrolledFace) -> pd.DataFrame:
    """Every eighth texel along both axes: columns row, column, x, y, z (mm), red, green, blue."""
    values = torch.cat((face.positions, face.texture))[:, ::THIN, ::THIN]
    rows, columns = (~values[0].isnan()).nonzero(as_tuple=True)
    frame = pd.DataFrame(values[:, rows, columns].T.numpy(), columns=["x", "y", "z", "red", "green", "blue"])
    frame.insert(0, "row", rows.numpy() * THIN)
    frame.insert(1, "column", columns.numpy() * THIN)
    return frame


def draw_unrolled(face: UnrolledFace) -> Figure:
    """The textured face, its texture in UV space, the position map in three colours, and each coordinate by itself."""
    low, high = (getattr(np, name)(face.positions.numpy(), axis=(1, 2)) for name in ("nanmin", "nanmax"))
    colours = (face.positions.numpy() - low[:, None, None]) / (high - low)[:, None, None]
    figure, panels = plt.subplots(2, 3, figsize=(6.6, 4.15), layout="constrained")
    titles = ("(a) textured face", "(b) texture in UV space", "(c) position map:\nx, y, z as red, green, blue")
    images = (face.picture, face.texture, torch.from_numpy(colours))
    for panel, image, title in zip(panels[0], images, titles, strict=True):
        show(panel, image.nan_to_num(1.0))
        name_column(panel, title)
    for panel, plane, text in zip(panels[1], face.positions.numpy(), AXES.values(), strict=True):
        drawn = panel.imshow(plane, cmap="viridis")
        bare(panel)
        name_column(panel, text)
        bar = figure.colorbar(drawn, ax=panel, fraction=0.046, pad=0.02)
        bar.ax.tick_params(labelsize=6, length=2)
        bar.ax.set_title("mm", fontsize=6, pad=3, fontweight="normal")
        bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


@dataclass(frozen=True)
class Annotations:
    """B training photographs and how the target of their attention masks comes about.

    Args:
        rows: (B,) of the data set; yaw: (B,) degrees.
        images: (B, 3, H, W), and overlays: (B, 3, P, P) of the true face over them.
        skin: (B, H, W) 1 where the face is seen; projected: (B, H, W) bool, where its position map projects to.
        occluded: (B, 3, H, W), and target: (B, H, W), both after the random shapes.
    """

    rows: np.ndarray
    yaw: np.ndarray
    images: torch.Tensor
    overlays: torch.Tensor
    skin: torch.Tensor
    projected: torch.Tensor
    occluded: torch.Tensor
    target: torch.Tensor


def annotated(archive: FaceArchive, mapper: FaceMapper, seed: int = 22) -> Annotations:
    """The photographs with nothing worn that are nearest to some angles, each occluded as in training.

    Args:
        archive: photographs of the AFLW2000-3D counterpart.
        mapper: of their maps.
        seed: of the shapes.

    Raises:
        BadInput: for fewer photographs than angles.
    """
    free = np.flatnonzero(np.asarray(archive.arrays["occluder"]) <= 0)  # or nobody says
    degrees = np.abs(np.rad2deg(np.asarray(archive.arrays["pose"][:, 0])))
    if len(free) < len(SHOWN_YAWS):
        raise BadInput(f"{len(free)} photographs with nothing worn: expected at least {len(SHOWN_YAWS)}")
    rows: list[int] = []
    for angle in SHOWN_YAWS:
        order = free[np.argsort(np.abs(degrees[free] - angle), kind="stable")]
        rows.append(next(int(row) for row in order if row not in rows))
    faces = posed_faces(archive, np.array(rows))
    points = mapper.points_of(mapper(faces).geometry)
    triangles, size = mapper.triangles, faces.images.shape[-1]
    overlays = [
        overlay_face(image, face, triangles, opacity=0.85) for image, face in zip(faces.images, points, strict=True)
    ]
    generator = torch.Generator().manual_seed(seed)
    images, target = occluded(faces.images, faces.skin, generator, OcclusionSettings(probability=1.0))
    return Annotations(
        np.array(rows), degrees[rows], faces.images, torch.stack(overlays), faces.skin,
        face_pixels(points, triangles, size), images, target,
    )  # fmt: skip


def annotation_data(made: Annotations) -> pd.DataFrame:
    """Shares of the picture, a line a photograph.

    Columns row, yaw (degrees), face (where it is seen), projected (where the position map projects to), agreement
    (intersection over union of these two), target (the face that the shapes leave).
    """
    seen = made.skin > 0.5
    share = {"face": seen, "projected": made.projected, "target": made.target > 0.5}
    both, either = (seen & made.projected).sum(dim=(1, 2)), (seen | made.projected).sum(dim=(1, 2))
    numbers = {name: mask.float().mean(dim=(1, 2)).numpy() for name, mask in share.items()}
    agreement = (both / either.clamp(min=1)).numpy()
    return pd.DataFrame({"row": made.rows, "yaw": made.yaw, **numbers, "agreement": agreement})


def draw_annotations(made: Annotations) -> Figure:
    """A row for each photograph: itself, the true face, where it is seen, with shapes, and what they leave of it."""
    titles = ("(a) photograph", "(b) true face,\nprojected", "(c) where it\nis seen", "(d) with\nocclusions",
              "(e) target of the\nattention mask")  # fmt: skip
    lines = []
    for place in range(len(made.rows)):
        photograph, covered = (enlarged(images[place]) for images in (made.images, made.occluded))
        skin, target = (mask[place].expand(3, -1, -1) for mask in (made.skin, made.target))
        lines.append((photograph, made.overlays[place], skin, covered, target))
    return named_pictures(lines, [f"yaw {yaw:.0f}°" for yaw in made.yaw], titles)
