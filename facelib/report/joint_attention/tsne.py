"""Figure 4 of paper 1: t-SNE of frontal and profile probes, and how well identities separate before it.

The paper says where profile begins, at 90 degrees, but not where frontal ends: here at 30 degrees.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.conventions import POSE_BINS
from facelib.errors import BadInput
from facelib.papers.joint_attention.protocol import FIGURE_4_POSES
from facelib.report.records import scores_of
from facelib.report.tsne import PEOPLE_AT_MOST, Kind, draw_spaces, flattened, separation
from facelib.runs.records import Record

FRONTAL_BELOW, PROFILE_FROM = POSE_BINS[FIGURE_4_POSES["frontal"][-1]][1], POSE_BINS["90+"][0]  # degrees
PROBES_SHOWN = 15  # of a person and pose
POSES = ("frontal", "profile")
KINDS = {
    "frontal": Kind("o", f"frontal (below {FRONTAL_BELOW:.0f}°)"),
    "profile": Kind("s", f"profile ({PROFILE_FROM:.0f}° and more)"),
}


def tsne_data(
    records: dict[str, Record], identities: int = PEOPLE_AT_MOST, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Frontal and profile probes of the same people in two dimensions, for each method, and what t-SNE cannot show.

    Args:
        records: label -> record whose scores hold the embeddings; all evaluated on the same people.
        identities: how many people to show, the first ones that show both poses.
        seed: of t-SNE.

    Returns:
        Points with columns method, x, y, identity, pose; and of each method, over all evaluated people in the space of
        the embeddings: silhouette (of identity, -1 to 1, by cosine distance), own and others (mean cosine between
        frontal and profile probes of the same person, and of different people), people.

    Raises:
        BadInput: when fewer than two people show both poses, or the methods were evaluated on different people.
    """
    points, numbers, people_before = [], [], None
    for label, record in records.items():
        embeddings, identity, pose = _frontal_and_profile(scores_of(record))
        people = np.unique(identity)
        if people_before is not None and not np.array_equal(people, people_before):
            raise BadInput(
                f"{label} was evaluated on other people than the methods before it: give records of one fold"
            )
        people_before = people
        shown = np.isin(identity, people[: min(identities, PEOPLE_AT_MOST)])
        if len(np.unique(identity[shown])) < 2:
            raise BadInput(
                f"{len(np.unique(identity[shown]))} people to show, of {len(people)} with both frontal and profile "
                "probes: expected at least two"
            )
        flat = flattened(embeddings[shown], seed)
        places = {"method": label, "x": flat[:, 0], "y": flat[:, 1], "identity": identity[shown], "pose": pose[shown]}
        points.append(pd.DataFrame(places))
        numbers.append({"method": label, **separation(embeddings, identity, pose, POSES), "people": len(people)})
    return pd.concat(points, ignore_index=True), pd.DataFrame(numbers)


def draw_tsne(points: pd.DataFrame, numbers: pd.DataFrame) -> Figure:
    """A panel for each method: colour and number are the person, a circle is frontal, a square is profile."""
    captions = {
        row.method: f"silhouette of identity {row.silhouette:.2f}\n"
        f"cosine frontal to profile: own {row.own:.2f}, others {row.others:.2f}"
        for row in numbers.itertuples()
    }
    return draw_spaces(points.rename(columns={"method": "space", "pose": "kind"}), captions, KINDS)


def _frontal_and_profile(scored: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, identity and pose of at most PROBES_SHOWN probes a pose, of the people that show both."""
    degrees = np.rad2deg(scored["probe_angle"])
    pose = np.select([degrees < FRONTAL_BELOW, degrees >= PROFILE_FROM], list(POSES), "")
    chosen: list[int] = []
    for person in scored["identities"]:
        parts = [np.flatnonzero((scored["probe_identity"] == person) & (pose == name)) for name in POSES]
        if all(len(part) for part in parts):
            chosen += [i for part in parts for i in part[:: -(-len(part) // PROBES_SHOWN)]]
    picked = np.array(chosen, int)
    place = np.searchsorted(scored["rows"], scored["probe_rows"][picked])
    return scored["embeddings"][place], scored["probe_identity"][picked], pose[picked]
