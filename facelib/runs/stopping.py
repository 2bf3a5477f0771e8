"""When a training ends, and which epoch's weights it keeps."""

from __future__ import annotations

from typing import Any

from facelib.runs.settings import TrainingSettings
from facelib.runs.tasks import Monitor

Row = dict[str, Any]  # one epoch of the history


def best_epoch(history: list[Row], monitor: Monitor) -> int:
    """The epoch with the best monitored number; the first of equals."""
    choose = max if monitor.direction == "highest" else min
    return choose(range(len(history)), key=lambda epoch: history[epoch]["validation"][monitor.name])


def kept_epoch(history: list[Row], monitor: Monitor, settings: TrainingSettings) -> int:
    """The epoch, of those in the history, whose weights the training gives if it ends here."""
    return len(history) - 1 if settings.keep == "last" else best_epoch(history, monitor)


def finished(history: list[Row], monitor: Monitor, settings: TrainingSettings) -> bool:
    """Whether training ends after these epochs: all are done, or patience is."""
    done = len(history)
    if done >= settings.epochs or settings.keep == "last":
        return done >= settings.epochs
    return done >= settings.min_epochs and done - 1 - best_epoch(history, monitor) >= settings.patience
