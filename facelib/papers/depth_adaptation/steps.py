"""The functions that `facelib.papers.run` calls, each from where it stands (see `facelib.papers.paper.Steps`)."""

from facelib.papers.depth_adaptation.bootstrap import bootstrap_metrics
from facelib.papers.depth_adaptation.building import build_task, evaluate
from facelib.papers.depth_adaptation.data_sets import data_sets
from facelib.papers.depth_adaptation.networks import build_network

__all__ = ["bootstrap_metrics", "build_network", "build_task", "data_sets", "evaluate"]
