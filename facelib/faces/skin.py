"""The colour of skin, brows, lips, eyes and cropped hair, as a function of place on the mean head.

Skin reflects what its melanin and haemoglobin leave: albedo = base * exp(-melanin * a_m - haemoglobin * a_h) for
each of red, green and blue. Melanin absorbs as wavelength^-3.33, haemoglobin mostly green and blue light. Anatomical
regions modulate both and lay hair, lips and eyes over them. Many sampled skins give an 80-component texture basis.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from facelib.conventions import LANDMARK_GROUPS

WAVELENGTHS = np.array([610.0, 545.0, 465.0])  # nm, of the three channels
MELANIN_ABSORPTION = (WAVELENGTHS / WAVELENGTHS[0]) ** -3.33
HAEMOGLOBIN_ABSORPTION = np.array([0.07, 0.74, 0.60])
BASE = np.array([0.93, 0.85, 0.79])  # bloodless, unpigmented skin, linear
SCLERA, PUPIL = np.array([0.62, 0.58, 0.55]), np.array([0.012, 0.011, 0.011])
CAVITY = np.array([0.10, 0.035, 0.03])
TONGUE = np.array([0.42, 0.14, 0.13])
IRIS_RADIUS, PUPIL_RADIUS = 5.9, 2.0  # mm
HAIR_COLOURS = np.array([[0.012, 0.010, 0.009], [0.05, 0.028, 0.016], [0.17, 0.10, 0.05], [0.32, 0.30, 0.28]])
IRIS_COLOURS = np.array([[0.055, 0.028, 0.014], [0.10, 0.075, 0.03], [0.11, 0.17, 0.22], [0.10, 0.15, 0.10]])


@dataclass(frozen=True)
class SkinParameters:
    """One person's colouring.

    Args:
        melanin: 0.06 (very fair) to 1.6 (very dark).
        haemoglobin: 0.1 (pale) to 0.8 (ruddy).
        hair: (3,) linear RGB of brows, beard shadow and cropped hair.
        iris: (3,) linear RGB.
        scalp: 0 (shaven) to 1 (dense) cover of the scalp.
        beard: 0 to 1 cover of the beard shadow.
        brow: 0.4 to 1 density of the brows.
        lip: 0 to 1, how much redder than skin the lips are.
        blotches: (F, 2) amplitudes of the smooth fields of melanin and haemoglobin.
    """

    melanin: float
    haemoglobin: float
    hair: np.ndarray
    iris: np.ndarray
    scalp: float
    beard: float
    brow: float
    lip: float
    blotches: np.ndarray


BLOTCH_FIELDS = 24


def sample_skin(generator: np.random.Generator, *, ancestry: np.ndarray, gender: float, age: float) -> SkinParameters:
    """Draw a person's colouring.

    Args:
        generator: of random numbers.
        ancestry: (3,) african, asian, caucasian shares.
        gender: 0 female to 1 male.
        age: 0.67 (young) to 1 (old).
    """
    shares = np.clip(ancestry, 0.02, None) ** 2  # a linear estimate of ancestry is timid
    shares = shares / shares.sum()
    melanin = float(np.exp(shares @ np.log([1.0, 0.34, 0.17]) + generator.normal(0, 0.3)))
    european = shares[2]
    dark_hair = generator.uniform() > 0.6 * european
    hair = HAIR_COLOURS[0] if dark_hair else generator.dirichlet((1.0, 1.2, 0.8)) @ HAIR_COLOURS[:3]
    grey = float(np.clip((age - 0.86) * 5 + generator.normal(0, 0.15), 0, 0.85))
    light_eyes = generator.uniform() < 0.65 * european
    iris = IRIS_COLOURS[generator.integers(1, 4)] if light_eyes else IRIS_COLOURS[0]
    man = gender > 0.5
    return SkinParameters(
        melanin=float(np.clip(melanin, 0.06, 1.6)),
        haemoglobin=float(np.clip(generator.normal(0.32, 0.08), 0.14, 0.55)),
        hair=(1 - grey) * hair + grey * HAIR_COLOURS[3],
        iris=iris * np.exp(generator.normal(0, 0.2)),
        scalp=float(generator.beta(4, 1.2)) if not man or generator.uniform() > 0.25 else float(generator.beta(1, 4)),
        beard=float(generator.beta(1.3, 1.6)) * 0.8 if man else 0.0,
        brow=float(generator.uniform(0.5, 1.0)) if man else float(generator.uniform(0.4, 0.85)),
        lip=float(generator.uniform(0.25, 0.7)) if man else float(generator.uniform(0.4, 1.0)),
        blotches=generator.normal(0, 1, (BLOTCH_FIELDS, 2)),
    )


def paint(mean: np.ndarray, regions: dict[str, np.ndarray], person: SkinParameters) -> np.ndarray:
    """The albedo of one person.

    Args:
        mean: (V, 3) mean head in mm.
        regions: masks (V,) from `anatomical_regions`.
        person: the colouring.

    Returns:
        (V, 3) linear RGB in [0, 1].
    """
    fields = _smooth_fields(mean) @ person.blotches / np.sqrt(BLOTCH_FIELDS)  # (V, 2)
    flush = 0.30 * regions["cheeks"] + 0.30 * regions["nose"] + 0.25 * regions["ears"] - 0.12 * regions["lids"]
    flush = flush + (0.7 + 1.4 * person.lip) * regions["lips"]
    haemoglobin = person.haemoglobin * np.exp(0.18 * fields[:, 1]) * (1 + flush)
    melanin = person.melanin * np.exp(0.10 * fields[:, 0]) * (1 + 0.25 * regions["lids"] + 0.25 * regions["lips"])
    colour = BASE * np.exp(-np.outer(melanin, MELANIN_ABSORPTION) - np.outer(haemoglobin, HAEMOGLOBIN_ABSORPTION))
    colour = _lay_over(colour, person.hair, person.scalp * 0.92 * regions["scalp"])
    colour = _lay_over(colour, person.hair, person.beard * 0.75 * regions["beard"])
    colour = _lay_over(colour, person.hair, person.brow * 0.9 * regions["brows"])
    colour = _lay_over(colour, person.hair * 0.5, 0.75 * regions["lashes"])
    colour = _lay_over(colour, CAVITY, regions["cavities"])
    colour = _lay_over(colour, TONGUE, regions["tongue"])
    colour = _lay_over(colour, SCLERA, regions["eyeballs"])
    colour = _lay_over(colour, person.iris, regions["irises"])
    return _lay_over(colour, PUPIL, regions["pupils"])


def texture_basis(
    mean: np.ndarray, regions: dict[str, np.ndarray], count: int, components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of sampled skins.

    Args:
        mean: (V, 3) mean head.
        regions: its masks.
        count: skins to sample.
        components: to keep.

    Returns:
        The mean albedo (V, 3) and a basis (components, V, 3) of one standard deviation each.
    """
    generator = np.random.default_rng(0)
    skins = np.empty((count, len(mean) * 3), np.float32)
    for row in skins:
        ancestry = generator.dirichlet((0.4, 0.4, 0.4))
        gender, age = generator.uniform(), generator.uniform(2 / 3, 1)
        row[:] = paint(mean, regions, sample_skin(generator, ancestry=ancestry, gender=gender, age=age)).ravel()
    average = skins.mean(axis=0)
    skins -= average
    values, vectors = np.linalg.eigh((skins @ skins.T).astype(np.float64))
    order = np.argsort(values)[::-1][:components]
    basis = (vectors[:, order].T.astype(np.float32) @ skins) / np.sqrt(count - 1)
    basis *= np.sign(basis[np.arange(components), np.abs(basis).argmax(axis=1)])[:, None]
    return average.reshape(-1, 3), basis.reshape(components, -1, 3)


def project_texture(albedo: np.ndarray, mean: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """The coefficients (K,) of the nearest texture of a basis to an albedo (V, 3), in standard deviations."""
    flat = basis.reshape(len(basis), -1)
    return flat @ (albedo - mean).ravel() / (flat**2).sum(axis=1)


def anatomical_regions(
    mean: np.ndarray, triangles: np.ndarray, parts: dict[str, np.ndarray], landmarks: list[int]
) -> dict[str, np.ndarray]:
    """Where lips, brows, lids, scalp, beard, cheeks, nose, ears, eyes and cavities lie on the mean head.

    Args:
        mean: (V, 3) mean head in mm, face frame, origin between the ears.
        triangles: (T, 3).
        parts: name -> (T,) bool, Anny's own parts.
        landmarks: the 68 landmark vertices.

    Returns:
        name -> (V,) in [0, 1], soft at its border by about a millimetre.
    """
    part = {name: _vertices_of(triangles, mask, len(mean)) for name, mask in parts.items()}
    eyeball = part["left_eye"] | part["right_eye"]
    inside = (part["left_eye_cavity"] | part["right_eye_cavity"] | part["mouth_cavity"]) & ~part["skin"]
    skin = (~eyeball & ~inside & ~part["tongue"]).astype(float)
    points = mean[landmarks]
    x, y, z = mean.T
    front = skin * _step(z, 40, 50)
    ears = skin * _step(-np.hypot((y - 10) / 33, (z + 11) / 24), -1.1, -0.9) * _step(np.abs(x), 58, 62)
    gaze = _off_axis(mean, part)
    regions = {
        "skin": skin,
        "lips": front * _inside_polygon(mean[:, :2], points[LANDMARK_GROUPS["outer_lips"], :2], softness=0.8),
        "brows": front * np.maximum(_brow(mean, points[17:22]), _brow(mean, points[26:21:-1])),
        "lids": front * np.maximum(_near(mean, points[36:42], 4, 9), _near(mean, points[42:48], 4, 9)),
        "lashes": front * np.maximum(_near(mean, points[36:40], 0.8, 2.0), _near(mean, points[42:46], 0.8, 2.0)),
        "cheeks": front * np.exp(-(((np.abs(x) - 42) / 16) ** 2) - ((y + 8) / 16) ** 2),
        "nose": front * np.exp(-((x / 14) ** 2) - ((y + 8) / 14) ** 2) * _step(z, 92, 104),
        "ears": ears,
        "scalp": skin * (1 - ears) * _scalp(mean),
        "beard": skin * _beard(mean, points),
        "cavities": inside.astype(float),
        "tongue": part["tongue"].astype(float),
        "eyeballs": eyeball.astype(float),
        "irises": eyeball * _step(-gaze, -IRIS_RADIUS - 0.4, -IRIS_RADIUS + 0.4),
        "pupils": eyeball * _step(-gaze, -PUPIL_RADIUS - 0.4, -PUPIL_RADIUS + 0.4),
    }
    regions["beard"] *= 1 - regions["lips"]
    return regions


def _lay_over(below: np.ndarray, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
    return below * (1 - cover[:, None]) + colour * cover[:, None]


def _step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _vertices_of(triangles: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    chosen = np.zeros(count, bool)
    chosen[triangles[mask]] = True
    return chosen


def _distance_to_line(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of points (V, D) to a polyline (P, D), and where along it (0 to 1) the nearest place lies."""
    best = np.full(len(points), np.inf)
    along = np.zeros(len(points))
    for i, (a, b) in enumerate(itertools.pairwise(line)):
        t = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        distance = np.linalg.norm(points - a - t[:, None] * (b - a), axis=1)
        nearer = distance < best
        best[nearer] = distance[nearer]
        along[nearer] = (i + t[nearer]) / (len(line) - 1)
    return best, along


def _near(mean: np.ndarray, line: np.ndarray, full: float, none: float) -> np.ndarray:
    """1 within `full` mm of a line of landmarks, 0 beyond `none` mm."""
    return _step(-_distance_to_line(mean, line)[0], -none, -full)


def _brow(mean: np.ndarray, line: np.ndarray) -> np.ndarray:
    """A brow thins out towards its outer end, where its line of landmarks begins."""
    distance, along = _distance_to_line(mean, line)
    thickness = 2.0 + 3.4 * along - 4.0 * np.clip(along - 0.8, 0, 1)  # mm
    return _step(thickness - distance, -1.8, 1.8)


def _inside_polygon(points: np.ndarray, polygon: np.ndarray, softness: float) -> np.ndarray:
    """1 inside a closed polygon (seen from the front), 0 outside, soft over `softness` mm."""
    closed = np.concatenate([polygon, polygon[:1]])
    distance, _ = _distance_to_line(points, closed)
    crossings = np.zeros(len(points), int)
    for (x0, y0), (x1, y1) in itertools.pairwise(closed):
        spans = (y0 > points[:, 1]) != (y1 > points[:, 1])
        at = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0 if y1 != y0 else 1.0)
        crossings += spans & (points[:, 0] < at)
    signed = np.where(crossings % 2 == 1, distance, -distance)
    return _step(signed, -softness, softness)


def _scalp(mean: np.ndarray) -> np.ndarray:
    """Above a hairline that runs over the forehead, down the temples, around the ears to the nape."""
    x, y, z = mean.T
    hairline = np.interp(z, [-90, -40, -18, 4, 22, 36, 54, 72, 84], [-52, -46, -12, 20, 34, 54, 76, 88, 92])
    strands = 2.0 * np.sin(x / 2.3 + 1.7 * np.sin(y / 5.0)) * np.cos(z / 3.1)  # no ruler drew this line
    return _step(y - hairline + strands, -5, 7)


def _beard(mean: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Below the nose, along the cheeks' lower third, jaw and chin, fading on the neck."""
    x, y, z = mean.T
    upper = np.interp(np.abs(x), [0, 12, 24, 40, 55, 66], [points[33, 1] - 6, points[33, 1] - 8, -38, -42, -26, 12])
    neck = _step(y, points[8, 1] - 26, points[8, 1] - 6)
    return _step(upper - y, -8, 10) * neck * _step(z, -4, 22)


def _off_axis(mean: np.ndarray, part: dict[str, np.ndarray]) -> np.ndarray:
    """Distance in mm of each vertex from its eye's axis, which looks straight ahead; infinite off the eyes."""
    distance = np.full(len(mean), np.inf)
    left = mean[part["left_eye"]]
    centre = (left.min(axis=0) + left.max(axis=0)) / 2
    for name, side in (("left_eye", 1.0), ("right_eye", -1.0)):
        mask = part[name] & (mean[:, 2] > centre[2])
        distance[mask] = np.hypot(mean[mask, 0] - side * centre[0], mean[mask, 1] - centre[1])
    return distance


def _smooth_fields(mean: np.ndarray) -> np.ndarray:
    """Fixed smooth random functions on the head, (V, BLOTCH_FIELDS), of wavelengths from 3 to 15 cm."""
    generator = np.random.default_rng(1)
    waves = generator.normal(0, 1, (3, BLOTCH_FIELDS))
    waves *= 2 * np.pi / generator.uniform(30, 150, BLOTCH_FIELDS) / np.linalg.norm(waves, axis=0)
    return np.sqrt(2) * np.cos(mean @ waves + generator.uniform(0, 2 * np.pi, BLOTCH_FIELDS))
