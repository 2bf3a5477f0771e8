"""What the runs of a tier cost: time and memory by method, and on which machines."""

from __future__ import annotations

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
        line: dict[str, object] = {"method": runs.label(name)}
        for column, values in {
            "epochs": [len(record.history) for record in records],
            "training (s)": [record.wall_time_s for record in records],
            "memory (MB)": [record.peak_memory_mb for record in records],
        }.items():
            line[column] = round(sum(values) / len(values))
        lines.append(line | {"runs": len(records)})
    return pd.DataFrame(lines, columns=["method", "epochs", "training (s)", "memory (MB)", "runs"]).set_index("method")


def machines_sentence(runs: TierRuns) -> str:
    """Such as "16 runs, 3.2 hours of training in all, on: AMD EPYC, no GPU, 1 thread."."""
    records = [record for name in runs.standing for record in runs.records(name)]
    hours = sum(record.wall_time_s for record in records) / SECONDS_OF_AN_HOUR
    machines = sorted(
        {f"{r.hardware['cpu']}, {r.hardware['gpu'] or 'no GPU'}, {_counted(r.threads, 'thread')}" for r in records}
    )
    return f"{_counted(len(records), 'run')}, {hours:.1f} hours of training in all, on: {'; '.join(machines) or 'none'}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
