"""t-SNE of F's embeddings of both domains, before and after adaptation, and how well a classifier tells them apart.

t-SNE separates what it likes, so below each panel stands the share of frames whose domain a linear classifier names
rightly in the embeddings themselves, of people whom it has not seen: 50 percent where the domains are one.
"""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from facelib.data.depth_faces import labelled_depth
from facelib.models.depth_networks import DASHapeNet
from facelib.models.position_images import scaled_positions
from facelib.papers.depth_adaptation.domains import centred
from facelib.papers.depth_adaptation.readers import reach_of
from facelib.report.depth_adaptation.material import FACES, Material
from facelib.report.overlay import wrapped
from facelib.report.style import PALETTE, legend_outside
from facelib.report.tsne import flattened

SOURCE, TARGET = "rendered", "of the sensor"
SOURCE_SET = "syn_data_1"
MOST = 240  # frames of each domain
PARTS = 4  # of the people, for the classifier


def space_data(material: Material, labels: Iterable[str], seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frames of both domains in two dimensions, by each method, and how well their domain is told.

    Args:
        material: of a tier.
        labels: of methods with an F that learn from rendered frames.
        seed: of t-SNE.

    Returns:
        Points with columns method, x, y, domain and person; and of each method told (a fraction) and frames.
    """
    points, numbers = [], []
    for label in labels:
        embeddings, domain, person = embedded(material, label)
        x, y = flattened(embeddings, seed).T
        points.append(pd.DataFrame({"method": label, "x": x, "y": y, "domain": domain, "person": person}))
        told = told_domains(embeddings, domain == TARGET, person)
        numbers.append({"method": label, "told": told, "frames": len(domain)})
    return pd.concat(points, ignore_index=True), pd.DataFrame(numbers)


@torch.no_grad()
def embedded(material: Material, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """F's embeddings (N, E) of frames of both domains, their domain (N,) and the person (N,), each with its own."""
    network, settings = material.network(label), material.settings(label)
    assert isinstance(network, DASHapeNet)
    features: nn.Module = network.get_submodule("features")
    parts, domains, people = [], [], []
    for domain, name in ((SOURCE, SOURCE_SET), (TARGET, FACES)):
        archive = material.archive(label, name)
        rows = np.unique(np.linspace(0, len(archive) - 1, min(MOST, len(archive))).astype(int))
        positions, _ = centred(labelled_depth(archive, rows).frames, reach_of(settings))
        for some in positions.split(64):
            parts.append(features(scaled_positions(some, settings.network.reach_mm)).numpy())
        domains += [domain] * len(rows)
        people += [f"{domain} {each}" for each in np.asarray(archive.arrays["identity"])[rows]]
    return np.concatenate(parts), np.array(domains), np.array(people)


def told_domains(embeddings: np.ndarray, is_target: np.ndarray, person: np.ndarray) -> float:
    """Mean over both domains of the share of frames (N,) that a linear classifier assigns rightly, others' people
    having taught it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    parts = min(PARTS, *(len(np.unique(person[is_target == each])) for each in (True, False)))
    found = cross_val_predict(model, embeddings, is_target, groups=person, cv=GroupKFold(parts))
    return float(np.mean([(found[is_target == each] == each).mean() for each in (True, False)]))


def draw_spaces(points: pd.DataFrame, numbers: pd.DataFrame) -> Figure:
    """A panel for each method, a colour for each domain."""
    told = dict(zip(numbers["method"], numbers["told"], strict=True))
    figure, axes = plt.subplots(1, len(told), figsize=(2.6 * len(told), 3.1), squeeze=False, layout="constrained")
    for panel, (label, share) in zip(axes[0], told.items(), strict=True):
        part = points[points["method"] == label]
        for domain, colour in ((SOURCE, PALETTE[0]), (TARGET, PALETTE[1])):
            chosen = part[part["domain"] == domain]
            panel.scatter(
                chosen["x"], chosen["y"], s=14, color=colour, edgecolors="white", linewidths=0.2, label=domain
            )
        panel.set_title(wrapped(label, 2), fontsize=8)
        panel.set_xlabel(f"domain told rightly: {100 * share:.0f} %", fontsize=8)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
    handles, names = axes[0, 0].get_legend_handles_labels()
    legend_outside(figure, "lower center", handles=handles, labels=names, ncols=2, fontsize=8)
    return figure
