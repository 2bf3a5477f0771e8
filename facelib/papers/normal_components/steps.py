"""The functions that `facelib.papers.run` calls, each from where it stands (see `facelib.papers.paper.Steps`)."""

from facelib.papers.normal_components.bootstrap import bootstrap_metrics
from facelib.papers.normal_components.building import build_task, evaluate
from facelib.papers.normal_components.data_sets import data_sets
from facelib.papers.normal_components.networks import build_network

__all__ = ["bootstrap_metrics", "build_network", "build_task", "data_sets", "evaluate"]
