"""How paper 3's metrics and methods are called in tables and claims, and which metrics its tables evaluate by."""

from __future__ import annotations

from facelib.papers.metric_words import MetricWords
from facelib.papers.sadrnet.methods import METHODS

TASKS = ("sparse_2d", "sparse_3d", "dense_2d", "dense_3d", "reconstruction")  # the columns of table IV
BY_POSE = ("sparse_2d", "reconstruction")  # evaluated by yaw
YAWS = ("0-30", "30-60", "60-90")
ANGLES = {"yaw": "Yaw", "pitch": "Pitch", "roll": "Roll", "pose": "Mean"}  # of the three
FIX = "fix."  # of the metrics without the samples near gimbal lock, SADRNet-fix in table III

# Of each table, the metrics whose interval, mark and difference from the reference row are shown.
MAIN_METRICS: dict[str, tuple[str, ...]] = {
    "1": TASKS[:4],
    "2": ("reconstruction", "florence"),
    "3": ("pose_error",),
    "4": TASKS,
    "5": ("size_mb",),
}
# Of each table, metrics of ours that the paper does not print.
MORE_METRICS: dict[str, tuple[str, ...]] = {
    "1": ("sparse_3d_unshifted", "dense_3d_unshifted"),
    "2": ("florence_rigid",),
    "3": ("geodesic_error",),
}
# Which method a table's other rows are compared with; sizes are compared by eye.
REFERENCES: dict[str, tuple[str, ...]] = {"1": ("sadrnet",), "2": ("sadrnet",), "3": ("sadrnet",), "4": ("sadrnet",)}


def describe(name: str) -> dict[str, str]:
    """What a method is made of: the columns of the table of systems."""
    changes = METHODS[name].changes
    if METHODS[name].kind == "baseline":
        return {"attention": "", "geometry": "true box of the landmarks", "shape": "mean face", "left out": ""}
    if METHODS[name].kind == "pretraining":
        return {"attention": "", "geometry": "68 landmarks", "shape": "", "left out": ""}
    geometry, shape = changes["network.geometry"], changes["network.shape"]
    return {
        "attention": "yes" if changes["network.attention"] else "",
        "geometry": geometry.replace("_", " ").replace("self aligned", "self-aligned"),
        "shape": "" if geometry == "direct" else shape,
        "left out": "mesh losses" if changes.get("loss.edge") == 0 else "",
    }


def reference_of(table: str, name: str) -> str | None:
    """The method that a row of a table is compared with."""
    return next(iter(REFERENCES.get(table, ())), None)


def _error(head: str | None, phrase: str) -> MetricWords:
    return MetricWords(head, phrase, lower_is_better=True, decimals=2)


def _angle(head: str, phrase: str) -> MetricWords:
    return MetricWords(head, phrase, "degrees", lower_is_better=True, decimals=2)


def _binned(metric: str, head: str, phrase: str) -> dict[str, MetricWords]:
    """A metric, that of each range of yaw, their mean, and that with and without something worn over the face."""
    words = {f"{metric}/{name}": _error(f"{head} {name}°", f"{phrase} {name}°") for name in YAWS}
    return words | {
        metric: _error(head, phrase),
        f"{metric}/balanced": _error(f"{head} balanced", f"{phrase} balanced"),
        f"{metric}/occluded": _error(f"{head} occluded", f"{phrase} of occluded faces"),
        f"{metric}/free": _error(f"{head} free", f"{phrase} of free faces"),
    }


METRIC_WORDS: dict[str, MetricWords] = {
    **_binned("sparse_2d", "Sparse 2D", "sparse 2D"),
    "sparse_3d": _error("Sparse 3D", "sparse 3D"),
    "sparse_3d_unshifted": _error(None, "sparse 3D, depth as predicted"),
    "dense_2d": _error("Dense 2D", "dense 2D"),
    "dense_3d": _error("Dense 3D", "dense 3D"),
    "dense_3d_unshifted": _error(None, "dense 3D, depth as predicted"),
    **_binned("reconstruction", "Reconstruction", "reconstruction"),
    "florence": _error("Florence", "Florence"),
    "florence_rigid": _error(None, "Florence, ICP without scale"),
    **{f"{angle}_error": _angle(head, angle) for angle, head in ANGLES.items()},
    **{f"{FIX}{angle}_error": _angle(head, f"{angle} without gimbal lock") for angle, head in ANGLES.items()},
    "geodesic_error": _angle("Geodesic", "geodesic angle"),
    "size_mb": MetricWords("Size", "size", "MB", lower_is_better=True, varies=False),
}
