"""The functions that `facelib.papers.run` calls, each from where it stands (see `facelib.papers.paper.Steps`)."""

from facelib.papers.joint_attention.bootstrap import bootstrap_metrics
from facelib.papers.joint_attention.building import build_task
from facelib.papers.joint_attention.data_sets import data_sets
from facelib.papers.joint_attention.networks import build_network
from facelib.papers.joint_attention.protocol import evaluate

__all__ = ["bootstrap_metrics", "build_network", "build_task", "data_sets", "evaluate"]
