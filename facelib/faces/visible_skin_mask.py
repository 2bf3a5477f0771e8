"""Which pixels of a rendering show the face's skin, unoccluded: what the position map covers (see `face_layout`)."""

from __future__ import annotations

import torch
from numba import njit

from facelib.faces.face_layout import face_layout
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.rasterizer import Fragments
from facelib.geometry.threads import share_among_threads

ANY_SIZE = 16  # of the map: its limits on the head are the same at every size


def visible_skin_mask(
    model: MorphableModel, triangles: torch.Tensor, fragments: Fragments, samples: int
) -> torch.Tensor:
    """The pixels at least half of whose samples show the face.

    Eyes belong to it; ears, scalp, the inside of the mouth and the back of the neck do not.

    Args:
        model: the face model.
        triangles: (T, 3) those that were rasterized: vertices from the model's number on are of occluders.
        fragments: of B images of (samples H) x (samples W), on the CPU.
        samples: of a pixel along each axis.

    Returns:
        (B, H, W) bool.
    """
    batch, height, width = fragments.triangle.shape
    rows, columns = height // samples, width // samples
    mask = torch.empty(batch, rows, columns, dtype=torch.bool)
    share_among_threads(
        _mask_rows,
        batch * rows,
        places_on_map(model).contiguous().numpy(),
        triangles.to(torch.int32).contiguous().numpy(),
        fragments.triangle.contiguous().numpy(),
        fragments.barycentric.contiguous().numpy(),
        samples,
        mask.numpy(),
    )
    return mask


def places_on_map(model: MorphableModel) -> torch.Tensor:
    """Column and row (V, 2) of each vertex on a map of ANY_SIZE texels; NaN where it is left out of the map.

    A blend with a NaN is one: a triangle shows the face only where all its corners belong to it. Those far beyond the
    sides are left out too, as triangles over the seam at the back would lead across the whole map.
    """
    layout = face_layout(model, ANY_SIZE)
    kept = torch.zeros(len(layout.place), dtype=torch.bool)
    kept[layout.triangles.flatten()] = True
    kept &= (layout.place[:, 0] - ANY_SIZE / 2).abs() < 0.75 * ANY_SIZE
    return layout.place.where(kept[:, None], torch.nan)


@njit(cache=True, nogil=True)
def _mask_rows(first, last, place, triangles, triangle, barycentric, samples, mask):  # type: ignore[no-untyped-def]
    height, width = mask.shape[1:]
    for row in range(first, last):
        image, i = row // height, row % height
        for j in range(width):
            count = 0
            for y in range(i * samples, (i + 1) * samples):
                for x in range(j * samples, (j + 1) * samples):
                    t = triangle[image, y, x]
                    if t < 0:
                        continue
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    if max(a, b, c) >= len(place):
                        continue
                    p, q, r = barycentric[image, y, x]
                    column = p * place[a, 0] + q * place[b, 0] + r * place[c, 0]
                    line = p * place[a, 1] + q * place[b, 1] + r * place[c, 1]
                    count += 0 < column < ANY_SIZE and 0 < line < ANY_SIZE
            mask[image, i, j] = 2 * count >= samples * samples
