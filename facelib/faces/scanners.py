"""Scanners of faces: what each gives of a head in front of it, as a grid of depths with noise, spikes and holes.

Precisions are those that the makers and the papers of the data sets state, as far as they state any:
    BU-3DFE    3dMD, stereo: 1.2 mm (RMS) for the system, of smooth meshes, so its errors reach far over the face
    FRGC v2    Minolta Vivid 900/910, laser: 0.1 mm in depth; spikes at the eyes, holes at brows and hair
    Bosphorus  Inspeck Mega Capturor II, structured light: 0.4 mm in depth, of which its median filter over 3 x 3
               samples leaves 1.25 / 3 as noise
    BU-4DFE    Di3D, passive stereo: 0.2 mm (RMS), smooth over the windows that are matched
All else is ours: the lengths over which errors hang together, angles, shares and sizes. A grid's step is coarser than
the scanners' own (0.5 to 1 mm), about as fine as the images of normals that are made of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from facelib.conventions import NOSE_TIP
from facelib.errors import BadInput, check_finite, check_shape
from facelib.faces.morphable_model import MorphableModel
from facelib.geometry.range_images import range_image_of_depth
from facelib.geometry.rasterizer import interpolate, rasterize
from facelib.geometry.rotations import euler_to_matrix

IN_MOUTH = ("cavities", "tongue")  # regions that show where lips part; those of the eyes lie behind eyeballs
HAIR = ("brows", "scalp")
ROUGHNESS = 4.0  # how much noisier hair is than skin
PATCH = 8.0  # mm, over which holes in hair hang together
OFF_CENTRE = 8.0  # mm, standard deviation of the tip of the nose from the middle of the grid


@dataclass(frozen=True)
class Scanner:
    """How a scanner sees.

    Args:
        kind: by what it measures.
        step: between the samples of its grid, mm.
        noise: standard deviation of the depth, mm.
        correlation: mm, at which the errors of two samples still agree to 1 / e; 0 where each has its own.
        quantum: mm, of which depths are multiples; 0 for any depth.
        grazing: degrees between the ray and the surface's normal from which on nothing comes back. Two samples on
            either side of an edge in depth look like a surface at such an angle, and are lost as well.
        lost_hair: share of brows and hair of the scalp that gives no depth.
        spikes: share of the samples that are far off, and eye_spikes of those on the eyes.
        spike_size: mean distance by which they are off, mm.
        reach: mm around the tip of the nose to which its scans are cut.
    """

    kind: Literal["laser", "stereo", "structured light"]
    step: float = 1.5
    noise: float = 0.0
    correlation: float = 0.0
    quantum: float = 0.0
    grazing: float = 80.0
    lost_hair: float = 0.0
    spikes: float = 0.0
    eye_spikes: float = 0.0
    spike_size: float = 10.0
    reach: float = 1000.0


SCANNERS: dict[str, Scanner] = {
    "bu3dfe": Scanner("stereo", noise=1.2, correlation=40.0, grazing=80.0, lost_hair=0.1, reach=100.0),
    "frgc": Scanner(
        "laser", step=1.6, noise=0.1, grazing=72.0, lost_hair=0.8, spikes=0.001, eye_spikes=0.06, spike_size=12.0
    ),
    "bosphorus": Scanner(
        "structured light", noise=0.17, correlation=1.5, quantum=0.1, grazing=70.0, lost_hair=0.4, spikes=2e-4,
        reach=95.0,
    ),
    "bu4dfe": Scanner("stereo", noise=0.2, correlation=5.0, grazing=78.0, lost_hair=0.2, spikes=1e-4),
}  # fmt: skip


@dataclass(frozen=True)
class RangeScans:
    """N scans, each in its scanner's frame: axes as in the face frame, the origin in the middle of the grid.

    Args:
        depth: (N, H, W) z in mm towards the scanner, NaN in holes.
        step: between samples, mm.
        nose_tip: (N, 3) where the tip of the nose truly is, mm.
    """

    depth: torch.Tensor
    step: float
    nose_tip: torch.Tensor

    @property
    def positions(self) -> torch.Tensor:
        """(N, 3, H, W) mm, a range image."""
        return range_image_of_depth(self.depth, self.step)


@torch.no_grad()
def scan_heads(
    model: MorphableModel,
    heads: torch.Tensor,
    pose: torch.Tensor,
    scanner: Scanner,
    size: int,
    generator: torch.Generator,
) -> RangeScans:
    """Scan heads from the front.

    Args:
        model: the face model, for its triangles, landmarks and regions.
        heads: (N, V, 3) mm, face frame.
        pose: (N, 3) yaw, pitch and roll of each in radians: how far the sitter is from frontal.
        scanner: the scanner.
        size: rows and columns of the grid.
        generator: of noise, spikes, holes, and of the place on the grid.

    Raises:
        BadInput: on wrong shapes, a size below 8 or a scanner whose numbers are out of range.
        DegenerateInput: on a non-finite angle or head.
    """
    _check(model, heads, pose, scanner, size)
    turned = heads @ euler_to_matrix(*pose.unbind(1)).mT
    tip = turned[:, model.landmarks[NOSE_TIP]]
    off_centre = OFF_CENTRE * torch.randn(len(heads), 3, generator=generator)
    about_grid = turned - (tip + off_centre)[:, None]
    depth, hair, eyes = _seen(model, about_grid, scanner.step, size)
    depth = depth.where(~_grazed(depth, scanner), torch.nan)
    lost = scanner.lost_hair * (0.5 + torch.rand(len(heads), 1, 1, generator=generator))  # from fair to dark
    patches = torch.special.ndtr(_smooth_noise(depth.shape, PATCH / scanner.step, generator))
    depth = depth.where(patches >= lost * hair, torch.nan)
    noise = _smooth_noise(depth.shape, scanner.correlation / scanner.step, generator)
    depth = depth + scanner.noise * (1 + (ROUGHNESS - 1) * hair) * noise
    depth = depth + _spikes(scanner.spikes + scanner.eye_spikes * eyes, scanner.spike_size, generator)
    if scanner.quantum > 0:
        depth = (depth / scanner.quantum).round() * scanner.quantum
    far = (range_image_of_depth(depth, scanner.step) + off_centre[..., None, None]).norm(dim=1) > scanner.reach
    return RangeScans(depth.where(~far, torch.nan), scanner.step, -off_centre)


def triangles_without(model: MorphableModel, regions: tuple[str, ...]) -> torch.Tensor:
    """The triangles (T, 3) of a model none of whose corners lies in one of these regions."""
    inside = torch.zeros(len(model.mean), dtype=torch.bool)
    for name in regions:
        inside |= model.regions[name] > 0.5
    return model.triangles[~inside[model.triangles].any(dim=1)]


def _check(model: MorphableModel, heads: torch.Tensor, pose: torch.Tensor, scanner: Scanner, size: int) -> None:
    check_shape("heads", heads, (None, len(model.mean), 3))
    check_shape("pose", pose, (len(heads), 3))
    check_finite("the sum of each head's vertices", heads.sum(dim=(1, 2)))
    check_finite("pose", pose)
    if size < 8:
        raise BadInput(f"size is {size}: expected a grid of at least 8 x 8 samples")
    if not (0 < scanner.step < math.inf and 0 < scanner.grazing < 90 and scanner.reach > 0):
        raise BadInput(
            f"a scanner with step {scanner.step}, grazing {scanner.grazing} and reach {scanner.reach}: expected "
            "positive lengths in mm, and an angle between 0 and 90 degrees"
        )
    lengths = (scanner.noise, scanner.correlation, scanner.quantum, scanner.spike_size)
    shares = (scanner.lost_hair, scanner.spikes, scanner.eye_spikes)
    if not all(0 <= length < math.inf for length in lengths) or not all(0 <= share <= 1 for share in shares):
        raise BadInput(f"{scanner}: expected lengths of 0 mm and more, and shares from 0 to 1")


def _seen(
    model: MorphableModel, heads: torch.Tensor, step: float, size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The depth (N, H, W) of heads about the middle of the grid, and how much each sample lies on hair and on eyes."""
    x, y, z = heads.unbind(-1)
    screen = torch.stack((x / step + size / 2, size / 2 - y / step, -z), dim=-1)
    triangles = triangles_without(model, IN_MOUTH)
    seen = rasterize(screen, triangles, size, size, perspective=False, cull_back_faces=True)
    hair = torch.stack([model.regions[name] for name in HAIR]).amax(dim=0)
    marks = interpolate(torch.stack((hair, model.regions["eyeballs"]), dim=-1)[None], triangles, seen)
    return (-seen.depth).where(seen.mask, torch.nan), marks[..., 0], marks[..., 1]


def _grazed(depth: torch.Tensor, scanner: Scanner) -> torch.Tensor:
    """Whether a sample (N, H, W) and one beside it differ in depth as on a surface at a grazing angle."""
    limit = scanner.step * math.tan(math.radians(scanner.grazing))
    grazed = torch.zeros_like(depth, dtype=torch.bool)
    down, across = depth.diff(dim=1).abs() > limit, depth.diff(dim=2).abs() > limit
    grazed[:, 1:] |= down
    grazed[:, :-1] |= down
    grazed[:, :, 1:] |= across
    grazed[:, :, :-1] |= across
    return grazed


def _smooth_noise(shape: torch.Size, correlation: float, generator: torch.Generator) -> torch.Tensor:
    """Normal noise (N, H, W) of unit variance whose correlation falls as exp(-(d / correlation)^2), d in samples."""
    white = torch.randn(shape, generator=generator)
    if correlation == 0:
        return white
    # A Gaussian kernel of standard deviation correlation / 2 has that correlation; here is its transform.
    down, across = torch.fft.fftfreq(shape[1]), torch.fft.fftfreq(shape[2])
    gain = torch.exp(-((math.pi * correlation) ** 2) / 2 * (down[:, None].square() + across.square()))
    gain = gain / gain.square().mean().sqrt()
    return torch.fft.irfft2(torch.fft.rfft2(white) * gain[:, : shape[2] // 2 + 1], s=shape[1:])


def _spikes(share: torch.Tensor, size: float, generator: torch.Generator) -> torch.Tensor:
    """How far each sample is off, (N, H, W) mm: mostly not at all, else to the front or back."""
    chance, side, length = torch.rand(3, *share.shape, generator=generator).unbind(0)
    return torch.where(chance < share, (2 * side - 1).sign() * -size * torch.log1p(-length), 0.0)
