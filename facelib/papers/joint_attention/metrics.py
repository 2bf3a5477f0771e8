"""What paper 1's methods are evaluated by, and which of these metrics its tables show."""

from __future__ import annotations

from facelib.papers.paper import Metric, Table

POOLED, ARL_POOLED = "tar_at_far_1pct", "arl_vtf.tar_at_far_1pct"
ARL_AVERAGE = f"{ARL_POOLED}/average"
# Weights of table III's printed average, by least squares: eight rows agree to 0.01 points, Poster et al.'s does not.
AVERAGE = {"frontal": 0.566, "pose": 0.434}
SILHOUETTE = "silhouette"  # of identity, over frontal and profile probes (figure 4)
FAR = 0.01  # what a recogniser that knows nothing accepts of genuine pairs too

TABLES: dict[str, Table] = {
    "1": Table((POOLED,), ("rank1",), references=("jam_je",)),
    "2": Table((POOLED,), ("rank1",), references=("ir18", "pointnet2")),  # clouds are compared with clouds
    # Two averages: the printed one, and all probes under one threshold.
    "3": Table((ARL_POOLED, ARL_AVERAGE), (ARL_POOLED, "arl_vtf.rank1"), references=("jam_je",)),
}

_POSES = {"0-10": "0-10°", "10-30": "10-30°", "30-60": "30-60°", "60-90": "60-90°", "90+": "90+°"}
_CONDITIONS = {"pose": "turned", "frontal": "frontal"}


def _tar(label: str, phrase: str) -> Metric:
    return Metric(label, phrase, knows_nothing=FAR)


def _auc(label: str, phrase: str) -> Metric:
    return Metric(label, phrase, knows_nothing=0.5)


def _eer(label: str, phrase: str) -> Metric:
    return Metric(label, phrase, direction="lower", knows_nothing=0.5)


def _facescape_metrics() -> dict[str, Metric]:
    """Poses are said as the paper says them: "90+°" in heads, "90°+" in sentences."""
    metrics = {
        POOLED: _tar("TAR@1%FAR", "all poses"),
        "auc": _auc("AUC", "AUC"),
        "eer": _eer("EER", "EER"),
        "rank1": Metric(None, "rank-1"),
        SILHOUETTE: Metric(None, "silhouette of identity"),
    }
    for pose, label in _POSES.items():
        phrase = label.replace("+°", "°+")
        metrics[f"{POOLED}/{pose}"] = _tar(label, phrase)
        metrics[f"auc/{pose}"] = _auc(label, f"AUC at {phrase}")
        metrics[f"eer/{pose}"] = _eer(label, f"EER at {phrase}")
    return metrics


def _arl_vtf_metrics() -> dict[str, Metric]:
    metrics = {
        ARL_AVERAGE: _tar("average", "ARL-VTF average"),
        ARL_POOLED: _tar("pooled", "ARL-VTF all"),
        "arl_vtf.auc": _auc("AUC", "ARL-VTF AUC"),
        "arl_vtf.eer": _eer("EER", "ARL-VTF EER"),
        "arl_vtf.rank1": Metric(None, "ARL-VTF rank-1"),
    }
    for condition, phrase in _CONDITIONS.items():
        metrics[f"{ARL_POOLED}/{condition}"] = _tar(condition, f"ARL-VTF {phrase}")
        metrics[f"arl_vtf.auc/{condition}"] = _auc(condition, f"ARL-VTF {phrase} AUC")
        metrics[f"arl_vtf.eer/{condition}"] = _eer(condition, f"ARL-VTF {phrase} EER")
    return metrics


METRICS: dict[str, Metric] = _facescape_metrics() | _arl_vtf_metrics()
