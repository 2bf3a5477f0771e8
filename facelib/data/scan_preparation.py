"""From a scan of a face to its normal component images, the same way for embedded and for real scans (paper 2).

Spikes are removed, the tip of the nose is found, what is far from it is cut off, small holes are filled, the head is
turned to the front, and the surface is seen anew on a grid about the tip of the nose, of which planes fitted to 5 x 5
cells give the normals (section 2.3, eqs. 4 to 7). The paper says no more of how it prepares scans; the steps are the
usual ones of the papers that it compares with.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facelib.data.frontal_alignment import FrontalPose, find_pose, top_of_nose, upright_pose
from facelib.data.scan_template import ScanTemplate
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import BadInput, DegenerateInput, check_floating, check_shape
from facelib.faces.surfaces import sheet_triangles
from facelib.geometry.neighbours import knn
from facelib.geometry.normal_components import normal_components
from facelib.geometry.range_images import fill_small_holes, range_image_of_mesh, range_image_of_points
from facelib.geometry.spikes import without_spikes

LEAST_SAMPLES = 1000
SMALLEST, LARGEST = 60.0, 1000.0  # mm, of a scan's extent
FINEST = 1.0  # mm, of the grid that a cloud or mesh is seen on
STEEPEST = 7.0  # rise over run of a surface, beyond which two neighbours in a grid lie on two surfaces
SPACINGS = 2.5  # cells of a cloud's grid, in distances between its points
LEAST_COVER = 0.5  # share of the face that is seen
ALONE = 110.0  # mm around the tip of a nose, beyond which another's face shows


@dataclass(frozen=True)
class PreparedScan:
    """A scan seen from the front.

    Args:
        positions: (3, H, W) float32, mm, about the tip of the nose, in the axes of the face frame; NaN in holes.
        normals: (3, H, W) N_x, N_y and N_z in [-1, 1], 0 in holes.
        mask: (H, W) bool, where there is a normal.
        pose: how the scan lay.
    """

    positions: torch.Tensor
    normals: torch.Tensor
    mask: torch.Tensor
    pose: FrontalPose


@torch.no_grad()
def prepare_scan(positions: torch.Tensor, settings: PreparationSettings, template: ScanTemplate) -> PreparedScan:
    """Prepare a scan that is a grid of positions.

    Args:
        positions: (3, H, W) mm in the scanner's frame (x to the viewer's right, y up, z to the viewer), row 0 on top;
            non-finite in holes. The head may be turned by 30 degrees.
        settings: of the preparation.
        template: the face that it is laid on.

    Raises:
        BadInput: on another shape or dtype, or a scan in another unit.
        DegenerateInput: on too few samples, no face that looks to the viewer, an upside-down one, several, or one of
            which more than half is missing.
    """
    check_shape("positions", positions, (3, None, None))
    check_floating(positions=positions)
    _check_samples(positions.flatten(1).T)
    clean = without_spikes(positions[None].float(), settings.spike)
    step = step_of_grid(clean[0])
    pose = find_pose(clean[0], step, template)
    from_nose = (clean - pose.nose_tip.float()[:, None, None]).norm(dim=1, keepdim=True)
    _check_alone(clean.where(from_nose > ALONE, torch.nan)[0], step, template)
    whole = fill_small_holes(clean.where(from_nose < settings.reach, torch.nan), settings.largest_hole)
    seen = _from_the_front(whole[0], step, pose, settings)
    cover = _cover(seen[0], settings.cell, template)
    if cover < LEAST_COVER:
        raise DegenerateInput(
            f"holes cover {1 - cover:.0%} of the face: expected at most {1 - LEAST_COVER:.0%}; leave the scan out"
        )
    normals, mask = normal_components(seen, window=settings.window)
    return PreparedScan(seen[0], normals[0], mask[0], pose)


def prepare_points(points: torch.Tensor, settings: PreparationSettings, template: ScanTemplate) -> PreparedScan:
    """Prepare a scan that is a cloud of points, or the vertices of a mesh, in any order.

    Args:
        points: (N, 3) mm, in the axes of `prepare_scan`.
        settings, template: as there.

    Raises:
        BadInput, DegenerateInput: as there.
    """
    check_shape("points", points, (None, 3))
    check_floating(points=points)
    _check_samples(points)
    points = points[points.isfinite().all(dim=1)].float()
    some = points[:: max(len(points) // 500, 1)]
    cell = max(SPACINGS * float(knn(some[None], points[None], 2).distances[0, :, 1].median()), FINEST)
    image = range_image_of_points(points[None], *_grid_before(points, cell), cell)
    return prepare_scan(fill_small_holes(image, 4)[0], settings, template)


def prepare_mesh(
    vertices: torch.Tensor, triangles: torch.Tensor, settings: PreparationSettings, template: ScanTemplate
) -> PreparedScan:
    """Prepare a scan that is a mesh, whichever way round its triangles are.

    Args:
        vertices: (N, 3) mm, in the axes of `prepare_scan`.
        triangles: (T, 3) vertex ids.
        settings, template: as there.

    Raises:
        BadInput, DegenerateInput: as there.
    """
    check_shape("vertices", vertices, (None, 3))
    check_shape("triangles", triangles, (None, 3))
    check_floating(vertices=vertices)
    corners = vertices.float()[triangles]  # (T, 3, 3)
    points = corners.flatten(0, 1)
    _check_samples(points)
    edges = (corners - corners.roll(1, dims=1)).norm(dim=2)
    cell = max(float(edges.nanmedian()), FINEST)
    image = range_image_of_mesh(vertices.float()[None], triangles, *_grid_before(points, cell), cell)
    return prepare_scan(image[0], settings, template)


def _grid_before(points: torch.Tensor, cell: float) -> tuple[torch.Tensor, int, int]:
    """Centre (1, 3), rows and columns of a grid that shows points (N, 3) from the front, without those far from most
    others: one stray point must not make the grid huge."""
    points = points[points.isfinite().all(dim=1)]
    points = points[(points - points.median(dim=0).values).abs().amax(dim=1) < LARGEST]
    low, high = points.amin(dim=0), points.amax(dim=0)
    columns, rows, _ = ((high - low) / cell).ceil().int().add(1).tolist()
    return ((low + high) / 2)[None], rows, columns


@torch.no_grad()
def prepare_faces(
    vertices: torch.Tensor, triangles: torch.Tensor, nose_tip: int, settings: PreparationSettings
) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces that a model has made, seen on the grid on which scans are seen at the end; they are frontal already.

    Args:
        vertices: (B, V, 3) mm, face frame.
        triangles: (T, 3).
        nose_tip: number of the vertex at the tip of the nose, about which it is sought as on scans.
        settings: of the preparation; spikes and holes are none here.

    Returns:
        positions (B, 3, H, W) mm about the tip of the nose, NaN in holes, and normals (B, 3, H, W), 0 in holes.

    Raises:
        BadInput: on wrong shapes, or a face of which nothing lies within reach.
    """
    check_shape("vertices", vertices, (None, None, 3))
    tips = torch.stack([top_of_nose(each, each[nose_tip]) for each in vertices.double()])
    around = vertices - tips[:, None].float()
    around = around.where(around.norm(dim=2, keepdim=True) < settings.reach, torch.nan)
    positions = _on_grid(around, triangles, settings)
    return positions, normal_components(positions, window=settings.window)[0]


def _check_samples(points: torch.Tensor) -> None:
    """Raise unless the finite ones of points (N, 3) may be a face in mm."""
    points = points[points.isfinite().all(dim=1)]
    if len(points) < LEAST_SAMPLES:
        raise DegenerateInput(f"the scan has {len(points)} samples: expected at least {LEAST_SAMPLES}; leave it out")
    middle = points[:: max(len(points) // 5000, 1)].sort(dim=0).values
    edge = len(middle) // 50
    extent = float((middle[-1 - edge] - middle[edge]).amax())
    if not SMALLEST <= extent <= LARGEST:
        unit = "metres: multiply it by 1000" if extent < 1 else "centimetres: multiply it by 10"
        guess = f"it seems to be in {unit}" if extent < SMALLEST else "convert it to mm, or cut it to the head"
        raise BadInput(f"the scan extends over {extent:.3g}, expected {SMALLEST:g} to {LARGEST:g} mm: {guess}")


def step_of_grid(positions: torch.Tensor) -> float:
    """The distance between neighbours of a grid (3, H, W) along its rows, seen from the front, mm."""
    step = float(positions[0].diff(dim=1).nanmedian())
    if not step > 0:
        raise BadInput(f"x grows by {step:.3g} mm a column: expected a grid with x to the right, row 0 on top")
    return step


def _cover(positions: torch.Tensor, step: float, template: ScanTemplate) -> float:
    """How much a grid (3, H, W) shows, as a share of a face."""
    return float(positions.isfinite().all(dim=0).sum()) * step**2 / template.area


def _check_alone(beside: torch.Tensor, step: float, template: ScanTemplate) -> None:
    """Raise where what lies beside a face, a grid (3, H, W), shows another one; seldom is there enough to look at."""
    if _cover(beside, step, template) >= LEAST_COVER and upright_pose(beside, step, template):
        raise DegenerateInput("the scan shows several faces: cut it to one of them")


def _from_the_front(
    positions: torch.Tensor, step: float, pose: FrontalPose, settings: PreparationSettings
) -> torch.Tensor:
    """The surface through a grid (3, H, W), turned to the front: a range image (1, 3, size, size) about the nose."""
    vertices, triangles = surface_of_grid(positions, step)
    turned = (vertices - pose.nose_tip.float()) @ pose.to_face.rotation.float().mT
    return _on_grid(turned[None], triangles, settings)


def surface_of_grid(positions: torch.Tensor, step: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The surface through a grid (3, H, W), without holes and edges in depth: vertices (H W, 3), triangles (T, 3)."""
    vertices, triangles = positions.flatten(1).T, sheet_triangles(*positions.shape[1:])
    depth = vertices[:, 2][triangles]
    return vertices, triangles[depth.amax(dim=1) - depth.amin(dim=1) < STEEPEST * step]  # false for NaN


def _on_grid(vertices: torch.Tensor, triangles: torch.Tensor, settings: PreparationSettings) -> torch.Tensor:
    """Range images (B, 3, size, size) of surfaces (B, V, 3) about the tips of their noses."""
    origin = torch.zeros(1, 3)
    return range_image_of_mesh(vertices, triangles, origin, settings.size, settings.size, settings.cell)
