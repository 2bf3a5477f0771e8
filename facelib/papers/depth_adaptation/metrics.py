"""What paper 4's methods are evaluated by, and which of these metrics its tables show."""

from __future__ import annotations

from facelib.papers.depth_adaptation.methods import FRONTAL, GROUP_1, GROUP_2, ICT_3DHP, MEAN_FACE
from facelib.papers.paper import Metric, Table

SPREAD = "_sd"
ICT, FLIGHT = "ict", "flight"  # heads of ICT-FaceKit before the sensor, and before another
SETS = {GROUP_1: "Biwi, group 1", GROUP_2: "Biwi, group 2", ICT_3DHP: "ICT-3DHP"}
HEADS = {ICT: "ICT-FaceKit", FLIGHT: "ICT-FaceKit, another sensor"}
ANGLES = ("roll", "yaw", "pitch")  # as tables 3 and 4 print them
PRINTED = ("mae", *ANGLES)
OTHERS = {  # of each set, besides what is printed: heads of columns, and phrases
    "geodesic": ("Geodesic", "geodesic angle"),
    "first": ("From first frame", "MAE after the first frame's turn is removed"),
    "fitted": ("One turn fitted", "MAE after one turn is fitted"),
}


def _squared(label: str | None, phrase: str, **changes: bool) -> Metric:
    """Of eq. 8."""
    return Metric(label, phrase, "cm2", "lower", decimals=4, knows_nothing=MEAN_FACE, **changes)


def _mm(label: str | None, phrase: str, knows_nothing: str = MEAN_FACE) -> Metric:
    return Metric(label, phrase, "mm", "lower", decimals=2, knows_nothing=knows_nothing)


def _degrees(label: str | None, phrase: str) -> Metric:
    return Metric(label, phrase, "degrees", "lower", decimals=1, knows_nothing=FRONTAL)


def _pose(name: str, words: str) -> dict[str, Metric]:
    """Of one set."""
    angles = {f"{name}/{angle}": _degrees(angle.capitalize(), f"{angle}, {words}") for angle in ANGLES}
    others = {f"{name}/{key}": _degrees(head, f"{phrase}, {words}") for key, (head, phrase) in OTHERS.items()}
    position = {f"{name}/position": _mm("Position", f"position, {words}", FRONTAL)}
    return {f"{name}/mae": _degrees("MAE", f"MAE, {words}")} | angles | others | position


def _of_heads(name: str, words: str) -> dict[str, Metric]:
    """Of heads that our face model did not make."""
    turns = {f"{name}_{key}": _degrees(OTHERS[key][0], f"{OTHERS[key][1]}, {words}") for key in ("geodesic", "fitted")}
    shape = {f"{name}_plane": _mm("Point to plane", f"point-to-plane RMSE, {words}")}
    return shape | {f"{name}_mae": _degrees("MAE", f"MAE, {words}")} | turns


METRICS: dict[str, Metric] = {
    "fitting": _squared("Eq. 8", "mesh fitting error"),
    "fitting/learnt": _squared(None, "mesh fitting error, of people whose unlabelled frames were learnt from"),
    "fitting/neutral": _squared("Eq. 8, neutral", "mesh fitting error of neutral faces"),
    "fitting_30": _squared("Eq. 8, 30 samples", "mesh fitting error over 30 samples"),
    f"fitting_30{SPREAD}": Metric("SD", "standard deviation over 30 samples", "cm2", "lower", decimals=4),
    "flying": Metric("Flying", "share of flying vertices", "fraction", "lower", knows_nothing=MEAN_FACE),
    "plane": _mm("Point to plane", "point-to-plane RMSE"),
    "plane/learnt": _mm(None, "point-to-plane RMSE, of people whose unlabelled frames were learnt from"),
    "plane/neutral": _mm("Point to plane, neutral", "point-to-plane RMSE of neutral faces"),
    "vertices": _mm("Vertices", "mean distance of vertices"),
    "roughness": Metric("Roughness", "roughness of the displacements", "mm", "lower", decimals=3),
    "true_roughness": Metric("Roughness, true", "roughness of the true displacements", "mm", "lower", decimals=3),
    **{name: metric for key, words in SETS.items() for name, metric in _pose(key, words).items()},
    **{name: metric for key, words in HEADS.items() for name, metric in _of_heads(key, words).items()},
}


MORE = (*OTHERS, "position")


def _of(name: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{name}/{column}" for column in columns)


TITLES = {
    ICT: "Heads of ICT-FaceKit",
    FLIGHT: "Heads of ICT-FaceKit by another renderer before another sensor, a time-of-flight camera",
}
TABLES: dict[str, Table] = {
    "3_group_1": Table(_of(GROUP_1, PRINTED), _of(GROUP_1, MORE), references=("pose_source",)),
    "3_group_2": Table(_of(GROUP_2, PRINTED), _of(GROUP_2, MORE), references=("pose_source",)),
    "4": Table(_of(ICT_3DHP, PRINTED), _of(ICT_3DHP, MORE), references=("pose_source_ict",)),
    "5": Table(_of(GROUP_1, ("pitch", "yaw", "roll")), _of(GROUP_1, ("mae",)), references=("pose_source",)),
    "figure_5": Table(("fitting_30", f"fitting_30{SPREAD}"), references=("source_only",)),
    "shape": Table(
        ("fitting", "plane", "vertices", "roughness"),
        ("fitting/neutral", "plane/neutral", "fitting/learnt", "plane/learnt", "flying", "true_roughness"),
        references=("source_only",), title="Shapes of people of whom nothing was learnt",
    ),
    "amount": Table(
        ("fitting_30", "fitting", "roughness"), references=("dashapenet",),
        title="Once, twice and three times as many source frames as target frames, figures 7 and 8",
    ),
    "lambda1": Table(
        ("fitting", "roughness"), ("plane",), references=("source_only",), title="The terms of L_F, figure 9"
    ),
    **{name: Table((f"{name}_plane",), references=("source_only",), title=words, evaluation=name)
       for name, words in TITLES.items()},
    **{f"{name}_pose": Table(
        tuple(f"{name}_{key}" for key in ("mae", "geodesic", "fitted")), references=("pose_source",),
        title=f"Poses: {words[0].lower()}{words[1:]}", evaluation=name,
    ) for name, words in TITLES.items()},
}  # fmt: skip
