"""For maintainers: the card of a run's network that ships with the package, whatever its paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from facelib.runs.records import Record

if TYPE_CHECKING:
    from torch import Tensor

LICENCE = "Apache-2.0"
TOLD = ("paper", "method", "tier", "fold", "seed", "data", "finished_at")  # of a record, by whatever a network makes


class Change(NamedTuple):
    """What halving the precision of a network's weights does to its answers.

    Args:
        mean, largest: how far both answers lie apart, over all points or faces.
        unit: of these.
        faces: rendered ones, how many.
    """

    mean: float
    largest: float
    unit: str
    faces: int

    def __str__(self) -> str:
        return (
            f"half precision moves answers on {self.faces} rendered faces by {self.mean:.4f} {self.unit} on average "
            f"and {self.largest:.4f} at most"
        )


def change_of(apart: Tensor, unit: str, faces: int) -> Change:
    """The change of answers that lie so far apart (any shape; 0 where nothing is)."""
    mean = float(apart.mean()) if apart.numel() else 0.0
    return Change(round(mean, 5), round(float(apart.max()), 5) if apart.numel() else 0.0, unit, faces)


def told_of(record: Record) -> dict[str, Any]:
    """What is told of a run's network: the fields of its record that say what it is."""
    return {name: getattr(record, name) for name in TOLD}


def card_of(
    record: Record, kind: str, summary: str, not_for: str, metrics: Iterable[str], change: Change
) -> dict[str, Any]:
    """All that a card says but the checksum of the weights.

    Args:
        record: of the run.
        kind: what such models are for.
        summary: in a few words.
        not_for: what it must not be used for.
        metrics: of the record, that are told.
        change: by halving the precision of the weights.
    """
    return {
        "kind": kind,
        "summary": f"{summary}; {record.tier} tier, rendered faces only",
        "source": f"`{record.run.command}`, fingerprint of its data {record.data['fingerprint']}",
        "licence": LICENCE,
        "not_for": not_for,
        **told_of(record),
        "parameters": record.parameters,
        "code": record.code,
        "measured": {name: record.metrics[name] for name in metrics if name in record.metrics},
        "half_precision": change._asdict(),
    }
