"""For maintainers: the card of a run's network that ships with the package, whatever its paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from facelib.runs.records import Record

LICENCE = "Apache-2.0"
TOLD = ("paper", "method", "tier", "fold", "seed", "data", "finished_at")  # of a record, by whatever a network makes


def told_of(record: Record) -> dict[str, Any]:
    """What is told of a run's network: the fields of its record that say what it is."""
    return {name: getattr(record, name) for name in TOLD}


def card_of(
    record: Record, kind: str, summary: str, not_for: str, metrics: Iterable[str], half_precision: Mapping[str, Any]
) -> dict[str, Any]:
    """All that a card says but the checksum of the weights.

    Args:
        record: of the run.
        kind: what such models are for.
        summary: in a few words.
        not_for: what it must not be used for.
        metrics: of the record, that are told.
        half_precision: what halving the precision of the weights changes.
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
        "half_precision": dict(half_precision),
    }
