"""What paper 3's methods are evaluated by, and which of these metrics its tables show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from facelib.papers.paper import Metric, Table

TASKS = ("sparse_2d", "sparse_3d", "dense_2d", "dense_3d", "reconstruction")  # the columns of table IV
BY_POSE = ("sparse_2d", "reconstruction")  # evaluated by yaw
YAWS = ("0-30", "30-60", "60-90")
SHAPE = ("shape_ratio", "shape_ratio/frontal", "shape_read", "recognition")
COMPONENTS = tuple(f"component/{number}" for number in range(1, 11))  # of the identity
ANGLES = {"yaw": "Yaw", "pitch": "Pitch", "roll": "Roll", "pose": "Mean"}  # of the three
FIX = "fix."  # of the metrics without the samples near gimbal lock, SADRNet-fix in table III
SILENT = 0.01  # share of the deformation's variance below which a network says nothing of the person
ON_PHOTOGRAPHS = (
    "no licensed data set says what is worn or shows other people in several photographs: what asks for either is "
    "measured on embedded faces only (--tier gpu)"
)
BASELINE = "mean_face"  # a frontal mean face laid into the true box: it knows nothing of shape and pose

TABLES: dict[str, Table] = {
    "1": Table(TASKS[:4], ("sparse_3d_unshifted", "dense_3d_unshifted"), references=("sadrnet",)),
    "2": Table(("reconstruction", "florence"), ("florence_rigid", "florence_15", "posed_mm"), references=("sadrnet",)),
    "3": Table(("pose_error",), ("geodesic_error",), references=("sadrnet",)),
    "4": Table(TASKS, references=("sadrnet",)),
    "5": Table(("size_mb",)),  # sizes are compared by eye
    "shape": Table(SHAPE, COMPONENTS, references=("sadrnet",), title="How much of a person's shape is told"),
    "ict": Table(
        ("ict_sparse_2d", "ict_sparse_3d", "ict_scan"),
        ("ict_scan_mm",),
        references=("sadrnet",),
        title="Tables II and IV on people of another face model, heads of ICT-FaceKit",
        evaluation="ict",
    ),
}


def _error(label: str | None, phrase: str) -> Metric:
    return Metric(label, phrase, direction="lower", decimals=2, knows_nothing=BASELINE)


def _angle(label: str, phrase: str) -> Metric:
    return Metric(label, phrase, "degrees", direction="lower", decimals=2, knows_nothing=BASELINE)


def _told(label: str | None, phrase: str, direction: Literal["higher", "lower"], knows_nothing: float) -> Metric:
    return Metric(label, phrase, direction=direction, decimals=1, knows_nothing=knows_nothing)


def _binned(metric: str, label: str, phrase: str) -> dict[str, Metric]:
    """A metric, that of each range of yaw, their mean, and that with and without something worn over the face."""
    ranges = {f"{metric}/{name}": _error(f"{label} {name}°", f"{phrase} {name}°") for name in YAWS}
    return ranges | {
        metric: _error(label, phrase),
        f"{metric}/balanced": _error(f"{label} balanced", f"{phrase} balanced"),
        f"{metric}/occluded": _error(f"{label} occluded", f"{phrase} of occluded faces"),
        f"{metric}/free": _error(f"{label} free", f"{phrase} of free faces"),
    }


METRICS: dict[str, Metric] = {
    **_binned("sparse_2d", "Sparse 2D", "sparse 2D"),
    "sparse_3d": _error("Sparse 3D", "sparse 3D"),
    "sparse_3d_unshifted": _error(None, "sparse 3D, depth as predicted"),
    "dense_2d": _error("Dense 2D", "dense 2D"),
    "dense_3d": _error("Dense 3D", "dense 3D"),
    "dense_3d_unshifted": _error(None, "dense 3D, depth as predicted"),
    **_binned("reconstruction", "Reconstruction", "reconstruction"),
    "florence": _error("Florence", "Florence"),
    "florence_rigid": _error(None, "Florence, ICP without scale"),
    "florence_15": _error(None, "Florence, 15 poses"),
    "posed_mm": Metric(None, "distance of the posed face", "mm", direction="lower", decimals=2, knows_nothing=BASELINE),
    **{f"{angle}_error": _angle(head, angle) for angle, head in ANGLES.items()},
    **{f"{FIX}{angle}_error": _angle(head, f"{angle} without gimbal lock") for angle, head in ANGLES.items()},
    "geodesic_error": _angle("Geodesic", "geodesic angle"),
    "shape_ratio": _told("Error over mean face's", "shape error over the mean face's", "lower", 1.0),
    "shape_ratio/frontal": _told("0-30°, nothing worn", "shape error over the mean face's, frontal", "lower", 1.0),
    "shape_read": _told("Variance read", "variance of the deformation that is read", "higher", 0.0),
    "recognition": _told("Rank-1 by shape", "rank-1 by predicted shape", "higher", 0.01),
    **{f"component/{n}": _told(None, f"variance read of component {n}", "higher", 0.0) for n in range(1, 11)},
    "ict_sparse_2d": _error("Sparse 2D", "sparse 2D, ICT"),
    "ict_sparse_3d": _error("Sparse 3D", "sparse 3D, ICT"),
    "ict_scan": _error("Scan", "scan, ICT"),
    "ict_scan_mm": Metric("Scan (mm)", "scan, ICT", "mm", direction="lower", decimals=2, knows_nothing=BASELINE),
    "size_mb": Metric("Size", "size", "MB", direction="lower", over_people=False),
}


def remark(values: Mapping[str, float]) -> str:
    """Whether a run answers with the mean face, whoever is in the photograph, and what nobody measures on real ones."""
    read = values.get("shape_read", 1.0)
    silent = f"its shape is the mean face ({read:.1%} of the variance read)" if abs(read) < SILENT else ""
    real = ON_PHOTOGRAPHS if "shape_read" in values and "recognition" not in values else ""
    return "; ".join(filter(None, (silent, real)))
