"""The runs of a tier that pictures of single photographs need: what they read, their scores, their photographs."""

from __future__ import annotations

from functools import cache

import numpy as np

from facelib.data.archive import FaceArchive
from facelib.errors import MissingPart
from facelib.papers.msma import PAPER
from facelib.papers.msma.metrics import NO_CASES
from facelib.papers.msma.settings import EMBEDDED, MSMARunSettings
from facelib.papers.run import open_archive
from facelib.report.local_runs import LocalRuns
from facelib.report.msma.comparison_pictures import Read
from facelib.report.msma.conditions import (
    GREY,
    MOFA_PEOPLE,
    OF_AFLW,
    aflw_groups,
    case_groups,
    mofa_photographs,
    typical_of,
)
from facelib.report.msma.error_maps import expressions_of, typical_person
from facelib.report.msma.readings import Photographs, PlacedReader, open_readers, photographs_of, together
from facelib.report.records import TierRuns
from facelib.runs.records import Record
from facelib.runs.settings import override

FULL, BASE = "msma", "base"
NETWORKS = (FULL, BASE, "no_fusion", "no_attention", "one_feature")  # of figure 8
FIGURE_7 = {"frontal": "plain", "uneven light": "uneven light", "covered eyes": "covered eyes", "smile": "smile"}


class Material(LocalRuns):
    """What runs of paper 5 give; arguments and attributes are those of `LocalRuns`."""

    def __init__(self, runs: TierRuns) -> None:
        super().__init__(runs)
        self._reader = cache(self._open_reader)

    def read(self, photographs: Photographs, labels: list[str]) -> Read:
        """What methods read off photographs."""
        return {label: self._reader(label)(photographs.faces) for label in labels}

    def errors(self, data_set: str, photographs: Photographs, labels: list[str]) -> dict[str, np.ndarray]:
        """label -> errors (B,) of photographs of one data set in the scores."""
        return {label: self.scores(label)[data_set][photographs.rows] for label in labels}

    @property
    def settings(self) -> MSMARunSettings:
        """Of one of the runs."""
        record: Record = next(iter(self.records.values()))
        return override(PAPER.settings(record.tier), record.parameters)

    def archive(self, name: str) -> FaceArchive:
        """A data set that the runs were evaluated on; raises MissingPart for cases of licensed photographs."""
        if name == "celeba_cases" and self.settings.data != EMBEDDED:
            raise MissingPart(NO_CASES)
        return open_archive(PAPER, FULL, self.settings, name)

    def mofa(self) -> Photographs:
        """Of figures 4 and 5; no more people than the cases of the ablation have."""
        settings = self.settings
        return mofa_photographs(settings.network.image_size, min(MOFA_PEOPLE, settings.evaluation.cases))

    def aflw(self, reference: str) -> Photographs:
        """Of figure 6, typical of what the reference, a label, errs."""
        archive = self.archive("aflw2000")
        groups = aflw_groups(archive)
        chosen = typical_of({name: groups[name] for name in OF_AFLW}, "aflw", self.scores(reference))
        return photographs_of(archive, chosen).greyed(GREY)

    def custom(self, reference: str) -> Photographs:
        """Of figure 7."""
        cases, web = self.archive("celeba_cases"), self.archive("aflw2000")
        by_case, by_web = case_groups(cases), aflw_groups(web)
        one = {title: by_case[name] for title, name in FIGURE_7.items()}
        other = {name: by_web[name] for name in ("large pose", "expression and occlusion")}
        scores = self.scores(reference)
        chosen = ((cases, typical_of(one, "cases", scores)), (web, typical_of(other, "aflw", scores)))
        return together([photographs_of(archive, rows) for archive, rows in chosen if rows])

    def ablation(self, reference: str, other: str) -> Photographs:
        """Of figure 8: typical of how much more the other method errs."""
        archive = self.archive("celeba_cases")
        groups = {name: chosen for name, chosen in case_groups(archive).items() if name != "plain"}
        return photographs_of(archive, typical_of(groups, "cases", self.scores(reference), self.scores(other)))

    def expressions(self, reference: str) -> Photographs:
        """A typical person of FaceWarehouse in five expressions."""
        archive = self.archive("facewarehouse")
        return photographs_of(archive, expressions_of(archive, typical_person(self.scores(reference))))

    def _open_reader(self, label: str) -> PlacedReader:
        return open_readers({label: self.records[label]})[label]
