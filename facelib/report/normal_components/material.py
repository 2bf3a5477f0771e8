"""What pictures of paper 2 take from the runs of a tier: scans, as they are and prepared, and what networks see."""

from __future__ import annotations

from functools import cache, cached_property

from torch import nn

from facelib.data.archive import FaceArchive
from facelib.data.prepared_scans import open_prepared_scans
from facelib.errors import MissingPart
from facelib.papers.normal_components import PAPER, ict
from facelib.papers.normal_components.metrics import ICT, MERGED, MERGED_OF, TITLES
from facelib.papers.normal_components.protocol import SeenScans, merged, see_scans
from facelib.papers.normal_components.settings import RecognitionSettings
from facelib.papers.run import network_from, open_archive
from facelib.report.local_runs import LocalRuns
from facelib.report.records import TierRuns
from facelib.runs.settings import override


class Material(LocalRuns):
    """What runs of paper 2 give; arguments and attributes are those of `LocalRuns`."""

    def __init__(self, runs: TierRuns) -> None:
        super().__init__(runs)
        self.scans = cache(self._open_scans)
        self.network = cache(self._open_network)
        self.seen = cache(self._see)

    def settings(self, label: str = "") -> RecognitionSettings:
        """Of a method's run; those of scans and their preparation are the same in all runs."""
        record = self.records[label or next(iter(self.records))]
        return override(PAPER.settings(record.tier), record.parameters)

    def prepared(self, data_set: str) -> FaceArchive:
        """The scans of a data set as they were prepared."""
        return open_prepared_scans(self.scans(data_set), self.settings().preparation)

    @cached_property
    def data_sets(self) -> list[str]:
        """Those of the paper, and ICT's heads where they were imported."""
        if not self.records:
            return []
        try:
            self.scans(ICT)
        except MissingPart as error:
            print(error)
            return list(TITLES)
        return [*TITLES, ICT]

    def _open_scans(self, data_set: str) -> FaceArchive:
        if data_set == ICT:
            return ict.open_archive(ict.data_set(self.settings()), lambda count: None)
        return open_archive(PAPER, "baseline", self.settings(), data_set)

    def _open_network(self, label: str) -> nn.Module:
        record = self.records[label]
        return network_from(PAPER, record.method, self.settings(label), record.run.weights)

    def _see(self, label: str, data_set: str) -> SeenScans:
        if data_set == MERGED:
            return merged([self.seen(label, name) for name in MERGED_OF])
        scans, preparation = self.scans(data_set), self.settings().preparation
        return see_scans(self.network(label), data_set, scans, preparation)
