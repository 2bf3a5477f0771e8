"""t-SNE of what a method's networks make of scans, one space a component: the same people in each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.errors import BadInput
from facelib.metrics.inputs import unit_rows
from facelib.papers.normal_components.protocol import SeenScans
from facelib.report.tsne import PEOPLE_AT_MOST, Kind, draw_spaces, flattened, separation

KINDS = {"gallery": Kind("*", "enrolled, neutral", 90.0, numbered=False), "probe": Kind("o", "probe")}
ENROLLED, PROBE = KINDS


def space_data(seen: SeenScans, people: int = PEOPLE_AT_MOST, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scans of the first people in two dimensions, for each component, and what t-SNE cannot show.

    Args:
        seen: of one data set.
        people: how many to show, at most `PEOPLE_AT_MOST`.
        seed: of t-SNE.

    Returns:
        Points with columns space, x, y, identity and kind; and of each space, over all people of the data set,
        silhouette, own and others (`separation`, between enrolled scans and probes) and people.

    Raises:
        BadInput: when fewer than two people have both an enrolled scan and a probe that could be prepared.
    """
    usable = ~seen.told["failed"]
    identity, enrolled = seen.told["identity"], seen.told["is_gallery"]
    both = np.intersect1d(identity[usable & enrolled], identity[usable & ~enrolled])
    if (count := min(len(both), people)) < 2:
        raise BadInput(f"{count} people to show with an enrolled scan and a probe: expected at least two")
    chosen = usable & np.isin(identity, both)
    shown = np.isin(identity[chosen], both[: min(people, PEOPLE_AT_MOST)])
    kind = np.where(enrolled[chosen], ENROLLED, PROBE)
    points, numbers = [], []
    for view, features in seen.features.items():
        unit, space = unit_rows(view, features[chosen]), f"$N_{view}$" if len(view) == 1 else view
        x, y = flattened(unit[shown], seed).T
        places = {"space": space, "x": x, "y": y, "identity": identity[chosen][shown], "kind": kind[shown]}
        points.append(pd.DataFrame(places))
        told = separation(unit, identity[chosen], kind, (ENROLLED, PROBE))
        numbers.append({"space": space, **told, "people": len(both)})
    return pd.concat(points, ignore_index=True), pd.DataFrame(numbers)


def draw_feature_spaces(points: pd.DataFrame, numbers: pd.DataFrame) -> Figure:
    """A panel for each component: colour and number are the person, a star is the enrolled scan."""
    captions = {
        row.space: f"silhouette of identity {row.silhouette:.2f}\n"
        f"cosine enrolled to probe: own {row.own:.3f}, others {row.others:.3f}"
        for row in numbers.itertuples()
    }
    return draw_spaces(points, captions, KINDS)
