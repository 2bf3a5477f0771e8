"""The Basel Face Model of 2009 with the expressions of 3DDFA, which the shapes of 300W-LP and AFLW2000-3D need.

The user's folder holds `01_MorphableModel.mat` of the model (its licence forbids passing it on), and of 3DDFA
`Model_Expression.mat` and `model_info.mat`, whose trimIndex keeps 53,215 of the 53,490 vertices, and whose keypoints,
where it has them, are the 68 landmarks among these. The model is in
micrometres with x to the subject's left, y up and z out of the face, which is our face frame but for the unit. Shape
coefficients of 300W-LP multiply the columns of the model as they are: they are not in standard deviations.
Source: Paysan et al., "A 3D face model for pose and illumination invariant face recognition", AVSS 2009; Zhu et al.,
"Face alignment across large poses: a 3D solution", CVPR 2016.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from facelib.conventions import LANDMARK_COUNT
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.linear_models import completed
from facelib.data.licensed.mat_files import Shape, read_mat
from facelib.errors import CorruptFile, check_finite, check_shape
from facelib.faces.morphable_model import MorphableModel

_log = logging.getLogger(__name__)

SHAPES, EXPRESSIONS = 199, 29
MM = 1e-3  # of a micrometre
LARGEST = 2**28  # bytes of one variable: the basis of the shapes has 128 MB, or 255 in double precision
LAYOUT = {
    "shapes": ("01_MorphableModel.mat",),
    "expressions": ("Model_Expression.mat",),
    "vertices": ("model_info.mat",),
}


@dataclass(frozen=True)
class BaselModel:
    """Faces of the Basel Face Model of 2009.

    Args:
        mean: (V, 3) mm, face frame.
        shape_basis: (199, V, 3) mm, and expression_basis (29, V, 3), for one unit of the data sets' coefficients.
        landmarks: (68,) vertices; None where the files do not tell them.
    """

    mean: torch.Tensor
    shape_basis: torch.Tensor
    expression_basis: torch.Tensor
    landmarks: torch.Tensor | None

    def vertices(self, shape: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        """Faces (B, V, 3), mm in the face frame.

        Args:
            shape: (B, 199), the data set's own coefficients (Shape_Para).
            expression: (B, 29), likewise (Exp_Para).

        Raises:
            BadInput: on another shape.
            DegenerateInput: on a value that is not finite.
        """
        check_shape("shape", shape, (None, SHAPES))
        check_shape("expression", expression, (len(shape), EXPRESSIONS))
        check_finite("shape", shape)
        check_finite("expression", expression)
        flat = torch.addmm(self.mean.flatten(), shape, self.shape_basis.flatten(1))
        return torch.addmm(flat, expression, self.expression_basis.flatten(1)).unflatten(1, (-1, 3))


def read_basel(root: Path) -> BaselModel:
    """The model from a user's folder.

    Raises:
        BadInput: a file is missing.
        CorruptFile: a file is damaged, or not of the same vertices as the others.
    """
    folder = DataFolder(root, LAYOUT)
    paths = {part: folder.file(folder.place(part)) for part in LAYOUT}
    shapes = read_mat(paths["shapes"], {"shapeMU": (None,), "shapePC": (None, SHAPES)}, most=LARGEST)
    expressions = read_mat(paths["expressions"], {"mu_exp": (None,), "w_exp": (None, EXPRESSIONS)}, most=LARGEST)
    chosen: dict[str, Shape] = {"trimIndex": (None,), "keypoints": (LANDMARK_COUNT,)}
    numbers = read_mat(paths["vertices"], chosen, optional=("keypoints",))
    kept, *marked = (numbers[name].astype(np.int64) - 1 for name in chosen if name in numbers)  # counted from one
    basis = shapes["shapePC"]
    count = len(basis) // 3
    if len(shapes["shapeMU"]) != 3 * count or len(basis) != 3 * count:
        raise CorruptFile(f"{paths['shapes']} has a mean of {len(shapes['shapeMU'])} and a basis of {len(basis)} rows")
    if (
        kept.min(initial=count) < 0
        or kept.max(initial=-1) >= count
        or not 0 < len(expressions["mu_exp"]) == 3 * len(kept) == len(expressions["w_exp"])
    ):
        raise CorruptFile(
            f"{paths['vertices']} keeps {len(kept)} vertices up to number {kept.max(initial=-1) + 1}: expected as many "
            f"as {paths['expressions'].name} has ({len(expressions['mu_exp']) // 3}), among {count}; take the three "
            "files of one release"
        )
    for landmarks in marked:
        if landmarks.min() < 0 or landmarks.max() >= len(kept):
            raise CorruptFile(f"{paths['vertices']} has keypoints of other vertices than the {len(kept)} that it keeps")
    mean = shapes["shapeMU"].reshape(count, 3)[kept] + expressions["mu_exp"].reshape(-1, 3)
    return BaselModel(
        mean=torch.from_numpy(mean * MM).float(),
        shape_basis=_vertices(basis.reshape(count, 3, SHAPES)[kept]),
        expression_basis=_vertices(expressions["w_exp"].reshape(-1, 3, EXPRESSIONS)),
        landmarks=torch.from_numpy(marked[0]) if marked else None,
    )


def read_basel_model(root: Path, ours: MorphableModel) -> MorphableModel:
    """The model in our class: shapes and expressions in standard deviations, which its files have beside the bases.

    Args:
        root: the user's folder.
        ours: the baked face model.

    Raises:
        BadInput: a file is missing.
        CorruptFile: a file is damaged, or no face, or not of the same vertices as the others.
    """
    faces, folder = read_basel(root), DataFolder(root, LAYOUT)
    paths = {part: folder.file(folder.place(part)) for part in LAYOUT}
    identity, expression = (
        basis * deviation[:, None, None]
        for basis, deviation in zip((faces.shape_basis, faces.expression_basis), read_deviations(root), strict=True)
    )
    corners = read_mat(paths["shapes"], {"tl": (None, 3)}, most=LARGEST)["tl"].astype(np.int64)
    kept = read_mat(paths["vertices"], {"trimIndex": (None,)})["trimIndex"].astype(np.int64)
    triangles = _renumbered(corners, kept)
    mean = faces.mean.double().numpy()
    marked = None if faces.landmarks is None else faces.landmarks.tolist()
    if marked is None:
        _log.warning(
            "%s has no keypoints: landmarks are those of our mean face at the nearest place, good to some millimetres; "
            "errors at landmarks are then of other points than those of published numbers", paths["vertices"],
        )  # fmt: skip
    return completed(paths["shapes"], mean, identity.numpy(), expression.numpy(), triangles, ours, landmarks=marked)


def read_deviations(root: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """What a standard deviation is (199,) and (29,) in the data sets' coefficients; errors as `read_basel_model`."""
    folder = DataFolder(root, LAYOUT)

    def read(part: str, name: str, count: int) -> torch.Tensor:
        path = folder.file(folder.place(part))
        found = read_mat(path, {name: (count,)}, most=LARGEST)[name]
        if not (found > 0).all():
            raise CorruptFile(f"{path} has {name} down to {found.min():g}: expected standard deviations above 0")
        return torch.from_numpy(found).float()

    return read("shapes", "shapeEV", SHAPES), read("expressions", "sigma_exp", EXPRESSIONS)


def _renumbered(triangles: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Triangles (T, 3) of the vertices that are kept, in their new numbers; both count from one in the files."""
    numbers = np.full(max(int(triangles.max(initial=0)), int(kept.max())) + 1, -1)
    numbers[kept] = np.arange(len(kept))
    found = numbers[triangles.clip(min=0)]
    return found[(found >= 0).all(axis=1)]


def _vertices(basis: np.ndarray) -> torch.Tensor:
    """A basis (V, 3, K) in micrometres as (K, V, 3) in mm."""
    return torch.from_numpy(np.ascontiguousarray(basis.transpose(2, 0, 1), np.float32)).mul_(MM)
