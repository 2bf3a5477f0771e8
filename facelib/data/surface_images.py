"""Faces as images of their surface: normal components and relief, stored small, and varied for training (paper 2).

Networks see a scan and a reconstructed face alike, as `SurfaceImages`. What they learn from is `ReconstructedFaces`:
images that were made from photographs, and whose photographs they were. That type has no place for a scan.

Photographs are mirrored and cropped at random, as the paper does. Scans lie a little off the front and are noisy, which
no reconstructed face is: the residual pose and the noise of the depth are ours, and 0 at the paper's tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from facelib.data.archive import FaceArchive
from facelib.data.surface_settings import SurfaceVariation
from facelib.errors import BadInput, check_shape
from facelib.geometry.rotations import euler_to_matrix

DEEPEST = 95.0  # mm behind the tip of the nose, where the relief ends: as far as scans reach
STEPS = 127  # of a stored component to either side of 0: as many bits as a photograph has
RECONSTRUCTED = "reconstructed_faces"  # name of the data sets that are learnt from


@dataclass(frozen=True)
class SurfaceImages:
    """B faces about the tips of their noses.

    Args:
        normals: (B, 3, S, S) N_x, N_y and N_z in [-1, 1], 0 in holes.
        relief: (B, 1, S, S) from 1 at the tip of the nose to 0 at `DEEPEST` behind it, 0 in holes.
    """

    normals: torch.Tensor
    relief: torch.Tensor

    def __len__(self) -> int:
        return len(self.normals)


@dataclass(frozen=True)
class ReconstructedFaces:
    """B faces that were reconstructed from photographs.

    Args:
        images: of their surfaces.
        person: (B,) int64, whose photographs they were, as a class.
    """

    images: SurfaceImages
    person: torch.Tensor


def as_stored(positions: torch.Tensor, normals: torch.Tensor) -> dict[str, np.ndarray]:
    """Arrays of B faces: normals (B, 3, S, S) int8 and relief (B, 1, S, S) float16, from which `surface_images` reads.

    Args:
        positions: (B, 3, S, S) mm about the tip of the nose, NaN in holes.
        normals: (B, 3, S, S), 0 in holes.
    """
    check_shape("positions", positions, (None, 3, None, None))
    check_shape("normals", normals, tuple(positions.shape))
    relief = (1 + positions[:, 2:] / DEEPEST).clamp(0, 1).nan_to_num(0)
    return {"normals": (STEPS * normals).round().to(torch.int8).numpy(), "relief": relief.half().numpy()}


def surface_images(archive: FaceArchive, rows: np.ndarray) -> SurfaceImages:
    """These faces of a data set of reconstructed faces or of prepared scans.

    Raises:
        BadInput: without rows, or of a data set of something else.
    """
    if len(rows) == 0:
        raise BadInput(f"an empty batch was asked of data set {archive.name}: expected at least one row")
    if not {"normals", "relief"} <= archive.arrays.keys():
        raise BadInput(f"data set {archive.name} has no images of surfaces: prepare its scans first")
    return _read({name: np.array(archive.arrays[name][rows]) for name in ("normals", "relief")})


def reconstructed_faces(archive: FaceArchive, rows: np.ndarray, classes: np.ndarray) -> ReconstructedFaces:
    """These faces of a data set of reconstructed faces, for training.

    Args:
        archive: the data set.
        rows: which faces.
        classes: the people who are told apart, ascending; a face's class is its person's place among them.

    Raises:
        BadInput: for any other data set, such as one of scans, which no training may see; as `surface_images`.
    """
    if archive.name != RECONSTRUCTED:
        raise BadInput(f"training was given data set {archive.name}: expected faces reconstructed from photographs")
    person = torch.from_numpy(np.searchsorted(classes, archive.arrays["identity"][rows]))
    return ReconstructedFaces(surface_images(archive, rows), person)


def varied(
    images: SurfaceImages, cell: float, variation: SurfaceVariation, generator: torch.Generator
) -> SurfaceImages:
    """The same faces mirrored, shifted, turned a little and with noise, each by its own numbers.

    Args:
        images: B faces.
        cell: side of a cell, mm.
        variation: how far.
        generator: of the randomness.
    """
    count, device = len(images), images.normals.device
    chosen = (torch.rand(count, generator=generator) < variation.mirror).to(device)
    shift = variation.crop * (2 * torch.rand(count, 2, generator=generator) - 1).to(device)
    angles = torch.deg2rad(variation.pose * torch.randn(count, 3, generator=generator)).to(device)
    images = mirrored(images, chosen)
    if variation.noise:
        noise = torch.randn(images.relief.shape, generator=generator).to(device)
        images = with_noise(images, variation.noise * noise, cell)
    return turned(images, euler_to_matrix(*angles.unbind(1)), shift, cell)


def _read(arrays: Mapping[str, np.ndarray]) -> SurfaceImages:
    normals, relief = (torch.from_numpy(arrays[name]).float() for name in ("normals", "relief"))
    return SurfaceImages(normals / STEPS, relief)


def mirrored(images: SurfaceImages, chosen: torch.Tensor) -> SurfaceImages:
    """Those that are chosen (B,) seen in a mirror, which turns N_x around."""
    chosen = chosen[:, None, None, None]
    other_side = images.normals.new_tensor([-1, 1, 1])[:, None, None]
    return SurfaceImages(
        torch.where(chosen, other_side * images.normals.flip(3), images.normals),
        torch.where(chosen, images.relief.flip(3), images.relief),
    )


def with_noise(images: SurfaceImages, noise: torch.Tensor, cell: float) -> SurfaceImages:
    """Depths off by noise (B, 1, S, S) mm, and the normals of planes fitted to 5 x 5 cells of it.

    A plane fitted by its squared differences in z is linear in z: the slope of the noise adds to that of the face.
    """
    across = torch.arange(-2.0, 3.0, device=noise.device).expand(5, 5) / (50 * cell)  # rise over run along a row
    kernels = torch.stack((across, -across.T))[:, None]  # rows run downwards, y upwards
    slope = functional.conv2d(noise, kernels, padding=2)
    x, y, z = images.normals.split(1, dim=1)
    rough = torch.cat((x - z * slope[:, :1], y - z * slope[:, 1:], z), dim=1)
    relief = (images.relief + noise / DEEPEST).clamp(0, 1).where(images.relief > 0, 0)
    return SurfaceImages(functional.normalize(rough, dim=1), relief)


def turned(images: SurfaceImages, rotation: torch.Tensor, shift: torch.Tensor, cell: float) -> SurfaceImages:
    """Faces turned by (B, 3, 3) about the tip of the nose and then shifted by (B, 2) mm, resampled.

    The turn is small: a cell is taken from where its own point comes from, by the depth that is seen there already.
    """
    size = images.relief.shape[-1]
    half = size * cell / 2
    middles = (torch.arange(size, device=shift.device) + 0.5) * cell - half
    x, y = middles.expand(size, size), -middles[:, None].expand(size, size)
    z = DEEPEST * (images.relief[:, 0] - 1)
    points = torch.stack((x.expand_as(z), y.expand_as(z), z), dim=1)
    depth = torch.einsum("bk,bkhw->bhw", rotation[:, 2], points)
    relief = (1 + depth[:, None] / DEEPEST).clamp(0, 1).where(images.relief > 0, 0)
    normals = torch.einsum("bjk,bkhw->bjhw", rotation, images.normals)
    back = torch.einsum("bkj,bkhw->bjhw", rotation, points - functional.pad(shift, (0, 1))[:, :, None, None])
    grid = torch.stack((back[:, 0], -back[:, 1]), dim=3) / half
    seen = functional.grid_sample(torch.cat((normals, relief), dim=1), grid, align_corners=False)
    return SurfaceImages(seen[:, :3], seen[:, 3:])
