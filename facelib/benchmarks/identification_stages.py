"""Section 5 of paper 2: time and memory of each stage at full size, for one photograph or one scan.

Weights are fresh, as neither depends on what was learnt. The paper measured ExpNet at 65 ms and 278 MB, and the three
networks at 25 ms and 375 MB, on an RTX 3090; ours is whatever machine runs this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from facelib.benchmarks.measure import median_seconds
from facelib.benchmarks.tensor_memory import peak_tensor_mb
from facelib.data.scan_preparation import prepare_scan
from facelib.data.scan_template import scan_template
from facelib.data.surface_images import SurfaceImages
from facelib.faces.baking import load_face_model
from facelib.faces.population import sample_people
from facelib.faces.scanners import SCANNERS, scan_heads
from facelib.metrics.late_fusion import LateFusion
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.methods import AXES, EXPNET
from facelib.papers.normal_components.metrics import MERGED, PEOPLE
from facelib.papers.normal_components.networks import build_network
from facelib.papers.normal_components.settings import RecognitionSettings

BRANCHES = "expnet_lmcl"  # a row with three networks
SCAN = 128  # rows and columns


@dataclass(frozen=True)
class Stage:
    """A part of the way from a photograph or a scan to an identity.

    Args:
        when: it is needed.
        work: does it.
        network: whose weights it holds; None where it has none.
        memory: whether its tensors are counted; those of a stage that leaves torch are not.
    """

    when: str
    work: Callable[[], Any]
    network: nn.Module | None = None
    memory: bool = True


def stage_costs(tier: str = "paper") -> pd.DataFrame:
    """Milliseconds, and megabytes of tensors with the weights, of each stage at batch 1.

    Args:
        tier: whose sizes the networks have.

    Returns:
        Columns needed (in training or for each scan), ms, MB of tensors (NaN where not counted), parameters; by stage.
    """
    lines = {}
    for name, stage in stages(PAPER.settings(tier)).items():
        weights = [] if stage.network is None else list(stage.network.parameters())
        with torch.inference_mode():
            stage.work()  # warm
            seconds = median_seconds(stage.work)
        lines[name] = {
            "needed": stage.when,
            "ms": 1000 * seconds,
            "MB of tensors": peak_tensor_mb(stage.work, weights) if stage.memory else np.nan,
            "parameters": sum(each.numel() for each in weights),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def stages(settings: RecognitionSettings) -> dict[str, Stage]:
    """The stages with fresh weights and made input, by name."""
    size, embedding = settings.preparation.size, settings.network.embedding
    torch.manual_seed(0)
    expnet, three = (build_network(PAPER.method(name), settings).eval() for name in (EXPNET, BRANCHES))
    photograph = torch.rand(1, 3, size, size)
    normals = nn.functional.normalize(torch.randn(1, 3, size, size), dim=1)
    seen = SurfaceImages(normals, torch.rand(1, 1, size, size))
    features = {axis: np.random.default_rng(0).normal(size=(PEOPLE[MERGED] + 1, embedding)) for axis in AXES}
    probe, gallery = ({axis: each[rows] for axis, each in features.items()} for rows in (slice(1), slice(1, None)))
    template, scan = scan_template(load_face_model("coarse")), _scan()
    return {
        "reconstruction by ExpNet": Stage("training", partial(expnet, photograph), expnet),
        "preparation of a scan": Stage("each scan", partial(prepare_scan, scan, settings.preparation, template)),
        "three networks": Stage("each scan", partial(three, seen), three),
        f"comparison with {PEOPLE[MERGED]} people": Stage(
            "each scan", lambda: LateFusion.of(probe, gallery).mean, memory=False
        ),
    }


def _scan() -> torch.Tensor:
    """A frontal scan (3, H, W) of a laser scanner."""
    model = load_face_model("coarse")
    heads = model.vertices(sample_people(model, 1, 0, fixed_albedo=True).identity)
    generator = torch.Generator().manual_seed(0)
    return scan_heads(model, heads, torch.zeros(1, 3), SCANNERS["frgc"], SCAN, generator).positions[0]
