"""What paper 5's methods are evaluated by, and which of these metrics its tables show. All are errors."""

from __future__ import annotations

from collections.abc import Mapping

from facelib.papers.msma.methods import MEAN_FACE
from facelib.papers.paper import Metric, Table

CONDITIONS = ("cooperative", "indoor", "outdoor")  # of the clips of Florence, in their order
CASES = ("plain", "covered_eyes", "uneven_light", "low_light", "smile")  # of the ablation, in their order
PROTOCOLS = {"florence": "deng", "florence_ganfit": "ganfit", "florence_mgcnet": "mgcnet"}  # metric -> protocol
SPREAD = "_sd"  # at the end of a metric's name: the standard deviation over people, which the paper prints
OF_FLORENCE = ("florence", *(f"florence/{name}" for name in CONDITIONS))
OTHER_PROTOCOLS = tuple(f"{name}{part}" for name in ("florence_ganfit", "florence_mgcnet")
                        for part in ("", *(f"/{condition}" for condition in CONDITIONS)))  # fmt: skip
OF_CASES = tuple(f"cases/{name}" for name in CASES)
NO_CASES = "CelebA has no scans: the cases of figure 8 are measured on embedded faces only (--tier gpu)"
ALIGNMENT = ("aflw", "aflw/free", "aflw/occluded")


def _mm(label: str | None, phrase: str) -> Metric:
    return Metric(label, phrase, "mm", direction="lower", decimals=2, knows_nothing=MEAN_FACE)


def _spread(phrase: str) -> Metric:
    """Shown as it is, without an interval of its own."""
    return Metric(None, f"standard deviation over people, {phrase}", "mm", "lower", decimals=2, over_people=False)


def _share(label: str, phrase: str) -> Metric:
    return Metric(label, phrase, direction="lower", decimals=2, knows_nothing=MEAN_FACE)


def _words(name: str) -> str:
    return name.replace("_", " ")


METRICS: dict[str, Metric] = {
    "florence": _mm("Florence, all", "Florence"),
    **{f"florence/{name}": _mm(name.capitalize(), f"Florence {name}") for name in CONDITIONS},
    **{f"florence/{name}{SPREAD}": _spread(f"Florence {name}") for name in CONDITIONS},
    **{
        name: _mm(None, f"Florence by {PROTOCOLS[name.split('/')[0]]} {name.partition('/')[2]}".strip())
        for name in OTHER_PROTOCOLS
    },
    "facewarehouse": _mm("FaceWarehouse", "FaceWarehouse"),
    f"facewarehouse{SPREAD}": _spread("FaceWarehouse"),
    "cases": _mm("All cases", "all cases"),
    **{f"cases/{name}": _mm(_words(name).capitalize(), _words(name)) for name in CASES},
    "aflw": _share("Sparse 2D", "sparse 2D"),
    "aflw/free": _share("Free", "sparse 2D of free faces"),
    "aflw/occluded": _share("Occluded", "sparse 2D of occluded faces"),
}

TABLES: dict[str, Table] = {
    "1": Table(
        OF_FLORENCE[1:],
        ("florence", *OTHER_PROTOCOLS),
        references=("msma",),
    ),
    "2": Table(("facewarehouse",), references=("msma",)),
    "cases": Table(("cases", *OF_CASES), references=("msma",), title="The cases of the ablation, figure 8"),
    "alignment": Table(ALIGNMENT, references=("msma",), title="Landmarks on the AFLW2000-3D counterpart, figure 6"),
    "losses": Table(
        ("florence", "facewarehouse", "cases", "aflw"),
        references=("short",),
        title="What each loss buys: one left out or changed, a third of the schedule",
    ),
}


def remark(values: Mapping[str, float]) -> str:
    """That a run was evaluated on licensed photographs, of which nobody has the scans of the cases; else nothing."""
    return NO_CASES if "florence" in values and "cases" not in values else ""
