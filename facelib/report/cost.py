"""What the runs of a tier cost: time and memory by method, and on which machines."""

from __future__ import annotations

from statistics import fmean

import pandas as pd

from facelib.report.records import TierRuns

SECONDS_OF_AN_HOUR = 3600.0


def cost_of_runs(runs: TierRuns) -> pd.DataFrame:
    """One line a method that has runs: the means over them of epochs, training time and memory, and how many they are.

    Args:
        runs: of a tier.

    Returns:
        Columns "epochs", "training (s)", "memory (MB)" and "runs", all whole numbers, by "method" (the label).
    """
    lines = []
    for name in runs.standing:
        records = runs.records(name)
        columns: dict[str, list[float]] = {
            "epochs": [len(record.history) for record in records],
            "training (s)": [record.wall_time_s for record in records],
            "memory (MB)": [record.peak_memory_mb for record in records],
        }
        means = {column: round(fmean(values)) for column, values in columns.items()}
        lines.append({"method": runs.label(name), **means, "runs": len(records)})
    return pd.DataFrame(lines, columns=["method", "epochs", "training (s)", "memory (MB)", "runs"]).set_index("method")


def machines_sentence(runs: TierRuns) -> str:
    """Such as "16 runs, 3.2 hours of training in all, on: AMD EPYC, no GPU, 1 thread."."""
    records = [record for name in runs.standing for record in runs.records(name)]
    hours = sum(record.wall_time_s for record in records) / SECONDS_OF_AN_HOUR
    machines = {
        f"{r.hardware['cpu']}, {r.hardware['gpu'] or 'no GPU'}, {_counted(r.threads, 'thread')}" for r in records
    }
    where = "; ".join(sorted(machines)) or "none"
    return f"{_counted(len(records), 'run')}, {hours:.1f} hours of training in all, on: {where}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
