"""What a paper gives the report for its intervals: the metrics of one run, in the sample and in draws of its people."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class BootstrapSamples(NamedTuple):
    """M metrics of one run, in the units of its record, and their draws.

    Args:
        names: (M,) those of the record, and perhaps more that claims need.
        estimates: (M,) of the sample.
        drawn: (draws, M); NaN where a draw has no value.
        seeds: (M,) equal where the same people were drawn.
    """

    names: tuple[str, ...]
    estimates: np.ndarray
    drawn: np.ndarray
    seeds: np.ndarray
