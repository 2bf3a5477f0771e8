"""Errors of landmarks on the AFLW2000-3D counterpart by yaw, for `facelib.report.yaw_errors`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from facelib.metrics.bootstrap import percentile_intervals
from facelib.metrics.bootstrapped_means import resample_means, seed_of
from facelib.metrics.landmark_error import yaw_bin_masks
from facelib.report.intervals import RESAMPLES, SEED
from facelib.report.yaw_errors import EVERYTHING

AFLW = {"aflw": "Sparse alignment, 68 points 2D"}  # title of the metric


def yaw_data(scores: Mapping[str, Mapping[str, np.ndarray]], yaw: np.ndarray) -> pd.DataFrame:
    """Mean errors by range of yaw, and how far they are above the first method's, with 95 % intervals over people.

    Args:
        scores: label -> scores of its run; the first method is the reference.
        yaw: (N,) of the data set's photographs, radians.

    Returns:
        As `facelib.report.yaw_errors.draw_yaw` takes it; no line without scores. Ranges without photographs are left
        out.
    """
    reference = next(iter(scores), "")
    ranges = {name: chosen for name, chosen in yaw_bin_masks(yaw).items() if chosen.any()}
    ranges[EVERYTHING] = np.ones(len(yaw), bool)
    lines = []
    for label, own in scores.items():
        people, errors = own["aflw_identity"], own["aflw"]
        columns = {}
        for name, chosen in ranges.items():
            columns[name] = np.where(chosen, errors, np.nan)
            columns[f"{name} above"] = np.where(chosen, errors - scores[reference]["aflw"], np.nan)
        seed = seed_of(SEED, "aflw", people, np.arange(len(people)))
        made = resample_means(columns, people, seed, RESAMPLES)
        found = dict(zip(columns, percentile_intervals(made.estimates, made.samples), strict=True))
        for name in ranges:
            gap = found[f"{name} above"]
            known = {"method": label, "metric": "aflw", "yaw": name, "error": found[name].estimate}
            above = {"difference": gap.estimate, "low": gap.low, "high": gap.high}
            lines.append(known | {"reference": reference} | above)
    return pd.DataFrame(lines)
