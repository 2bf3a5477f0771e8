from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from facelib.data.ahead import BatchesAhead
from facelib.data.kept_batches import KeptStream


class Counted:
    """Batches of random numbers; says which it has made."""

    def __init__(self) -> None:
        self.made: list[tuple[int, int]] = []

    def batch(self, number: int, count: int) -> Mapping[str, np.ndarray]:
        self.made.append((number, count))
        drawn = np.random.default_rng(number)
        return {"images": drawn.integers(0, 255, (count, 3, 4, 4), np.uint8), "pose": drawn.random((count, 3))}


def same(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and np.array_equal(first[name], second[name]) for name in first
    )


def test_a_batch_is_made_once(tmp_path: Path) -> None:
    source = Counted()
    stream = KeptStream(lambda: source, tmp_path / "batches")
    made = stream.batch(3, 5)
    assert same(stream.batch(3, 5), made)
    assert same(KeptStream(lambda: pytest.fail("nothing is missing"), tmp_path / "batches").batch(3, 5), made)
    assert source.made == [(3, 5)]
    assert same(Counted().batch(3, 5), made)


def test_batches_of_other_sizes_and_numbers_are_others(tmp_path: Path) -> None:
    source = Counted()
    stream = KeptStream(lambda: source, tmp_path)
    for number, count in ((0, 2), (0, 3), (1, 2)):
        assert len(stream.batch(number, count)["images"]) == count
    assert source.made == [(0, 2), (0, 3), (1, 2)]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_damaged_batch_is_made_again(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    source = Counted()
    stream = KeptStream(lambda: source, tmp_path)
    made = stream.batch(0, 6)
    (path,) = tmp_path.rglob("*.npz")
    content = bytearray(path.read_bytes())
    place = content.find(made["images"].tobytes()[:16])
    content[place] ^= 1
    path.write_bytes({"cut": content[:200], "changed": content, "empty": b"", "other": b"not a batch" * 30}[damage])
    with caplog.at_level(logging.WARNING):
        assert same(stream.batch(0, 6), made)
    assert "is made again" in caplog.text
    caplog.clear()
    assert same(stream.batch(0, 6), made)
    assert not caplog.text
    assert len(source.made) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o500)
    try:
        stream = KeptStream(Counted, tmp_path / "batches")
        assert same(stream.batch(0, 2), stream.batch(0, 2))
    finally:
        tmp_path.chmod(0o700)
    assert "is not kept" in caplog.text


def test_a_file_in_the_folders_place_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "batches").write_text("no folder")
    stream = KeptStream(Counted, tmp_path / "batches")
    assert same(stream.batch(0, 2), Counted().batch(0, 2))
    assert "is not kept" in caplog.text


def test_processes_keep_what_they_make(tmp_path: Path) -> None:
    source = BatchesAhead(partial(KeptStream, Counted, tmp_path), 2, 1)
    try:
        found = list(source.batches(0, 3))
    finally:
        source.close()
    assert [same(each, Counted().batch(number, 2)) for number, each in enumerate(found)] == [True] * 3
    assert {path.name for path in tmp_path.rglob("*.npz")} >= {"0.npz", "1.npz", "2.npz"}
