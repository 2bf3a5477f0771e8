"""A benchmark that takes no time: the sum of the first numbers, against its formula."""

from __future__ import annotations

import operator

from facelib.benchmarks.measure import Case

SUM = Case(
    name="sum",
    kernel="sum",
    size="1,000 numbers",
    peer="a loop",
    prepare=lambda n: list(range(n)),
    n=1000,
    counted="numbers",
    ours=sum,
    load_peer=lambda: lambda numbers: max(numbers) * len(numbers) // 2,
    agree=operator.eq,
)
