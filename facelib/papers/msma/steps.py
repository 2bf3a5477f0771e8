"""The functions that `facelib.papers.run` calls, each from where it stands (see `facelib.papers.paper.Steps`)."""

from facelib.papers.msma.bootstrap import bootstrap_metrics
from facelib.papers.msma.building import build_task, evaluate
from facelib.papers.msma.data_sets import data_sets
from facelib.papers.msma.networks import build_network

__all__ = ["bootstrap_metrics", "build_network", "build_task", "data_sets", "evaluate"]
