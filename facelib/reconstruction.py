"""`facelib.reconstruct`: an image in, a 3D face out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from facelib.data.face_finding import check_face, find_face
from facelib.data.given_images import as_photograph
from facelib.data.photographs import FaceBox, Photograph
from facelib.errors import BadInput
from facelib.papers.normal_components.methods import SHAPE_READER
from facelib.papers.sadrnet.reconstruction import FaceDrawer, Reconstruction, reconstruct_with
from facelib.papers.sadrnet.trained import TrainedNetwork, load_trained
from facelib.weights import read_card, shipped_names

if TYPE_CHECKING:
    from facelib.papers.normal_components.trained import TrainedExpNet

Corners = Sequence[float]


def reconstruct(image: object, box: Corners | FaceBox | None = None, model: str | None = None) -> Reconstruction:
    """The 3D face of a photograph.

    Args:
        image: a path, an image of Pillow, or a NumPy array (H, W, 3) of RGB, uint8 or floating-point in [0, 1].
        box: left, top, right and bottom of the face in pixels, around its landmarks from brows to chin; without it the
            largest face is looked for.
        model: a shipped model's name, a run's folder, or the name of a method whose smoke run is there; by default the
            shipped model "sadrnet".

    Returns:
        The face: vertices (N, 3) in mm, triangles (T, 3), landmarks (68, 3) in pixels, pose, angles in degrees,
        colours, and to_trimesh().

    Raises:
        BadInput: for what is no image or no box, an image without a face where no box is given, or fewer than 16
            pixels a side of either.
        CorruptFile: a damaged file.
        MissingPart: no model ships, or the run does not exist; the message says which command makes it.

    Example:
        facelib.reconstruct("me.jpg").to_trimesh().export("me.glb")
    """
    given = None if box is None else as_box(box)
    photograph = as_photograph(image)
    return read_face(load_reader(model), photograph, given)


def load_reader(model: str | None = None, tier: str | None = None) -> TrainedNetwork | TrainedExpNet:
    """What reads faces off photographs: a network of paper 3, or ExpNet of paper 2 as it ships.

    Args:
        model, tier: as of paper 3's `load_trained`, or the name of a shipped ExpNet.

    Raises:
        UnknownName, MissingPart, CorruptFile, BadInput: as there.
    """
    if tier is None and model in shipped_names() and read_card(model)["kind"] == SHAPE_READER:
        from facelib.papers.normal_components import trained as expnet  # seconds that few need

        return expnet.load_shipped(model)
    return load_trained(model, tier)


def read_face(trained: FaceDrawer, photograph: Photograph, box: FaceBox | None) -> Reconstruction:
    """The face in a box of a photograph, or the largest one; a warning says where a box seems to hold none.

    Raises:
        BadInput: as `reconstruct`.
    """
    if box is None:
        return reconstruct_with(trained, photograph, find_face(photograph))
    face = reconstruct_with(trained, photograph, box)
    check_face(photograph, box)
    return face


def as_box(corners: Corners | FaceBox) -> FaceBox:
    """Left, top, right and bottom as a box.

    Raises:
        BadInput: for another number of numbers, a NaN, or a box without area.
    """
    if isinstance(corners, FaceBox):
        return corners
    try:
        left, top, right, bottom = map(float, corners)
    except (TypeError, ValueError) as error:
        raise BadInput(f"the box is {corners!r}: expected left, top, right and bottom in pixels") from error
    return FaceBox(left, top, right, bottom)
