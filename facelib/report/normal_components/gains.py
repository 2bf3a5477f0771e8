"""What fine-tuning gains, in points and relative to the baseline: the paper's 22.0, 10.9 and 15.8 percent are relative.

Relative gains look larger the lower the baseline is, so both stand side by side, as printed and as measured.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from facelib.papers.normal_components.metrics import MERGED_OF, METRICS, SETS
from facelib.papers.published import printed_values
from facelib.report.intervals import Estimates
from facelib.report.style import PALETTE

BASELINE, TUNED = "baseline", "expnet_cross_entropy"  # of tables 1 to 3
OURS, PRINTED = "ours", "printed"
GAIN, RELATIVE = ("points", "low", "high"), ("relative", "relative low", "relative high")
COLUMNS = ["set", "origin", "baseline", "fine-tuned", *GAIN, *RELATIVE]
COLOURS = {PRINTED: "#7F7F7F", OURS: PALETTE[0]}


def gain_data(estimates: Estimates) -> pd.DataFrame:
    """The fused rates before and after fine-tuning, and what lies between them.

    Args:
        estimates: of a tier; without both runs no line is given.

    Returns:
        `COLUMNS`, rates and gains in percent and percentage points, with 95 % intervals where they are ours. That of
        the relative gain is that of the points over the baseline's rate as measured, whose own spread is left out.
    """
    printed = printed_values(estimates.runs.paper.name)
    lines = []
    for name in MERGED_OF:
        before = estimates.find([(1.0, BASELINE, name)])
        gap = estimates.find([(1.0, TUNED, name), (-1.0, BASELINE, name)])
        if before is not None and gap is not None:
            factor, rates = METRICS[name].factor, [printed[method, name] for method in (BASELINE, TUNED)]
            lines.append(_line(name, PRINTED, rates[0], (rates[1] - rates[0], np.nan, np.nan)))
            points = (factor * gap.value, factor * gap.low, factor * gap.high)
            lines.append(_line(name, OURS, factor * before.value, points))
    return pd.DataFrame(lines, columns=COLUMNS)


def draw_gains(data: pd.DataFrame) -> Figure:
    """An arrow for each data set and origin from the baseline's rate to that after fine-tuning, with both gains."""
    figure, panel = plt.subplots(figsize=(6.4, 0.9 + 0.36 * len(data)), layout="constrained")
    for place, line in enumerate(data.to_dict("records")):
        before, after, colour = line["baseline"], line["fine-tuned"], COLOURS[line["origin"]]
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
        panel.annotate("", (after, place), (before, place), arrowprops=arrow)
        panel.plot(before, place, "o", ms=4.5, color=colour)
        text = f"{line['points']:+.1f} points, {line['relative']:+.1f} %"
        if line["origin"] == OURS:
            text += f"  [{line['relative low']:+.1f}, {line['relative high']:+.1f}]"
        panel.text(1.02, place, text, transform=panel.get_yaxis_transform(), va="center", fontsize=7.5, color=colour)
    names = [f"{line.set}, {line.origin}" for line in data.itertuples()]
    panel.set_yticks(range(len(names)), names, fontsize=7.5)
    panel.set_ylim(len(names) - 0.5, -0.5)
    low = float(data[["baseline", "fine-tuned"]].min(axis=None))
    panel.set_xlim(max(0.0, low - 6), 101)
    rates = "fused rank-1 (%), from the baseline to fine-tuned with cross-entropy"
    panel.set_xlabel(f"{rates}\n[ ]: 95 % interval of the relative gain", fontsize=8)
    panel.grid(axis="y", visible=False)
    return figure


def _line(name: str, origin: str, baseline: float, points: tuple[float, float, float]) -> dict[str, object]:
    relative = [100 * each / baseline if baseline else np.nan for each in points]
    values = (SETS[name], origin, baseline, baseline + points[0], *points, *relative)
    return dict(zip(COLUMNS, values, strict=True))
