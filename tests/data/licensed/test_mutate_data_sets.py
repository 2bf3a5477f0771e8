"""A hundred damages of each data set; the script beside this makes thousands."""

from __future__ import annotations

from collections import Counter

import pytest
from mutate_data_sets import FAULTS, REFUSED, WRITERS, outcomes

COUNT = 100


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_folders_are_refused_with_the_file_s_name(name: str) -> None:
    found = list(outcomes(name, COUNT))

    assert [each for each in found if each[1] in FAULTS] == []
    assert Counter(outcome for _, outcome, _ in found)[REFUSED] > 0.25 * COUNT
