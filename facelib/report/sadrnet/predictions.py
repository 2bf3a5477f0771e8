"""What networks predict on photographs of the AFLW2000-3D counterpart, beside the truth; for the pictures of paper 3.

Errors of whole photographs are those that stand in the scores of the networks' runs. Predictions are for what these do
not hold: the faces themselves, and their errors texel by texel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn

from facelib.conventions import OUTER_EYE_CORNERS
from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import PosedFaces, posed_faces
from facelib.errors import BadInput
from facelib.faces.occluders import Occluder
from facelib.geometry.alignment import similarity_transform
from facelib.metrics.landmark_error import yaw_bin_masks
from facelib.models.sadrnet import FaceMaps
from facelib.papers.failures import FAILED
from facelib.papers.run import open_archive
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.bootstrap import OTHERS
from facelib.papers.sadrnet.building import face_mapper
from facelib.papers.sadrnet.maps import FaceMapper, TrueMaps
from facelib.papers.sadrnet.settings import ReconstructionSettings
from facelib.papers.sadrnet.trained import load_trained
from facelib.report.overlay import face_pixels
from facelib.report.records import scores_of
from facelib.runs.records import Record

AT_ONCE = 32  # photographs
TRUTH = "true face"
WORN = {Occluder.GLASSES: "glasses", Occluder.SUNGLASSES: "sunglasses", Occluder.MASK: "mask"}
SKIN, COVERED, BACKGROUND = "visible skin", "covered face", "background"  # regions of a photograph

Scores = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Predictions:
    """B photographs with their truth and what networks predict on them.

    Args:
        rows: (B,) of the data set; occluder: (B,) what is worn; yaw: (B,) true, radians.
        faces: the photographs.
        true: their maps.
        found: label -> maps of that network.
        scores: label -> what the network's run noted of these photographs, such as sparse_2d, (B,) fractions, and
            aflw_angle_error, (B, 3) radians; nothing of photographs that something was done to.
        mapper: of the maps.
    """

    rows: np.ndarray
    occluder: np.ndarray
    yaw: np.ndarray
    faces: PosedFaces
    true: TrueMaps
    found: dict[str, FaceMaps]
    scores: dict[str, Scores]
    mapper: FaceMapper

    def check_titles(self, titles: Sequence[str]) -> None:
        """That each photograph has a title.

        Raises:
            BadInput: on another number of titles.
        """
        if len(titles) != len(self.rows):
            raise BadInput(f"{len(titles)} titles for {len(self.rows)} photographs: expected one each")

    def points(self, label: str | None = None) -> torch.Tensor:
        """The face's texels in the image, (B, N, 3) pixels; true ones without a label."""
        return self.mapper.points_of(self.true.geometry if label is None else self.found[label].geometry.float())

    def landmarks(self, label: str | None = None) -> torch.Tensor:
        """(B, 68, 3) pixels; true ones without a label."""
        geometry = self.true.geometry if label is None else self.found[label].geometry.float()
        return self.mapper.template.landmarks_of(geometry)

    def face_sizes(self) -> torch.Tensor:
        """(B,) pixels, what dense errors are divided by: sqrt(h w) of the box around the evaluated texels."""
        evaluated = self.points()[:, self.evaluated, :2]
        return (evaluated.amax(dim=1) - evaluated.amin(dim=1)).prod(dim=1).sqrt()

    def dense_errors(self, label: str) -> torch.Tensor:
        """Distance (B, N) of each texel to its true place over the face's size, mean depth subtracted (dense 3D)."""
        difference = self.points(label) - self.points()
        difference[..., 2] -= difference[:, self.evaluated, 2].mean(dim=1, keepdim=True)
        return difference.norm(dim=2) / self.face_sizes()[:, None]

    def laid_shapes(self, label: str) -> torch.Tensor:
        """The faces (B, N, 3) mm, laid onto the true shapes by the best similarity, as reconstruction is evaluated."""
        found, true = self.points(label).double(), self.mapper.points_of(self.true.shape).double()
        return similarity_transform(found[:, self.evaluated], true[:, self.evaluated]).apply(found).float()

    def eye_distances(self) -> np.ndarray:
        """(B,) mm between the outer corners of the true eyes, what reconstruction errors are divided by."""
        corners = self.mapper.template.landmarks_of(self.true.shape)[:, OUTER_EYE_CORNERS]
        return (corners[:, 0] - corners[:, 1]).norm(dim=1).numpy()

    def regions(self) -> dict[str, torch.Tensor]:
        """Which pixels (B, H, W) are SKIN that is seen, COVERED (of the face, but hidden) or BACKGROUND."""
        skin = self.faces.skin > 0.5
        face = face_pixels(self.points(), self.mapper.triangles, skin.shape[-1])
        return {SKIN: skin, COVERED: face & ~skin, BACKGROUND: ~face & ~skin}

    @cached_property
    def evaluated(self) -> torch.Tensor:
        """(N,) bool, which texels of the face are evaluated: those above the neck."""
        return self.mapper.evaluated[self.mapper.template.mask]


@dataclass(frozen=True)
class Evaluator:
    """The networks of some runs and the photographs that all of them were evaluated on.

    Args:
        networks: label -> network.
        scores: label -> what its run noted of all photographs, in the order of their rows.
        archive: the photographs.
        mapper: of the maps.
        settings: of one of the runs.
    """

    networks: dict[str, nn.Module]
    scores: dict[str, Scores]
    archive: FaceArchive
    mapper: FaceMapper
    settings: ReconstructionSettings

    def only(self, labels: Iterable[str]) -> Evaluator:
        """The same with some of the networks, in this order."""
        return replace(self, networks={label: self.networks[label] for label in labels})

    @torch.no_grad()
    def predict(self, rows: np.ndarray, faces: PosedFaces | None = None) -> Predictions:
        """What the networks predict on these photographs.

        Args:
            rows: of the data set.
            faces: the same photographs with something done to them.

        Raises:
            BadInput: without rows.
        """
        known = self.archive.arrays
        scores = self.scores_at(rows) if faces is None else {}
        faces = faces or posed_faces(self.archive, rows)
        found = {label: network(faces.images) for label, network in self.networks.items()}
        occluder, yaw = (np.asarray(part) for part in (known["occluder"][rows], known["pose"][rows, 0]))
        return Predictions(rows, occluder, yaw, faces, self.mapper(faces), found, scores, self.mapper)

    def scores_at(self, rows: np.ndarray) -> dict[str, Scores]:
        """What each network's run noted of these photographs, by label."""
        return {label: {name: values[rows] for name, values in self.scores[label].items()} for label in self.networks}

    def portions(self, rows: np.ndarray) -> list[np.ndarray]:
        """Rows in parts that fit into memory together; no part without rows."""
        return [rows[first : first + AT_ONCE] for first in range(0, len(rows), AT_ONCE)]

    def spread(self, most: int, rows: np.ndarray | None = None) -> np.ndarray:
        """At most so many rows, evenly over these or over the data set, but for those that a network failed on."""
        rows = np.arange(len(self.archive)) if rows is None else rows
        for scores in self.scores.values():
            if FAILED in scores:  # which runs made before failures were noted have not
                rows = rows[~scores[FAILED][rows]]
        return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]


def open_evaluator(records: Mapping[str, Record]) -> Evaluator:
    """The networks of these runs, each built as its record says.

    Args:
        records: label -> record of a network's run.

    Raises:
        BadInput: when the runs were evaluated on different photographs, or one is of the baseline.
        MissingPart, CorruptFile: when weights or scores are gone or damaged.
    """
    trained = {label: load_trained(str(record.run.folder)) for label, record in records.items()}
    every = {label: each.settings for label, each in trained.items()}
    evaluated = {label: (each.data, each.evaluation, each.network.image_size) for label, each in every.items()}
    if len(set(evaluated.values())) != 1:
        message = f"the runs were evaluated on different photographs: {evaluated}"
        raise BadInput(f"{message}; make them again with the same sizes")
    settings = next(iter(every.values()))
    networks = {label: each.network for label, each in trained.items()}
    scores: dict[str, Scores] = {  # without those of other data sets, which are of other pictures
        label: {name: values for name, values in scores_of(record).items() if not name.startswith(tuple(OTHERS))}
        for label, record in records.items()
    }
    archive = open_archive(PAPER, "sadrnet", settings, "aflw2000")
    return Evaluator(networks, scores, archive, face_mapper(settings), settings)


def groups_of(scores: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Photographs by range of yaw where nothing is worn, and by what is worn: title -> (N,) bool, never all false.

    Args:
        scores: yaw (N,) radians and occluder (N,), and perhaps failed (N,), of which no picture can be made.
    """
    occluder = np.asarray(scores["occluder"])
    judged = ~np.asarray(scores.get(FAILED, np.zeros(len(occluder), bool)))
    free = occluder <= Occluder.NOTHING  # or nobody says
    groups = {f"yaw {name}°": free & inside for name, inside in yaw_bin_masks(scores["yaw"]).items()}
    groups |= {name: occluder == kind for kind, name in WORN.items()}
    return {name: chosen & judged for name, chosen in groups.items() if (chosen & judged).any()}


def median_place(errors: np.ndarray, chosen: np.ndarray) -> int:
    """Which of the chosen photographs has the median error, the lower one of two.

    Args:
        errors: (N,).
        chosen: (N,) bool, at least one.
    """
    places = np.flatnonzero(chosen)
    return int(places[np.argsort(errors[places], kind="stable")[(len(places) - 1) // 2]])
