"""Made-up errors of single photographs, as runs of paper 3 leave them; no training."""

from __future__ import annotations

import zlib

import numpy as np

PEOPLE, IMAGES = 12, 9  # images of a person: three in each range of yaw
FLORENCE_PEOPLE, RENDERINGS = 5, 4
ICT_PEOPLE, ICT_IMAGES = 7, 2


def made_scores(method: str, *, skill: float = 1.0, people: int = PEOPLE) -> dict[str, np.ndarray]:
    """Errors that grow with yaw and under occluders, around 4 %; methods share most of them.

    Args:
        method: whose own part is drawn.
        skill: divides the errors.
        people: of AFLW2000-3D.
    """
    shared, own = np.random.default_rng(people), np.random.default_rng(zlib.crc32(method.encode()))
    count = people * IMAGES
    identity = np.arange(people).repeat(IMAGES) + 100
    yaw = np.tile(np.linspace(-89, 89, IMAGES), people)
    occluder = shared.integers(0, 3, count)
    # People differ: an error of one says something of the others of this person.
    hard = shared.gamma(8, 1 / 8, people).repeat(IMAGES) * shared.gamma(8, 1 / 8, count) * (1 + 2 * np.abs(yaw) / 90)
    scores = {
        name: 0.02 * factor * (1 + 0.2 * (occluder > 0)) * hard * own.gamma(400, 1 / 400, count) / skill
        for name, factor in {
            **{"sparse_2d": 1.0, "sparse_3d": 1.4, "sparse_3d_unshifted": 1.6, "dense_2d": 0.9},
            **{"dense_3d": 1.3, "dense_3d_unshifted": 1.5, "reconstruction": 1.1},
        }.items()
    }
    degrees = np.array([2.5, 4.5, 3.2]) * hard[:, None] * own.gamma(2, 0.5, (count, 3)) / skill
    degrees[::29] = (2.0, 27.0, 24.0)  # near gimbal lock
    renderings = FLORENCE_PEOPLE * RENDERINGS
    scan = 0.03 * shared.gamma(8, 1 / 8, renderings) * own.gamma(400, 1 / 400, renderings) / skill
    mean_face = 3 * hard
    square = 20 * shared.gamma(8, 1 / 8, count)
    told = shared.normal(size=(count, 10))
    return scores | {
        "mean_face_mm": mean_face,
        "shape_mm": mean_face * (1 - 0.3 * own.beta(8, 8, count) * skill / (1 + skill)),
        "shape_square": square,
        "shape_square_error": square * own.beta(16, 8, count),
        "shape_spread": np.full(count, 2.0),
        "told_identity": told,
        "true_identity": told + own.normal(size=(count, 10)),
        "recognition": own.integers(0, 2, 2 * people).astype(float),
        "recognition_identity": np.arange(people).repeat(2),
        "identity": identity,
        "rows": np.arange(count),
        "yaw": np.deg2rad(yaw),
        "occluder": occluder,
        "aflw_angle_error": np.deg2rad(degrees),
        "geodesic": np.deg2rad(np.sqrt((degrees**2).sum(axis=1))),
        "florence": scan,
        "florence_rigid": 1.2 * scan,
        "florence_15": np.where(np.arange(renderings) % RENDERINGS == 0, np.nan, scan),
        "posed_mm": 3 * hard * own.gamma(400, 1 / 400, count) / skill,
        "florence_identity": np.arange(FLORENCE_PEOPLE).repeat(RENDERINGS),
        "florence_yaw": np.zeros(renderings),
        "florence_pitch": np.zeros(renderings),
    }


def made_ict_scores(method: str, *, skill: float = 1.0) -> dict[str, np.ndarray]:
    """Errors of photographs of ICT's people, as evaluations of runs of paper 3 leave them."""
    shared, own = np.random.default_rng(7), np.random.default_rng(zlib.crc32(method.encode()))
    count = ICT_PEOPLE * ICT_IMAGES
    hard = shared.gamma(8, 1 / 8, ICT_PEOPLE).repeat(ICT_IMAGES) * own.gamma(400, 1 / 400, count) / skill
    return {
        "ict_sparse_2d": 0.05 * hard,
        "ict_sparse_3d": 0.07 * hard,
        "ict_scan": 0.02 * hard,
        "ict_scan_mm": 1.8 * hard,
        "ict_rows": np.arange(count),
        "ict_identity": np.arange(ICT_PEOPLE).repeat(ICT_IMAGES),
        "ict_occluder": np.zeros(count, np.int16),
        "ict_yaw": np.zeros(count),
        "ict_failed": np.zeros(count, bool),
    }
