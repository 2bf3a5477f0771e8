"""A hundred damages of each kind of file; the script beside this makes thousands."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from mutate_files import FAULTS, KINDS, REFUSED, SAME, UNCHECKED, outcomes

COUNT = 100


@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_are_refused(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)  # passing over a checkpoint is a warning
    found = list(outcomes(KINDS[name], name, COUNT))

    assert [each for each in found if each[1] in FAULTS] == []
    counts = Counter(outcome for _, outcome, _ in found)
    assert counts[REFUSED] + counts[SAME] + counts[UNCHECKED] == COUNT
    if KINDS[name].checked:
        mended = name == "part of a data set"  # such a part is made again
        assert counts[SAME if mended else REFUSED] > 0.9 * COUNT  # few mutations of JSON touch spaces only


def test_a_refusal_names_the_file() -> None:
    for name, kind in KINDS.items():
        for number, outcome, error in outcomes(kind, name, 5):
            told = error in ("set aside", "passed over", "made anew") or kind.file.split(".")[0] in error
            assert outcome != REFUSED or told, (name, number, error)
