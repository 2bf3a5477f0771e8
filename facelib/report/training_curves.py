"""How training went: the terms of the loss and the metrics of the validation people, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.papers.paper import Metric, Paper
from facelib.report.style import stamp, switch_off, tier_label, use_house_style
from facelib.runs.records import Record

HELD_OUT = "held_out_"  # before the name of a term of the loss, where validation gives it
BETTER = {"higher": "higher is better", "lower": "lower is better"}


def draw_training_curves(paper: Paper, records: Mapping[str, Record]) -> Figure | None:
    """For each run two panels: the weighted terms of its loss, and what is known of its validation people.

    Where validation gives the terms of these people too, they are dashed beside those of training.

    Args:
        paper: whose runs.
        records: label -> record of one tier. Baselines, which are not trained, are left out.

    Returns:
        The picture; None when no run was trained.
    """
    trained = {label: record for label, record in records.items() if record.history}
    if not trained:
        return None
    use_house_style()
    pairs = min(len(trained), 2)  # of panels in a row
    rows = math.ceil(len(trained) / pairs)
    size = (7.5 * pairs + 1, 2.3 * rows + 0.3)
    figure, panels = plt.subplots(rows, 2 * pairs, figsize=size, squeeze=False, layout="constrained")
    for (label, record), left, right in zip(trained.items(), panels[:, ::2].flat, panels[:, 1::2].flat, strict=False):
        _draw_losses(left, record)
        _draw_validation(right, record, {name: paper.metrics[name] for name in printed_metrics(paper)})
        left.set_title(label)
    for panel in panels.flat:
        _finish(panel)
    stamp(figure, tier_label(next(iter(trained.values())).tier))
    return figure


def loss_data(records: Mapping[str, Record]) -> pd.DataFrame:
    """The weighted terms of losses: columns method, epoch, term, training and validation (NaN where not known)."""
    return pd.DataFrame(
        [
            {"method": label, "epoch": epoch, "term": name, "training": value}
            | {"validation": row["validation"].get(f"{HELD_OUT}{name}", math.nan)}
            for label, record in records.items()
            for epoch, row in enumerate(record.history)
            for name, value in row["losses"].items()
        ]
    )


def draw_losses(records: Mapping[str, Record]) -> Figure:
    """A panel for each run with the terms of its loss, two in a row.

    Args:
        records: label -> record of a run that was trained; at least one.
    """
    rows = math.ceil(len(records) / 2)
    figure, panels = plt.subplots(rows, 2, figsize=(8.4, 2.3 * rows), squeeze=False, layout="constrained")
    for panel, (label, record) in zip(panels.flat, records.items(), strict=False):
        _draw_losses(panel, record)
        panel.set_title(label, fontsize=8)
        _finish(panel)
        panel.yaxis.label.set_fontsize(7)
    switch_off(panels.flat[len(records) :])
    return figure


def printed_metrics(paper: Paper) -> list[str]:
    """Metrics of the paper's own tables; those of ours have axes of their own."""
    tables = [table for table in paper.tables.values() if not table.title]
    shown = {name for table in tables for name in (*table.main, *table.more)}
    return [name for name in paper.metrics if name in shown]


def _finish(panel: Axes) -> None:
    """Axis of epochs and legend; a panel without curves is left out."""
    panel.set_xlabel("epoch")
    panel.locator_params(axis="x", integer=True, nbins=5)
    if panel.lines:
        panel.legend(fontsize=6.5, handlelength=1, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        panel.set_axis_off()


def _draw_losses(panel: Axes, record: Record) -> None:
    """A term that comes in later begins where it does."""
    for name in dict.fromkeys(name for row in record.history for name in row["losses"]):
        _draw_curve(panel, [row["losses"].get(name, math.nan) for row in record.history], name)
        others = [row["validation"].get(f"{HELD_OUT}{name}", math.nan) for row in record.history]
        panel.plot(range(len(others)), others, "--", color=panel.lines[-1].get_color())
    watched = any(f"{HELD_OUT}{name}" in record.history[0]["validation"] for name in record.history[0]["losses"])
    note = "\n(dashed: validation people)" if watched else ""
    panel.set(ylabel=f"terms of the loss, weighted{note}", yscale="log")


def _draw_validation(panel: Axes, record: Record, metrics: Mapping[str, Metric]) -> None:
    """In the units of the tables what is a metric of the paper; where nothing is, what else was watched, as it is."""
    shown = {name: metrics[name] for name in record.history[0]["validation"] if name in metrics}
    if not shown:
        _draw_watched(panel, record)
        return
    for name, metric in shown.items():
        values = [metric.factor * row["validation"][name] for row in record.history]
        _draw_curve(panel, values, metric.label or metric.phrase)
    units = dict.fromkeys("%" if metric.unit == "fraction" else metric.unit for metric in shown.values())
    better = dict.fromkeys(BETTER[metric.direction] for metric in shown.values())
    panel.set(ylabel=f"validation people, {' or '.join(units)}")
    panel.set_title(" or ".join(better), fontsize=7, fontweight="normal")
    panel.set_ylim(bottom=0, top=101 if list(better) == [BETTER["higher"]] else None)


def _draw_watched(panel: Axes, record: Record) -> None:
    """All but the loss and its terms; on a logarithmic axis unless something is 0, as a rate may be."""
    terms = {f"{HELD_OUT}{name}" for row in record.history for name in row["losses"]} | {"loss"}
    shown = [name for name in record.history[0]["validation"] if name not in terms]
    curves = {name: [row["validation"].get(name, math.nan) for row in record.history] for name in shown}
    for name, values in curves.items():
        _draw_curve(panel, values, name)
    logarithmic = all(value > 0 for values in curves.values() for value in values if not math.isnan(value))
    panel.set(ylabel="validation people", yscale="log" if logarithmic else "linear")
    if not logarithmic:
        panel.set_ylim(bottom=0)


def _draw_curve(panel: Axes, values: list[float], name: str) -> None:
    panel.plot(range(len(values)), values, "o-", markersize=3, label=name.replace("_", " "))
