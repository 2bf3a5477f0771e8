"""How many runs would decide a claim, if the effect were as large as it is printed.

The error of a difference has two parts: that of the people on whom it is measured, which further runs leave as it is,
and that of the trainings, whose variance falls with their number. With z = 1.96 + 0.84, an effect d is found in four of
five cases by an interval of 95 % when

    z^2 (s_people^2 + s_runs^2 R / n) <= d^2

so n = s_runs^2 R / (d^2 / z^2 - s_people^2), where s_people and s_runs are the standard deviations that R runs have
(Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, section 2.3, with two sources of error). From
few runs s_runs is itself unsure: with six, its 95 % interval is from 0.6 to 2.5 times the estimate.
"""

from __future__ import annotations

import math
from statistics import NormalDist

POWER, LEVEL = 0.8, 0.05
DEVIATIONS = NormalDist().inv_cdf(1 - LEVEL / 2) + NormalDist().inv_cdf(POWER)  # z


def runs_to_decide(effect: float, spread_of_people: float, spread_of_runs: float, runs: int) -> float:
    """Runs of each method that would find an effect with a power of 80 %.

    Args:
        effect: the difference to be found.
        spread_of_people, spread_of_runs: standard deviations of the measured difference, in the effect's unit.
        runs: of which it is the mean.

    Returns:
        A whole number from 1; infinite where the people alone leave too much error.
    """
    room = (effect / DEVIATIONS) ** 2 - spread_of_people**2
    if room <= 0:
        return math.inf
    return max(1, math.ceil(round(spread_of_runs**2 * runs / room, 9)))  # 6.000000000000001 are six


def people_to_decide(effect: float, spread_of_people: float, people_now: float = 1.0) -> float:
    """How many people it would take where runs had no error, as a multiple of those now (or of `people_now`)."""
    return math.inf if effect == 0 else people_now * (DEVIATIONS * spread_of_people / effect) ** 2
