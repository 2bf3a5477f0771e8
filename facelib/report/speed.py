"""Pictures of `facelib bench`: how many times faster than the peers, and how time grows with size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from facelib.errors import BadInput
from facelib.report.style import PALETTE, use_house_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PANEL_COLUMNS = 5


def ratio_data(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows that have a peer's time, the largest ratio first.

    Raises:
        BadInput: when no row has one.
    """
    import pandas as pd

    measured = [row for row in rows if row["ratio"] is not None]
    if not measured:
        raise BadInput("no benchmark has a peer's time: install the peers (facelib doctor says how)")
    return pd.DataFrame(measured).sort_values("ratio", ascending=False, ignore_index=True)


def draw_ratios(data: pd.DataFrame) -> Figure:
    """One bar a benchmark on a logarithmic axis, with both times written beside it; wrong answers in red."""
    import matplotlib.pyplot as plt

    use_house_style()
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.21 * len(data)), layout="constrained")
    lines: list[Any] = list(data.itertuples(index=False))
    colours = [PALETTE[0] if agree else PALETTE[5] for agree in data["agree"]]
    axes.barh(range(len(data)), data["ratio"] - 1, left=1, color=colours, height=0.62, alpha=0.9)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(data)), [f"{row.name}  (against {row.peer})" for row in lines], fontsize=7)
    axes.set_ylim(len(data) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlim(min(0.5, data["ratio"].min() / 2), data["ratio"].max() * 7)
    axes.grid(visible=False, axis="y")
    for position, row in enumerate(lines):
        text = f"{row.ratio:.3g} x   {_milliseconds(row.ours_ms)} / {_milliseconds(row.peer_ms)}"
        axes.text(max(row.ratio, 1) * 1.08, position, text, va="center", fontsize=6.5)
    axes.set_xlabel("times faster than the peer; beside the bar our time / the peer's time of one piece", fontsize=8)
    axes.set_title("Speed against the libraries one would use instead")
    return figure


def growth_data(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Growth rows as a table, each with the exponent p of time ~ n^p between its kernel's first and last size.

    Raises:
        BadInput: without rows.
    """
    import pandas as pd

    if not rows:
        raise BadInput("no growth was measured: run facelib bench --growth")
    data = pd.DataFrame(rows)
    first, last = (data.groupby("kernel", sort=False).nth(i).set_index("kernel") for i in (0, -1))
    exponent = {
        kernel: math.log(last.ours_ms[kernel] / first.ours_ms[kernel]) / math.log(last.n[kernel] / first.n[kernel])
        for kernel in first.index
    }
    return data.assign(exponent=data["kernel"].map(exponent))


def draw_growth(data: pd.DataFrame) -> Figure:
    """A panel a kernel: time against size on logarithmic axes, beside proportional growth, which is dotted."""
    import matplotlib.pyplot as plt

    use_house_style()
    kernels = list(data["kernel"].unique())
    rows = math.ceil(len(kernels) / PANEL_COLUMNS)
    figure, panels = plt.subplots(
        rows, PANEL_COLUMNS, figsize=(1.95 * PANEL_COLUMNS, 1.95 * rows), squeeze=False, layout="constrained"
    )
    for panel, kernel in zip(panels.flat, kernels, strict=False):
        part = data[data["kernel"] == kernel]
        n, time = part["n"].to_numpy(), part["ours_ms"].to_numpy()
        panel.plot(n, time[0] * n / n[0], color="#999999", linewidth=0.8, linestyle=":")
        panel.plot(n, time, color=PALETTE[0], marker="o", markersize=4)
        panel.set(xscale="log", yscale="log", xlim=(n[0] / 1.6, n[-1] * 1.6))
        panel.set_xticks(n, [_count(value) for value in n], minor=False)
        panel.set_xlabel(part["counted"].iloc[0], fontsize=8)
        panel.minorticks_off()
        panel.set_yticks([])
        panel.set_ylim(time.min() / 2.5, time.max() * 4)
        for x, y in zip(n, time, strict=True):
            panel.annotate(_milliseconds(y), (x, y), (0, 5), textcoords="offset points", ha="center", fontsize=6.5)
        panel.set_title(f"{kernel}: n$^{{{part['exponent'].iloc[0]:.2f}}}$", fontsize=8)
    for panel in panels.flat[len(kernels) :]:
        panel.set_visible(False)
    figure.suptitle("Time of one call against size; dotted: proportional to size", fontsize=9, x=0.01, ha="left")
    return figure


def speed_label(environment: dict[str, Any]) -> str:
    """What the pictures say of the machine they were measured on, from a record's environment."""
    hardware, packages = environment["hardware"], environment["packages"]
    device = hardware["gpu"] or hardware["cpu"]
    return f"{device}, {environment['threads']} threads, torch {packages['torch']}"


def _milliseconds(value: float) -> str:
    return f"{value / 1000:.3g} s" if value >= 1000 else f"{value:.3g} ms"


def _count(value: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return str(value)
