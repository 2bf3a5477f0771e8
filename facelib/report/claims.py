"""A paper's claims with their verdicts, as JSON, as Markdown and as one picture."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from facelib.report.intervals import Estimates
from facelib.report.manifest import save_figure
from facelib.report.records import TierRuns
from facelib.report.style import tier_label, use_house_style
from facelib.report.verdicts import CONTRADICTED, UNDECIDED, VERDICTS, ClaimResult, ComparisonResult, evaluate_claims
from facelib.storage import read_json, write_json

# In the order of VERDICTS.
COLOURS = dict(zip(VERDICTS, ("#009E73", "#D55E00", "#0072B2", "#AA7700", "#8C8C8C", "#8C8C8C"), strict=True))
RESULT_FIELDS = ("comparison", "difference", "interval", "printed_difference", "unit", "folds", "p", "skill", "runs")
MEASURED = ("comparison", "difference", "low", "high", "printed", "unit")  # columns of `comparison_data`
UNITS = {"points": "percentage points"}  # spelt out
NICE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)  # limits of the axis


def as_entries(evaluated: list[ClaimResult], tier: str) -> list[dict[str, Any]]:
    """One entry a claim, led by its decisive comparison."""
    entries = []
    for one in evaluated:
        lead = _result_entry(one.decisive) if one.decisive else dict.fromkeys(RESULT_FIELDS)
        entries.append(
            {
                "name": one.claim.name,
                "statement": one.claim.statement,
                "table": one.claim.source,
                "verdict": one.verdict,
                "rule": one.reason,
                "intervals": one.tally,
                **lead,
                "tier": tier,
                "data": tier_label(tier),
                "slip_of_the_paper": one.claim.slip or None,
                "comparisons": [_result_entry(result) for result in one.comparisons],
                "missing": list(one.missing),
            }
        )
    return entries


def _result_entry(result: ComparisonResult) -> dict[str, Any]:
    interval = [round(result.low, 3), round(result.high, 3)]
    printed = None if result.printed is None else round(result.printed, 3)
    unit = UNITS.get(result.unit, result.unit)
    numbers = (round(result.difference, 3), interval, printed)
    values = (
        result.comparison,
        *numbers,
        unit,
        list(result.folds),
        result.corrected_p,
        result.skill,
        result.runs or None,
    )
    return dict(zip(RESULT_FIELDS, values, strict=True))


def comparison_data(evaluated: list[ClaimResult]) -> pd.DataFrame:
    """One line a comparison: its claim, verdict, words, difference, interval, printed difference, unit and folds."""
    lines = []
    for one in evaluated:
        known = {"claim": one.claim.name, "statement": one.claim.statement, "table": one.claim.source}
        for result in one.comparisons:
            measured = {name: getattr(result, name) for name in MEASURED}
            further = {"folds": len(result.folds), "corrected p": result.corrected_p, "skill": result.skill}
            lines.append(known | {"verdict": one.verdict} | measured | further)
    return pd.DataFrame(lines)


def claims_as_markdown(evaluated: list[ClaimResult]) -> str:
    """One line a claim, by its decisive comparison."""
    lines = [
        "| claim | where | verdict | intervals | decisive comparison | ours | 95 % interval | printed | folds |",
        "| --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for one in evaluated:
        result = one.decisive
        numbers = ["", "", "", "", ""]
        if result is not None:
            printed = "" if result.printed is None else result.signed(result.printed)
            words, folds = _with_unit(result), str(len(result.folds))
            numbers = [words, result.signed(result.difference), result.interval, printed, folds]
        lines.append(
            f"| {one.claim.statement} | {one.claim.source} | {one.verdict} | {one.tally} | {' | '.join(numbers)} |"
        )
    return "\n".join([*lines, ""])


def discussion(evaluated: list[ClaimResult]) -> str:
    """Which claims have which verdict; a paragraph on each contradiction, undecided claim and slip of the paper."""
    lines = []
    for verdict in VERDICTS:
        statements = [f"- {one.claim.statement}" for one in evaluated if one.verdict == verdict]
        if statements:
            lines += [f"**{verdict.capitalize()}: {len(statements)} of {len(evaluated)}.**\n", *statements, ""]
    for one in evaluated:
        result = one.decisive
        if one.verdict == CONTRADICTED and result is not None:
            printed = "The paper prints no number"
            if result.printed is not None:
                printed = f"In print it is {result.signed(result.printed)}"
            lines.append(
                f"*{one.claim.statement}* ({one.claim.source}): of {len(one.comparisons)} comparisons "
                f"{sum(each.is_above for each in one.comparisons)} lie above 0 and "
                f"{sum(each.is_below for each in one.comparisons)} below, corrected. "
                f"Farthest below is '{result.comparison}': {result.signed(result.difference)} {result.unit} "
                f"{result.interval}, folds {', '.join(map(str, result.folds))}. {printed}.\n"
            )
    for one in evaluated:
        if one.verdict == UNDECIDED and one.decisive is not None and one.decisive.power:
            lines.append(f"*{one.claim.statement}*: {one.decisive.power}\n")
    lines += [f"*{one.claim.statement}*: {one.claim.slip}\n" for one in evaluated if one.claim.slip]
    return "\n".join(lines)


def draw_claims(evaluated: list[ClaimResult]) -> Figure:
    """A line for each claim: its decisive comparison with interval, the printed one, and the others faint.

    Claims of one unit share a panel and its axis.
    """
    use_house_style()
    groups = _by_unit(evaluated)
    heights = [0.55 + 0.38 * len(group) for group in groups.values()]
    height = sum(heights) + 0.35
    figure, panels = plt.subplots(
        len(groups), 1, figsize=(9.2, height), squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    gap = 0.55 * len(heights) / sum(heights) if len(heights) > 1 else 0.0
    figure.subplots_adjust(left=0.43, right=0.89, bottom=0.45 / height, top=1 - 0.3 / height, hspace=gap)
    for axes, (unit, group) in zip(panels[:, 0], groups.items(), strict=True):
        _draw_panel(axes, unit, group)
    _add_legend(panels[0, 0])
    return figure


def _by_unit(evaluated: list[ClaimResult]) -> dict[str, list[ClaimResult]]:
    """The claims by the unit of their comparisons, in their order; those without any are with the first."""
    groups: dict[str, list[ClaimResult]] = {}
    units = [next((result.unit for result in one.comparisons), None) for one in evaluated]
    usual = next((unit for unit in units if unit), "points")
    for one, unit in zip(evaluated, units, strict=True):
        groups.setdefault(unit or usual, []).append(one)
    return groups or {usual: []}


def _draw_panel(axes: Axes, unit: str, evaluated: list[ClaimResult]) -> None:
    axes.axvline(0, color="black", linewidth=0.8, zorder=1)
    linear, limit = _scale(evaluated)
    for position, one in enumerate(evaluated):
        _draw_claim(axes, position, one, linear, limit)
    axes.set_xscale("symlog", linthresh=linear, linscale=1.4)
    ticks = _ticks(linear, limit)
    axes.set_xticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(-limit, limit)
    axes.set_ylim(len(evaluated) - 0.4, -0.6)
    axes.set_yticks(range(len(evaluated)), [_wrapped(one.claim.statement) for one in evaluated], fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.set_xlabel(f"{unit} in favour of the claim (linear within ±{linear:g}, logarithmic beyond)", fontsize=8)


def _scale(evaluated: list[ClaimResult]) -> tuple[float, float]:
    """Where the axis turns logarithmic, and where it ends: so that half of the intervals lie in the linear part."""
    ends = [max(abs(one.decisive.low), abs(one.decisive.high)) for one in evaluated if one.decisive]
    results = [result for one in evaluated for result in one.comparisons]
    shown = [abs(value) for result in results for value in (result.difference, result.printed or 0.0)]
    limit = _at_least(max([*ends, *shown, NICE[0]]))
    linear = min(_at_least(float(np.median(ends or [0.0]))), limit / 10)
    return linear, limit


def _at_least(value: float) -> float:
    return next((nice for nice in NICE if nice >= value), NICE[-1])


def _ticks(linear: float, limit: float) -> list[float]:
    """Two a side in the linear part, then two a decade."""
    positive, step = [linear / 2, linear], 3.0
    while positive[-1] * step <= limit * 1.01:
        positive.append(positive[-1] * step)
        step = 10 / step
    return [*(-tick for tick in reversed(positive)), 0.0, *positive]


def _with_unit(result: ComparisonResult) -> str:
    """A comparison with its unit, unless it says that already; points go without saying."""
    said = result.unit == "points" or result.unit in result.comparison
    return result.comparison if said else f"{result.comparison} ({result.unit})"


def _wrapped(text: str) -> str:
    """On lines of about equal length."""
    lines = math.ceil(len(text) / 66)
    return textwrap.fill(text, len(text) // lines + 6)


def _draw_claim(axes: Axes, position: int, one: ClaimResult, linear: float, limit: float) -> None:
    colour, result = COLOURS[one.verdict], one.decisive
    beside = axes.get_yaxis_transform()
    axes.text(1.02, position - 0.14, one.verdict, transform=beside, va="center", fontsize=7.5, color=colour)
    axes.text(1.02, position + 0.24, one.tally, transform=beside, va="center", fontsize=5.5, color="#666666")
    if result is None:
        return
    others = [other.difference for other in one.comparisons if other is not result]
    axes.plot(others, [position] * len(others), ls="", marker="o", ms=3, color=colour, alpha=0.3, mew=0, zorder=2)
    axes.plot([result.low, result.high], [position] * 2, color=colour, lw=1.6, solid_capstyle="butt", zorder=3)
    axes.plot(result.difference, position, marker="o", ms=5, color=colour, zorder=4)
    if result.printed is not None:
        axes.plot(result.printed, position, marker="D", ms=4.5, mfc="none", mec="black", mew=0.8, zorder=5)
    side = "right" if result.difference > linear / 2 else "left" if result.difference < -linear / 2 else "center"
    end = min(max(result.high, result.difference), limit / 2) if side == "right" else result.difference
    axes.annotate(
        _with_unit(result), (end, position), (0, 4), textcoords="offset points", ha=side, fontsize=5.5, color="#666666",
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}, zorder=1.5,
    )  # fmt: skip


def _add_legend(axes: Axes) -> None:

    dark = "#4D4D4D"
    looks: dict[str, dict[str, Any]] = {
        "decisive comparison, 95 % interval": {"marker": "o", "ms": 5, "lw": 1.6, "color": dark},
        "other comparisons of the claim": {"marker": "o", "ms": 3, "ls": "", "color": dark, "alpha": 0.4},
        "as printed in the paper": {"marker": "D", "ms": 4.5, "ls": "", "mfc": "none", "mec": "black", "mew": 0.8},
    }
    handles = [plt.Line2D([], [], label=text, **look) for text, look in looks.items()]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.14, 1.0), ncols=3, fontsize=7)


def write_claims(estimates: Estimates, folder: Path) -> list[ClaimResult]:
    """Evaluate a paper's claims and write claims.json, claims.csv, claims.png and claims.pdf into a folder.

    Raises:
        MissingPart: as evaluate_claims.
    """
    evaluated, runs = evaluate_claims(estimates), estimates.runs
    write_entries(folder / "claims.json", evaluated, runs.tier)
    figure, notebook = draw_claims(evaluated), f"notebooks/{runs.paper.folder}/tables.ipynb"
    data = comparison_data(evaluated)
    save_figure(figure, data, folder, "claims", notebook=notebook, tier=runs.tier, parameters={})
    plt.close(figure)
    return evaluated


def write_entries(path: Path, evaluated: list[ClaimResult], tier: str) -> None:
    """Write the claims of a tier as JSON: its name, and the entries of `as_entries`."""
    write_json(path, {"tier": tier, "claims": as_entries(evaluated, tier)})


def keep_largest(runs: TierRuns, evaluated: list[ClaimResult], path: Path) -> bool:
    """Write a paper's claims.json unless it holds a larger tier's; the smoke tier, which shows nothing, never counts.

    Returns:
        Whether it was written.
    """
    order = list(runs.paper.tiers)
    remedy = "delete it, and make the tables again"
    standing = read_json(path, remedy)["tier"] if path.is_file() else order[0]
    if runs.tier == order[0] or order.index(runs.tier) < order.index(standing):
        return False
    write_entries(path, evaluated, runs.tier)
    return True
