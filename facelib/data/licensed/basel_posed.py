"""300W-LP and AFLW2000-3D with what they say of shapes and poses, as photographs whose faces are known (paper 3).

Their faces are those of the Basel Face Model of 2009, which a user has to have. Its axes stay as they are, of which the
data sets tell their poses, and its landmarks are moved about ours, so that the cylinder of a position map runs through
the head. Nobody says what hides a face: the skin that a photograph shows is where the model lies in it, but for what
the head itself covers, and `occluder` is -1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch

from facelib.conventions import FACE_TO_CAMERA
from facelib.data.archive import FaceArchive, make_archive
from facelib.data.licensed import READERS, basel_2009
from facelib.data.licensed.archives import PART, PreparedSettings, data_root, fingerprint_of_folder
from facelib.data.licensed.basel_faces import OF_2009, State, basel_checksum, basel_files, with_our_spread
from facelib.data.licensed.crops import UNKNOWN
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Row, Sample, read_index
from facelib.errors import BadInput, CorruptFile, DegenerateInput
from facelib.faces.baking import face_model_checksum, load_face_model
from facelib.faces.face_layout import face_layout
from facelib.faces.model_fit import EXPRESSION_SPREAD
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.rasterizer import rasterize
from facelib.geometry.rotations import euler_to_matrix
from facelib.geometry.uv_maps import UVLayout
from facelib.storage import cache_folder, digest_of

VERSION = 1  # raise it when what is told of the faces changes: older archives are then passed over
COLUMNS = ("images", "expression", "angle", "pose", "cloud", "scale", "landmarks_2d")  # as the reader has them
MAP = 256  # texels of the layout that says which part of the head is the face, the most that maps have in print
HIDDEN = 8.0  # mm that a landmark may be moved to where a map shows it
ELSEWHERE = 0.2  # sides of the crop, mean distance of landmarks at which a file contradicts itself


@dataclass(frozen=True)
class PosedBasel:
    """The model of 2009 where position maps want it.

    Args:
        model: of the faces, moved by `shift` from where its files have it.
        shift: (3,) mm.
        deviations: of the data sets' coefficients of shape (199,) and expression (29,).
        is_face: (T,) bool, triangles of the part that position maps show.
    """

    model: MorphableModel
    shift: torch.Tensor
    deviations: tuple[torch.Tensor, torch.Tensor]
    is_face: torch.Tensor


def load_posed_basel() -> PosedBasel:
    """The user's model, read once for as long as its files stay the same.

    Raises:
        MissingPart: there is none.
        CorruptFile: its files are damaged, or not of one release.
    """
    return _read(basel_files((OF_2009,)))


@lru_cache(maxsize=1)
def _read(state: State) -> PosedBasel:
    root, ours = state[0][0].parent, load_face_model("coarse")
    model = with_our_spread(basel_2009.read_basel_model(root, ours))
    shift = ours.mean[ours.landmarks].mean(dim=0) - model.mean[model.landmarks].mean(dim=0)
    layout = face_layout(replace(model, mean=model.mean + shift), MAP)
    model = replace(model, mean=model.mean + shift, landmarks=shown_landmarks(root, model, layout))
    shown = torch.zeros(len(model.mean), dtype=torch.bool)
    shown[layout.triangles.flatten()] = True
    shown &= ((layout.place >= 0) & (layout.place <= MAP)).all(dim=1)
    return PosedBasel(model, shift, basel_2009.read_deviations(root), shown[model.triangles].all(dim=1))


def shown_landmarks(root: Path, model: MorphableModel, layout: UVLayout) -> torch.Tensor:
    """The landmarks' vertices, or where a fold of the map hides one the nearest that it shows.

    Args:
        root: of the model's files, for messages.
        model, layout: of whose mean face.

    Raises:
        CorruptFile: a landmark is far from all that the map shows.
    """
    shown = layout.shown.nonzero()[:, 0]
    apart, nearest = torch.cdist(model.mean[model.landmarks], model.mean[shown]).min(dim=1)
    if apart.max() > HIDDEN:
        raise CorruptFile(
            f"the Basel Face Model in {root} has a landmark {apart.max():.1f} mm from all that a position map shows: "
            f"expected {HIDDEN:g} at most; look at the keypoints of model_info.mat"
        )
    return shown[nearest]


def posed_photographs(
    name: str, image_size: int, people: int | None = None, images: int | None = None
) -> PreparedSettings:
    """What a run reads of a data set in the user's folder.

    Args:
        name: "300w_lp" or "aflw2000".
        image_size: of the photographs, pixels a side.
        people: the first ones that are taken; None for all.
        images: the first ones of each; None for all.

    Raises:
        MissingPart: the folder or the model is not there, or the folder was not checked.
        BadInput: no photograph is asked for.
    """
    reader = READERS[name]
    folder = DataFolder(data_root(reader), reader.layout)
    index = read_index(reader, folder)
    rows = _first(index, people, images)
    if not rows:
        raise BadInput(f"{people} people and {images} images of each of {reader.title}: expected at least one of both")
    fingerprint = digest_of(
        {
            "version": VERSION,
            "folder": fingerprint_of_folder(reader, index, image_size),
            "rows": rows,
            "model": basel_checksum((OF_2009,)),
            "faces": face_model_checksum("coarse"),  # about whose landmarks that model is moved
        }
    )
    chosen = [index.row(row) for row in rows]
    opened = partial(_open, reader, folder, chosen, fingerprint, image_size)
    return PreparedSettings(reader.title, fingerprint, len(rows), opened)


def _first(index: Index, people: int | None, images: int | None) -> list[int]:
    """The rows of the first people, and of each of them the first ones."""
    taken: dict[int, int] = {}
    rows = []
    for row, person in enumerate(index.columns["identity"]):
        count = taken.get(person, 0)
        if (people is None or person < people) and (images is None or count < images):
            rows.append(row)
            taken[person] = count + 1
    return rows


def _open(
    reader: Reader,
    folder: DataFolder,
    chosen: Sequence[Row],
    fingerprint: str,
    image_size: int,
    on_images: Callable[[int], None],
) -> FaceArchive:
    basel = load_posed_basel()
    parts = [chosen[start : start + PART] for start in range(0, len(chosen), PART)]
    sizes = iter(map(len, parts))

    def make_part(number: int) -> dict[str, np.ndarray]:
        samples = [_posed(reader, folder, row, image_size, basel) for row in parts[number]]
        arrays = {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}
        return arrays | {"identity": np.array([row["identity"] for row in parts[number]], np.int32)}

    name = f"{reader.name}_posed"
    place = cache_folder() / "data" / f"{name}-{fingerprint}"
    return make_archive(place, name, fingerprint, len(parts), make_part, lambda: on_images(next(sizes)))


def _posed(reader: Reader, folder: DataFolder, row: Row, image_size: int, basel: PosedBasel) -> Sample:
    try:
        return posed(reader.read(folder, row, image_size), basel)
    except (BadInput, DegenerateInput) as error:
        raise folder.misfit(row["files"][1], f"contradicts itself ({error})", "those of its face") from error


def posed(sample: Sample, basel: PosedBasel) -> Sample:
    """A photograph as `facelib.data.posed_faces.posed_faces` wants it, from what the reader tells.

    Args:
        sample: of the reader: pose, scale and center of the model as its files have it, and its coefficients.
        basel: the model.

    Raises:
        BadInput: the face lies elsewhere than its landmarks.
    """
    coefficients = (torch.from_numpy(sample[name]) for name in ("basel_shape", "basel_expression"))
    shape, expression = (each / deviation for each, deviation in zip(coefficients, basel.deviations, strict=True))
    action = EXPRESSION_SPREAD * expression
    turn = torch.tensor(FACE_TO_CAMERA) @ euler_to_matrix(*torch.from_numpy(sample["pose"]).unbind())
    center = torch.from_numpy(sample["center"]) - float(sample["scale"]) * (turn @ basel.shift)[:2]
    screen = float(sample["scale"]) * basel.model.vertices(shape[None], action[None])[0] @ turn.T
    screen[:, :2] += center
    size = sample["images"].shape[-1]
    marked = torch.from_numpy(sample["landmarks_2d"])
    off = float((screen[basel.model.landmarks, :2] - marked).norm(dim=1).mean()) / size
    if not off < ELSEWHERE:
        raise BadInput(f"its landmarks lie {off:.2f} sides of the crop from those of its coefficients and pose")
    seen = rasterize(screen[None], basel.model.triangles, size, size, perspective=False)
    skin = seen.mask[0] & basel.is_face[seen.triangle[0].clamp(min=0)]
    return {name: sample[name] for name in COLUMNS} | {
        "skin": skin.to(torch.uint8).numpy(),
        "shape": shape.numpy(),
        "action": action.numpy(),
        "center": center.numpy(),
        "occluder": np.array(UNKNOWN, np.int16),
    }
