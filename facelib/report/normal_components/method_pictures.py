"""What paper 2's method notebook shows of its parts: disturbed shapes, normals, scanners, and the preparation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pandas as pd
import torch

from facelib.data.reconstructed_faces import vertices_of
from facelib.data.scan_preparation import PreparedScan, prepare_scan
from facelib.data.scan_template import scan_template
from facelib.data.surface_settings import PreparationSettings
from facelib.faces.population import sample_people
from facelib.faces.scanners import SCANNERS, RangeScans, scan_heads
from facelib.geometry.normal_components import METHODS, normal_components
from facelib.geometry.range_images import range_image_of_depth
from facelib.geometry.rotations import euler_to_matrix, geodesic_distance
from facelib.models.expnet import ShapeCoefficients
from facelib.papers.normal_components.metrics import TITLES
from facelib.papers.normal_components.networks import face_model
from facelib.papers.normal_components.reconstructors import disturbed
from facelib.report.component_pictures import ScanLine
from facelib.report.meshes import FaceMesh, shaded_picture
from facelib.report.overlay import SIDE

SAMPLES = 128  # rows and columns of a scan
SEED = 501  # of people of no data set
ANGLES = ("yaw", "pitch", "roll")


@cache
def people(count: int) -> torch.Tensor:
    """Coefficients (count, K) of people whom no data set holds."""
    return sample_people(face_model(), count, SEED, fixed_albedo=True).identity


def scanned(data_set: str, person: int = 0, pose: Sequence[float] = (0.0, 0.0, 0.0)) -> RangeScans:
    """A neutral head before the scanner of a data set, turned by yaw, pitch and roll in degrees; one scan."""
    model, generator = face_model(), torch.Generator().manual_seed(SEED)
    head = model.vertices(people(person + 1)[person:])
    return scan_heads(model, head, torch.deg2rad(torch.tensor([pose])), SCANNERS[data_set], SAMPLES, generator)


def prepared(scan: RangeScans, preparation: PreparationSettings) -> PreparedScan:
    """A scan as networks see it."""
    return prepare_scan(scan.positions[0], preparation, scan_template(face_model()))


def scanner_lines(preparation: PreparationSettings, person: int = 0) -> list[ScanLine]:
    """The same head before each scanner, prepared; its kind and its noise in the name."""
    lines = []
    for name, title in TITLES.items():
        scanner = SCANNERS[name]
        words = f"{title} ({scanner.kind}, {scanner.noise:g} mm)"
        lines.append(ScanLine(words, prepared(scanned(name, person), preparation)))
    return lines


def turned_errors(data_set: str, angles: Sequence[float], preparation: PreparationSettings) -> pd.DataFrame:
    """How far from frontal a scan ends, in degrees, when it was turned by so many before its preparation.

    Returns:
        A column for each of yaw, pitch and roll, a row an angle.
    """
    errors = {}
    for place, name in enumerate(ANGLES):
        poses = [[angle if place == other else 0.0 for other in range(3)] for angle in angles]
        errors[name] = [_off(data_set, pose, preparation) for pose in poses]
    return pd.DataFrame(errors, index=pd.Index(angles, name="turned by"))


def normal_errors(size: int = 61, cell: float = 1.45, tilt: float = 30.0, radius: float = 80.0) -> pd.DataFrame:
    """How far normals of fitted planes are off those of a tilted plane and of a sphere's cap, in degrees.

    Args:
        size: cells a side.
        cell: its side, mm.
        tilt: of the plane about the vertical axis, degrees.
        radius: of the sphere, mm; the cap ends 45 degrees from its top.

    Returns:
        The largest angle by surface and by the way planes are fitted, without cells whose window leaves the surface.
    """
    steps = (torch.arange(size).double() - size // 2) * cell
    x, y = steps.expand(size, size), -steps[:, None].expand(size, size)
    slope = torch.deg2rad(torch.tensor(tilt)).tan().double()
    square = x.square() + y.square()
    depths = {
        f"plane, tilted by {tilt:g}°": (slope * x, torch.stack((-slope * torch.ones_like(x), 0 * x, 0 * x + 1))),
        f"cap of a sphere of {radius:g} mm": (
            (radius**2 - square).clamp(min=0).sqrt().where(square < radius**2 / 2, torch.nan),
            torch.stack((x, y, (radius**2 - square).clamp(min=0).sqrt())) / radius,
        ),
    }
    found = {}
    for name, (depth, truth) in depths.items():
        inside = torch.nn.functional.avg_pool2d(depth.isfinite().double()[None], 5, 1, padding=2)[0] > 0.999
        positions = range_image_of_depth(depth[None], cell)
        true = torch.nn.functional.normalize(truth, dim=0)
        errors = {}
        for method in METHODS:
            normals, _ = normal_components(positions, method=method)
            apart = 2 * ((normals[0] - true).norm(dim=0) / 2).clamp(max=1).asin().rad2deg()
            errors[method] = float(apart[inside].max())
        found[name] = errors
    return pd.DataFrame(found).T


def disturbed_pictures(levels: Sequence[float], persons: int = 2) -> torch.Tensor:
    """People as they are and with noise of so many standard deviations on their identity, (persons * levels, 3, S, S).

    What rows named "off by" learn from; a level of 0 is the truth.
    """
    model, identity = face_model(), people(persons)
    true = ShapeCoefficients(identity, torch.zeros(persons, len(model.expression_names)))
    pictures = []
    for level in levels:
        found = disturbed(level)(torch.empty(0), true, torch.Generator().manual_seed(SEED))
        for face in vertices_of(model, found):
            pictures.append(shaded_picture(FaceMesh("", face, model.triangles), 25.0, SIDE))
    order = [level * persons + person for person in range(persons) for level in range(len(levels))]
    return torch.stack(pictures)[order]


def _off(data_set: str, pose: Sequence[float], preparation: PreparationSettings) -> float:
    turn = euler_to_matrix(*torch.deg2rad(torch.tensor(pose)).double())
    found = prepared(scanned(data_set, pose=pose), preparation).pose.to_face.rotation
    return float(geodesic_distance(found, turn.mT).rad2deg())
