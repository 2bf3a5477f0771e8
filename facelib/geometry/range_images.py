"""Range images: a surface seen along -z of the face frame, on a grid of square cells (paper 2, eq. 4).

Row 0 is on top (largest y) and column 0 at the smallest x, so the image shows the face as a viewer sees it. A cell
holds x, y and z in mm, NaN where there is no surface.
"""

from __future__ import annotations

import numpy as np
import torch

from facelib.errors import BadInput, check_finite, check_floating, check_shape
from facelib.geometry.camera import WeakPerspectiveCamera, face_to_camera
from facelib.geometry.depth import pixel_centres
from facelib.geometry.rasterizer import rasterize


def range_image_of_mesh(
    vertices: torch.Tensor, triangles: torch.Tensor, centre: torch.Tensor, height: int, width: int, cell: float
) -> torch.Tensor:
    """The part of a surface that is nearest to the viewer, at the centre of each cell.

    No gradient flows through the result; it is computed in float32 about the centre.

    Args:
        vertices: (B, V, 3) in the face frame, mm; a triangle with a non-finite vertex is left out.
        triangles: (T, 3) vertex ids.
        centre: (B or 1, 3) mm, the point in the middle of the grid, such as the tip of the nose.
        height: of the image, cells.
        width: of the image, cells.
        cell: side of a cell, mm.

    Returns:
        (B, 3, H, W) mm.

    Raises:
        BadInput: on wrong shapes, a cell without size, or a mesh of which nothing falls on the grid.
    """
    check_shape("vertices", vertices, (None, None, 3))
    _check_grid(centre, vertices, cell)
    camera = WeakPerspectiveCamera(1 / cell, width / 2, height / 2)
    about_centre = vertices - centre[:, None]
    points = face_to_camera(about_centre, torch.eye(3).to(about_centre)[None], torch.zeros(1, 3).to(about_centre))
    seen = rasterize(camera.project(points), triangles, height, width, perspective=False)
    _check_seen(seen.mask, "mesh")
    depth = seen.depth.where(seen.mask, torch.nan).to(vertices.dtype)
    return range_image_of_depth(-depth, cell) + centre[:, :, None, None]


def range_image_of_points(
    points: torch.Tensor, centre: torch.Tensor, height: int, width: int, cell: float, layer: float = 5.0
) -> torch.Tensor:
    """The mean position of the points that fall into each cell and lie near the foremost of them.

    A mean of points of a plane lies on the plane, so planes stay exact, though not at the cell's centre. For scans
    from the front: where a cell misses the face, points of the back of the head would show through.

    Args:
        points: (B, N, 3) in the face frame, mm; one with a non-finite coordinate is left out.
        centre: (B or 1, 3) mm, the point in the middle of the grid.
        height: of the image, cells.
        width: of the image, cells.
        cell: side of a cell, mm; well above the spacing of the points, or most cells stay holes.
        layer: mm behind the foremost point of a cell up to which others belong to the same surface.

    Returns:
        (B, 3, H, W) mm.

    Raises:
        BadInput: on wrong shapes, a cell or layer without size, or a cloud of which nothing falls on the grid.
    """
    check_shape("points", points, (None, None, 3))
    _check_grid(centre, points, cell)
    if not 0 <= layer < torch.inf:
        raise BadInput(f"layer is {layer} mm: expected a depth of 0 or more")
    if height < 1 or width < 1:
        raise BadInput(f"image of {height} x {width} cells: expected at least 1 x 1")
    batch = len(points)
    offset = points - centre[:, None]
    column = (offset[..., 0] / cell + width / 2).floor()
    row = (height / 2 - offset[..., 1] / cell).floor()
    inside = offset.isfinite().all(-1) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    image = torch.arange(batch, device=points.device)[:, None].expand_as(row)[inside]
    cells = (image * height + row[inside].long()) * width + column[inside].long()
    offset = offset[inside]  # (M, 3)

    foremost = offset.new_full((batch * height * width,), -torch.inf)
    foremost = foremost.scatter_reduce(0, cells, offset[:, 2], "amax")
    near = offset[:, 2] >= foremost[cells] - layer
    cells, offset = cells[near], offset[near]
    count = torch.bincount(cells, minlength=len(foremost)).to(offset.dtype)
    total = offset.new_zeros(len(foremost), 3).index_add(0, cells, offset)
    seen = (count > 0).view(batch, height, width)
    _check_seen(seen, "cloud")
    mean = (total / count[:, None]).view(batch, height, width, 3).permute(0, 3, 1, 2)  # 0 / 0 leaves NaN in holes
    return mean + centre[:, :, None, None]


def range_image_of_depth(depth: torch.Tensor, cell: float) -> torch.Tensor:
    """The range image about the middle of a grid that knows only z.

    Args:
        depth: (B, H, W) z in mm in the axes of the face frame, non-finite in holes.
        cell: side of a cell, mm.

    Returns:
        (B, 3, H, W) mm, NaN in holes.

    Raises:
        BadInput: on another shape or dtype, or a cell without size.
    """
    check_shape("depth", depth, (None, None, None))
    check_floating(depth=depth)
    _check_cell(cell)
    height, width = depth.shape[1:]
    screen = pixel_centres(depth).mT.unflatten(2, (height, width))
    x, y = (screen[:, 0] - width / 2) * cell, (height / 2 - screen[:, 1]) * cell
    return torch.stack((x, y, depth), dim=1).where(depth.isfinite()[:, None], torch.nan)


def fill_small_holes(positions: torch.Tensor, largest: int = 100) -> torch.Tensor:
    """Small holes filled by linear interpolation between the cells around them.

    A hole is a set of cells without a position, joined by their sides. Those that reach the border of the image are
    the background and stay, and so do larger ones. No gradient flows through the result.

    Args:
        positions: (B, 3, H, W) mm, non-finite in holes.
        largest: the most cells of a hole that is filled.

    Returns:
        (B, 3, H, W), a copy; other cells unchanged.

    Raises:
        BadInput: on another shape.
    """
    from scipy.interpolate import griddata
    from scipy.ndimage import binary_dilation

    check_shape("positions", positions, (None, 3, None, None))
    filled = positions.detach().clone()
    for image in filled:
        hole = ~image.isfinite().all(dim=0).cpu().numpy()
        small = _small_inner_parts(hole, largest)
        if not small.any():
            continue
        rim = binary_dilation(small, iterations=1, structure=[[1] * 3] * 3) & ~hole
        known = image.cpu().numpy()[:, rim].T  # (M, 3)
        between = griddata(rim.nonzero(), known, small.nonzero(), method="linear")
        image[:, torch.from_numpy(small)] = torch.from_numpy(between.T).to(image)
    return filled


def _small_inner_parts(hole: np.ndarray, largest: int) -> np.ndarray:
    """Of a boolean image the connected parts of at most this many cells that touch no border."""
    from scipy.ndimage import label

    parts, _ = label(hole)
    small = np.bincount(parts.ravel()) <= largest
    small[0] = False  # what is no hole
    for border in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        small[border] = False
    return small[parts]


def _check_grid(centre: torch.Tensor, points: torch.Tensor, cell: float) -> None:
    check_shape("centre", centre, (None, 3))
    check_floating(points=points, centre=centre)
    check_finite("centre", centre)
    if len(centre) not in (1, len(points)):
        raise BadInput(f"{len(centre)} centres for {len(points)} surfaces: expected {len(points)} or 1")
    _check_cell(cell)


def _check_cell(cell: float) -> None:
    if not 0 < cell < torch.inf:
        raise BadInput(f"cell is {cell} mm: expected a positive length")


def _check_seen(seen: torch.Tensor, what: str) -> None:
    """Raise unless each image (H, W) holds something."""
    empty = ~seen.flatten(1).any(dim=1)
    if empty.any():
        raise BadInput(
            f"nothing of {what} {int(empty.nonzero()[0])} falls on the grid: check the centre, the cell, the unit (mm)"
        )
