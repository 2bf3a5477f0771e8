"""How a metric is named and shown: in heads of tables and in claims, in which unit, and which direction is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["fraction", "degrees", "MB"]

FACTORS: dict[Unit, float] = {"fraction": 100.0, "degrees": 1.0, "MB": 1.0}  # from records to what is shown
DIFFERENCES: dict[Unit, str] = {"fraction": "points", "degrees": "degrees", "MB": "MB"}  # units of shown differences


@dataclass(frozen=True)
class MetricWords:
    """The words of one metric.

    Args:
        head: of its column in a table; None where only the CSV file holds it.
        phrase: in the comparisons of claims.
        unit: of its values in records; fractions are shown in percent.
        lower_is_better: whether it is an error or a cost.
        decimals: shown in tables.
        varies: with the people who are evaluated; a size does not, and has no interval.
    """

    head: str | None
    phrase: str
    unit: Unit = "fraction"
    lower_is_better: bool = False
    decimals: int = 1
    varies: bool = True

    @property
    def factor(self) -> float:
        """From a value in a record to the number shown."""
        return FACTORS[self.unit]
