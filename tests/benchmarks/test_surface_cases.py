from __future__ import annotations

import numpy as np
import pytest

from facelib.benchmarks.surfaces import CASES, same_distances, scan_of_head


def test_agreement_accepts_the_same_and_refuses_other_distances():
    (case,) = CASES
    distances = case.ours(scan_of_head(500))
    assert 1 < distances.mean() < 4
    assert same_distances(distances, distances)
    assert not same_distances(distances, distances + 0.01)
    assert not same_distances(distances, np.roll(distances, 1))


def test_the_peer_finds_the_same():
    (case,) = CASES
    try:
        peer = case.load_peer()
    except (ImportError, OSError) as error:
        pytest.skip(f"{case.peer} cannot be imported: {error}")
    scan = case.prepare(2_000)
    assert case.agree(case.ours(scan), peer(scan))
