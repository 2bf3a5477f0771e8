"""Where a head is in a depth frame, without learning: what stands free of the room, its top, and a face laid there.

A person before a sensor is a part of the frame that no step in depth crosses. Heads are on top of people, so the mean
face is laid by ICP below the top of each part, from a few sides; how well it then agrees with the frame tells a face
from a chair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage, sparse

from facelib.conventions import FACE_TO_CAMERA
from facelib.errors import BadInput, DegenerateInput, check_shape
from facelib.faces.cloud_fit import head_cloud, lay
from facelib.faces.skin_surface import SkinSurface
from facelib.geometry.alignment import Similarity
from facelib.geometry.camera import PerspectiveCamera, face_to_camera
from facelib.geometry.depth import depth_to_positions
from facelib.geometry.normals import vertex_normals
from facelib.geometry.rotations import euler_to_matrix

FARTHEST_PERSON = 3000.0  # mm
EVERY = 4  # pixels, of which one is looked at while parts are found
STEP = 40.0  # mm between neighbours from which on they are parts apart
LEAST_AREA = 150.0  # cm^2 of a part that may be a person
PARTS = 3  # that are looked at, the nearest ones
BELOW_TOP = (115.0, 145.0, 175.0)  # mm from the top of the hair down to the origin of the face frame
FRONT = 95.0  # mm from the nearest point of a head back to it
YAWS, PITCHES = (-75.0, -50.0, -25.0, 0.0, 25.0, 50.0, 75.0), (-20.0, 0.0, 20.0)  # degrees, of first guesses
LAID = 5  # of the first guesses at a part, those that agree best
POINTS = 400  # of a cloud that is laid
NEAR = 10.0  # mm in depth from which on a point of the face does not agree with the frame
BESIDE, BEHIND = 165.0, 60.0  # mm to both sides of a head, where nothing is that is not at least so far behind it
CLEAR = 0.3  # cosine to the viewing ray from which a vertex counts as turned to the camera
# Of 24 rendered people to 70 degrees of yaw 0.52 to 0.78, found within 13 mm and 10 degrees; of 17 rooms without
# anybody 0.42 at most.
LEAST_AGREEMENT = 0.47
MOST_CUT = 0.1  # share of the face outside the frame


@dataclass(frozen=True)
class FoundHead:
    """A head in a depth frame.

    Args:
        middle: (3,) mm, camera frame, of the face frame's origin.
        rotation: R_head (3, 3), roughly.
        agreement: of the face with the frame, 0 to 1: 1 less its vertices' mean distance in depth, in `NEAR`.
        cut: share of the face that lies outside the frame.
    """

    middle: torch.Tensor
    rotation: torch.Tensor
    agreement: float
    cut: float


def find_head(depth: torch.Tensor, camera: PerspectiveCamera, surface: SkinSurface) -> FoundHead:
    """The head of the nearest person in a depth frame whose face is seen.

    Args:
        depth: (H, W) mm, 0 in holes.
        camera: of the frame.
        surface: of the face model.

    Raises:
        BadInput: on another shape.
        DegenerateInput: when nothing in the frame agrees with a face, or it is cut by the border.
    """
    check_shape("depth", depth, (None, None))
    positions = depth_to_positions(depth[None], camera)[0]
    most = 0.0
    for places in _places(positions, camera):
        best = _best(places, positions, camera, surface)
        if best and best.agreement > LEAST_AGREEMENT:
            return _uncut(best)
        most = max(most, best.agreement if best else 0.0)
    raise DegenerateInput(
        f"no face was found: at best {100 * most:.0f} % of one agrees with the frame, expected "
        f"{100 * LEAST_AGREEMENT:.0f} %; a face has to be whole in view; check intrinsics and unit, or say which pixel "
        "shows the nose"
    )


def head_at(
    depth: torch.Tensor, camera: PerspectiveCamera, surface: SkinSurface, column: float, row: float
) -> FoundHead:
    """The head whose nose a pixel of the frame shows, however little of it agrees with a face.

    Args:
        depth, camera, surface: as of `find_head`.
        column, row: of the pixel.

    Raises:
        BadInput: on another shape, or a pixel outside the frame or in a hole.
        DegenerateInput: when too little is seen around it, or the face is cut by the border.
    """
    check_shape("depth", depth, (None, None))
    height, width = depth.shape
    if not (0 <= column < width and 0 <= row < height):
        raise BadInput(f"pixel {column:g}, {row:g} lies outside the frame of {width} x {height} pixels")
    positions = depth_to_positions(depth[None], camera)[0]
    nose = positions[:, int(row), int(column)]
    if not nose.isfinite().all():
        raise BadInput(f"pixel {column:g}, {row:g} is a hole: choose one beside it, on the nose")
    best = _best([nose + nose.new_tensor([0.0, 0.0, FRONT])], positions, camera, surface)
    if best is None:
        raise DegenerateInput(f"hardly anything is seen around pixel {column:g}, {row:g}: expected a face there")
    return _uncut(best)


def _uncut(head: FoundHead) -> FoundHead:
    if head.cut > MOST_CUT:
        raise DegenerateInput(
            f"the face is cut by the border: {100 * head.cut:.0f} % of it lies outside the frame, expected at most "
            f"{100 * MOST_CUT:.0f} %; take a frame that shows all of it"
        )
    return head


def _places(positions: torch.Tensor, camera: PerspectiveCamera) -> Iterator[list[torch.Tensor]]:
    """Middles (3,) of heads that there may be, mm, of one part of the frame after the other."""
    thin = positions[:, ::EVERY, ::EVERY].numpy()
    for part in _parts(thin):
        x, y, z = thin[:, part]
        top = np.quantile(y, 0.002)  # above which there is no more than a stray pixel
        middles = []
        for below in BELOW_TOP:
            around = np.abs(y - (top + below)) < below / 2
            front = np.quantile(z[around], 0.05) if around.any() else np.nan
            across = np.median(x[around & (z < front + FRONT)]) if around.any() else np.nan
            middles.append(torch.tensor(np.array([across, top + below, front + FRONT]), dtype=torch.float32))
        yield [middle for middle in middles if middle.isfinite().all() and _stands_free(middle, positions[2], camera)]


def _stands_free(middle: torch.Tensor, depth: torch.Tensor, camera: PerspectiveCamera) -> bool:
    """Whether nothing stands on either side of a head, as of a piece of a wall."""
    beside = middle + middle.new_tensor([[-BESIDE, 0.0, 0.0], [BESIDE, 0.0, 0.0]])
    height, width = depth.shape
    for column, row, _ in camera.project(beside[None])[0].tolist():
        if 0 <= column < width and 0 <= row < height and depth[int(row), int(column)] < middle[2] + BEHIND:
            return False  # of a hole, whose depth is NaN, this is not said
    return True


def _parts(positions: np.ndarray) -> list[np.ndarray]:
    """Parts of a position image (3, h, w) that no step in depth crosses, (h, w) bool, the nearest first."""
    depth = np.nan_to_num(positions[2])
    seen = (depth > 0) & (depth < FARTHEST_PERSON)
    numbers, pairs = np.arange(depth.size).reshape(depth.shape), []
    for one, other in (((slice(1, None),), (slice(-1),)), ((..., slice(1, None)), (..., slice(-1)))):
        joined = seen[one] & seen[other] & (np.abs(depth[one] - depth[other]) < STEP)
        pairs.append(np.stack((numbers[one][joined], numbers[other][joined])))
    first, second = np.concatenate(pairs, axis=1)
    graph = sparse.coo_matrix((np.ones(len(first)), (first, second)), shape=(depth.size, depth.size))
    label = sparse.csgraph.connected_components(graph, directed=False)[1].reshape(depth.shape)
    area = np.nan_to_num(np.abs(np.gradient(positions[0], axis=1) * np.gradient(positions[1], axis=0))) / 100  # cm^2
    kinds = np.unique(label[seen])
    large = kinds[ndimage.sum_labels(area * seen, label, kinds) > LEAST_AREA]
    nearest = sorted(large, key=lambda each: float(np.median(depth[label == each])))
    return [label == each for each in nearest[:PARTS]]


def _best(
    places: Iterable[torch.Tensor], positions: torch.Tensor, camera: PerspectiveCamera, surface: SkinSurface
) -> FoundHead | None:
    """The mean face laid onto the frame from its best guesses at these middles, as it agrees best."""
    angles = torch.cartesian_prod(torch.tensor(YAWS), torch.tensor(PITCHES)).deg2rad()
    turns = euler_to_matrix(angles[:, 0], angles[:, 1], torch.zeros(len(angles)))
    face = _Face(surface.mean[surface.face], vertex_normals(surface.mean[None], surface.triangles)[0, surface.face])
    guesses = [face.seen(middle, turn, positions[2], camera) for middle in places for turn in turns]
    guesses.sort(key=lambda head: -head.agreement)
    laid = [place for guess in guesses[:LAID] if (place := _laid(guess, positions, surface))]
    seen = (face.seen(*place, positions[2], camera) for place in laid)
    return max(seen, key=lambda head: head.agreement, default=None)


def _laid(guess: FoundHead, positions: torch.Tensor, surface: SkinSurface) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Middle (3,) and R_head (3, 3) of the mean face laid onto the frame; None where there is too little of a head."""
    try:
        cloud = head_cloud(positions - guess.middle[:, None, None])
        cloud = cloud[torch.linspace(0, len(cloud) - 1, min(POINTS, len(cloud))).long()]
        start = Similarity(torch.ones(()), guess.rotation.mT, torch.zeros(3))
        pose = lay(cloud, surface.mean, surface, start, scale=False).transform.inverse()
    except DegenerateInput:
        return None
    return guess.middle + pose.translation @ pose.translation.new_tensor(FACE_TO_CAMERA), pose.rotation


@dataclass(frozen=True)
class _Face:
    """The mean face.

    Args:
        points: (F, 3) mm, face frame.
        normals: (F, 3), unit.
    """

    points: torch.Tensor
    normals: torch.Tensor

    def seen(
        self, middle: torch.Tensor, rotation: torch.Tensor, depth: torch.Tensor, camera: PerspectiveCamera
    ) -> FoundHead:
        """The face in a place, beside the frame's depth at those of its points that look to the camera."""
        placed = face_to_camera(self.points[None], rotation[None], middle[None])[0]
        if not (placed[:, 2] > 0).all():
            return FoundHead(middle, rotation, 0.0, 1.0)
        normals = face_to_camera(self.normals[None], rotation[None], 0 * middle[None])[0]
        facing = -torch.cosine_similarity(normals, placed, dim=1) > CLEAR
        screen = camera.project(placed[None])[0]
        height, width = depth.shape
        inside = (screen[:, :2] >= 0).all(dim=1) & (screen[:, 0] < width) & (screen[:, 1] < height)
        chosen = screen[facing & inside]
        column, row = chosen[:, :2].floor().long().unbind(1)
        off = (depth[row, column] - chosen[:, 2]).abs().nan_to_num(NEAR)
        agreement = float((1 - off / NEAR).clamp(min=0).mean()) if len(chosen) else 0.0
        return FoundHead(middle, rotation, agreement, 1 - float(inside.float().mean()))
