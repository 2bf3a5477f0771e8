"""The runs whose scores and weights lie on this machine, which pictures of single samples need."""

from __future__ import annotations

from functools import cache

from facelib.report.records import TierRuns, one_fold, scores_of


class LocalRuns:
    """What runs of this machine give.

    Args:
        runs: of a tier.

    Attributes:
        records: label -> record, of one fold, whose scores and weights are here; pretrainings are left out.
        scores: label -> the scores of its record.
    """

    def __init__(self, runs: TierRuns) -> None:
        self.runs = runs
        evaluated = [name for name, method in runs.paper.methods.items() if not method.is_pretraining]
        found = one_fold(runs.local_records(evaluated))
        self.records = {label: record for label, record in found.items() if record.run.weights.exists()}
        self.scores = cache(lambda label: scores_of(self.records[label]))

    def there(self, *methods: str) -> list[str]:
        """The labels of those of these methods that have a run; of the others, says which commands make one."""
        absent = [self.runs.command(name) for name in methods if self.runs.label(name) not in self.records]
        if absent:
            print("without a run on this machine:", *absent, sep="\n")
        return [self.runs.label(name) for name in methods if self.runs.label(name) in self.records]
