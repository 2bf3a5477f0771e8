"""Distances of posed faces, aligned by scale and depth only: the convention of FaceScape's benchmark (Yang et al.).

There others measured SADRNet at 7.17 mm on photographs in the wild, behind PRNet (3.47) and 3DDFA_V2 (3.04), the other
way round than this paper's tables. An error of the pose counts, which a similarity before the comparison takes out.
"""

from __future__ import annotations

import numpy as np
import torch

from facelib.data.archive import FaceArchive
from facelib.data.posed_faces import posed_faces
from facelib.geometry.neighbours import nearest
from facelib.papers.failures import joined, judged
from facelib.papers.sadrnet.maps import FaceMapper
from facelib.papers.sadrnet.protocol import Predictor, mean_face_in_box, portions


@torch.no_grad()
def evaluate_posed_distance(
    predict: Predictor, mapper: FaceMapper, archive: FaceArchive, rows: np.ndarray
) -> dict[str, np.ndarray]:
    """The distance of each posed face from the true one.

    Args:
        predict: photographs and, for a baseline, the truth -> maps.
        mapper: draws the truth.
        archive: the AFLW2000-3D counterpart.
        rows: (N,) which photographs.

    Returns:
        posed_mm (N,).
    """

    def errors_of(chosen: Predictor, some: np.ndarray) -> dict[str, np.ndarray]:
        faces = posed_faces(archive, some)
        true = mapper(faces)
        found, expected = (
            each.float().cpu()[:, :, mapper.evaluated].mT for each in (chosen(faces, true).geometry, true.geometry)
        )
        return {"posed_mm": posed_distance(found, expected, faces.scale).numpy()}

    mean_face = mean_face_in_box(mapper)
    parts = joined([judged(errors_of, predict, mean_face, some) for some in portions(rows)])
    return {"posed_mm": parts["posed_mm"]}


def posed_distance(found: torch.Tensor, true: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Chamfer distance (B,) in mm: the mean of both directions' mean distances to the nearest point.

    Args:
        found, true: (B, N, 3) column, row and depth in pixels.
        scale: (B,) pixels a mm, of the true faces.
    """
    expected = true / scale[:, None, None]
    middle, centre = found.mean(dim=1, keepdim=True), expected.mean(dim=1, keepdim=True)
    spread, goal = (found - middle)[..., :2], (expected - centre)[..., :2]
    factor = (spread * goal).sum(dim=(1, 2)) / spread.square().sum(dim=(1, 2)).clamp(min=1e-12)
    place = torch.cat((middle[..., :2] / scale[:, None, None], centre[..., 2:]), dim=2)  # only the depth is given away
    laid = factor[:, None, None] * (found - middle) + place
    there, back = nearest(laid, expected).distances, nearest(expected, laid).distances
    return (there.mean(dim=1) + back.mean(dim=1)) / 2
