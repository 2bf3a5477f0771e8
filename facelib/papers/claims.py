"""What a paper says of its methods, as data: statements, each with the comparisons that decide it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A comparison that must be positive; its metrics have one unit.

    Args:
        comparison: in words.
        parts: (coefficient, method, metric) of each summand; fractions count as percent.
        least: by which the sum must exceed zero, in percentage points (or degrees, MB); below 0 by how much it may
            fall short. Two terms of opposite signs with one negative `least` say that two metrics are about equal.
    """

    comparison: str
    parts: tuple[tuple[float, str, str], ...]
    least: float = 0.0


@dataclass(frozen=True)
class Claim:
    """A statement of the paper.

    Args:
        name: short, for files.
        statement: what it says, in our words.
        source: table, figure or section.
        terms: all must be positive.
        slip: how the paper's own numbers differ from what it says, if they do.
        contradicts_its_table: whether they do so in a term's sign.
    """

    name: str
    statement: str
    source: str
    terms: tuple[Term, ...]
    slip: str = ""
    contradicts_its_table: bool = False
