"""How paper 1's metrics and methods are called in tables and claims, and which metrics its tables evaluate by."""

from __future__ import annotations

from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.metric_words import MetricWords

POOLED, ARL_POOLED = "tar_at_far_1pct", "arl_vtf.tar_at_far_1pct"

# Of each table, the metrics whose interval, mark and difference from the reference row are shown.
MAIN_METRICS: dict[str, tuple[str, ...]] = {"1": (POOLED,), "2": (POOLED,), "3": (ARL_POOLED,)}
# Of each table, metrics of ours that the paper does not print.
MORE_METRICS: dict[str, tuple[str, ...]] = {"1": ("rank1",), "2": ("rank1",), "3": ("arl_vtf.rank1",)}
# Which method a table's other rows are compared with; the one that is evaluated on the same kind of input.
REFERENCES: dict[str, tuple[str, ...]] = {"1": ("jam_je",), "2": ("ir18", "pointnet2"), "3": ("jam_je",)}

_POSES = {"0-10": "0-10°", "10-30": "10-30°", "30-60": "30-60°", "60-90": "60-90°", "90+": "90+°"}
_CONDITIONS = {"pose": "turned", "frontal": "frontal"}


def describe(name: str) -> dict[str, str]:
    """What a method is made of: the columns of the table of systems."""
    method = METHODS[name]
    return {
        "evaluated on": "clouds" if method.kind == "cloud" else "images",
        "backbone": method.backbone,
        "clouds from": method.clouds or "",
        "terms": ", ".join(method.adaptation),
    }


def reference_of(table: str, name: str) -> str | None:
    """The method that a row of a table is compared with: clouds are compared with clouds."""
    clouds = METHODS[name].kind == "cloud"
    return next((r for r in REFERENCES[table] if (METHODS[r].kind == "cloud") == clouds), None)


def _facescape_words() -> dict[str, MetricWords]:
    """Poses are said as the paper says them: "90+°" in heads, "90°+" in sentences."""
    words = {
        POOLED: MetricWords("TAR@1%FAR", "all poses"),
        "auc": MetricWords("AUC", "AUC"),
        "eer": MetricWords("EER", "EER", lower_is_better=True),
        "rank1": MetricWords(None, "rank-1"),
    }
    for pose, head in _POSES.items():
        phrase = head.replace("+°", "°+")
        words[f"{POOLED}/{pose}"] = MetricWords(head, phrase)
        words[f"auc/{pose}"] = MetricWords(head, f"AUC at {phrase}")
        words[f"eer/{pose}"] = MetricWords(head, f"EER at {phrase}", lower_is_better=True)
    return words


def _arl_vtf_words() -> dict[str, MetricWords]:
    words = {
        ARL_POOLED: MetricWords("TAR@1%FAR", "ARL-VTF all"),
        "arl_vtf.auc": MetricWords("AUC", "ARL-VTF AUC"),
        "arl_vtf.eer": MetricWords("EER", "ARL-VTF EER", lower_is_better=True),
        "arl_vtf.rank1": MetricWords(None, "ARL-VTF rank-1"),
    }
    for condition, phrase in _CONDITIONS.items():
        words[f"{ARL_POOLED}/{condition}"] = MetricWords(condition, f"ARL-VTF {phrase}")
        words[f"arl_vtf.auc/{condition}"] = MetricWords(condition, f"ARL-VTF {phrase} AUC")
        words[f"arl_vtf.eer/{condition}"] = MetricWords(condition, f"ARL-VTF {phrase} EER", lower_is_better=True)
    return words


METRIC_WORDS: dict[str, MetricWords] = _facescape_words() | _arl_vtf_words()
