"""A data set on disk survives kills, damage and full disks, and is made once."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facelib.data.archive import FaceArchive, make_archive, open_archive
from facelib.errors import BadInput, CorruptFile
from facelib.storage import read_json, write_json

PARTS = 5
ROWS = 3


def small_part(number: int) -> dict[str, np.ndarray]:
    """Three photographs and one cloud that depend on the part's number alone."""
    generator = np.random.default_rng(number)
    return {
        "images": generator.integers(0, 256, (ROWS, 3, 4, 4), np.uint8),
        "identity": np.full(ROWS, number, np.int32),
        "expression": np.arange(ROWS, dtype=np.int16),
        "angle": generator.random(ROWS, np.float32),
        "pose": generator.random((ROWS, 3), np.float32),
        "cloud": np.full(ROWS, number, np.int32),
        "clouds": generator.random((1, 7, 3), np.float32),
    }


def make(folder: Path, make_part: Callable[[int], dict[str, np.ndarray]] = small_part) -> FaceArchive:
    return make_archive(folder, "small", "print", PARTS, make_part)


def assert_undisturbed(archive: FaceArchive) -> None:
    for name, array in archive.arrays.items():
        np.testing.assert_array_equal(array, np.concatenate([small_part(i)[name] for i in range(PARTS)]), name)
        assert array.dtype == small_part(0)[name].dtype


class Counted:
    """Counts which parts are made, and perhaps fails at one of them."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.fail_at, self.made = fail_at, list[int]()

    def __call__(self, number: int) -> dict[str, np.ndarray]:
        if number == self.fail_at:
            raise RuntimeError("the renderer failed")
        self.made.append(number)
        return small_part(number)


def test_arrays_are_the_parts_in_order(tmp_path: Path) -> None:
    archive = make(tmp_path)

    assert_undisturbed(archive)
    assert len(archive) == PARTS * ROWS
    assert archive.image_size == 4
    assert archive.identities.tolist() == [0, 1, 2, 3, 4]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".npy") == ["archive.json", "making.lock"]


def test_a_finished_archive_is_opened_not_made(tmp_path: Path) -> None:
    make(tmp_path)
    again = Counted()

    assert_undisturbed(make(tmp_path, again))
    assert again.made == []


def test_after_an_error_the_finished_parts_stay(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="renderer"):
        make(tmp_path, Counted(fail_at=3))
    with pytest.raises(CorruptFile, match="never finished"):
        open_archive(tmp_path, "small")
    rest = Counted()

    assert_undisturbed(make(tmp_path, rest))
    assert rest.made == [3, 4]


def test_a_truncated_or_damaged_part_is_made_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        make(tmp_path, Counted(fail_at=4))
    truncated, flipped = tmp_path / "parts" / "00001.npz", tmp_path / "parts" / "00002.npz"
    truncated.write_bytes(truncated.read_bytes()[:-20])
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    rest = Counted()

    assert_undisturbed(make(tmp_path, rest))
    assert rest.made == [1, 2, 4]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "lost", "listing", "listing is no object"])
def test_damage_is_found_said_and_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    make(tmp_path)
    path = tmp_path / "images.npy"
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "truncated":
        path.write_bytes(content[:-1])
    elif damage == "lost":
        path.unlink()
    else:
        (tmp_path / "archive.json").write_text('{"finger' if damage == "listing" else "[1, 2]")
    with pytest.raises(CorruptFile, match=r"archive\.json" if "listing" in damage else r"images\.npy"):
        open_archive(tmp_path, "small")

    with caplog.at_level(logging.WARNING):
        assert_undisturbed(make(tmp_path))

    assert "making data set small anew" in caplog.text


def test_an_array_has_a_name_and_no_path(tmp_path: Path) -> None:
    make(tmp_path / "set")
    listing = read_json(tmp_path / "set" / "archive.json", "")
    listing["checksums"]["../../images"] = listing["checksums"]["images"]
    write_json(tmp_path / "set" / "archive.json", listing)

    with pytest.raises(CorruptFile, match=r"archive\.json names no arrays, or names that are none: delete the folder"):
        open_archive(tmp_path / "set", "small")


def test_another_fingerprint_in_the_listing_is_not_believed(tmp_path: Path) -> None:
    make(tmp_path)
    listing = tmp_path / "archive.json"
    listing.write_text(listing.read_text().replace('"print"', '"prime"'))

    with pytest.raises(CorruptFile, match=r"archive\.json was damaged or edited"):
        open_archive(tmp_path, "small")


def test_a_finished_archive_is_read_without_writing(tmp_path: Path) -> None:
    """As from a cache that may not be written."""
    make(tmp_path)
    (tmp_path / "making.lock").unlink()
    before = tmp_path.stat().st_mtime_ns

    assert_undisturbed(make(tmp_path))
    assert tmp_path.stat().st_mtime_ns == before


def test_a_full_disk_keeps_finished_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    fsync = os.fsync

    def full_after_two(descriptor: int) -> None:
        if len(written) == 4:  # each has a checksum
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(Path())
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_after_two)
        with pytest.raises(OSError, match=r"could not write 00002\.npz\.sha256 .*No space left on device"):
            make(tmp_path)
    assert sorted(path.name for path in (tmp_path / "parts").glob("*.npz")) == ["00000.npz", "00001.npz"]
    rest = Counted()

    assert_undisturbed(make(tmp_path, rest))
    assert rest.made == [2, 3, 4]


def test_a_full_disk_while_joining_keeps_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_is_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array_header_1_0", disk_is_full)
        with pytest.raises(OSError, match=r"could not write images\.npy"):
            make(tmp_path)
    rest = Counted()

    assert_undisturbed(make(tmp_path, rest))
    assert rest.made == []


HALF_WRITTEN = """
import os, sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from test_archive import make

def wait_at_the_fourth(descriptor):
    if len(list(Path(sys.argv[2], "parts").glob("*.npz"))) == 3:
        print("writing", flush=True)
        time.sleep(60)

os.fsync = wait_at_the_fourth
make(Path(sys.argv[2]))
"""


def test_a_kill_amid_a_part_leaves_a_clean_resume(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HALF_WRITTEN, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    assert len(list((tmp_path / "parts").glob(".*.part"))) == 1
    rest = Counted()

    assert_undisturbed(make(tmp_path, rest))
    assert rest.made == [3, 4]
    assert not list(tmp_path.rglob(".*.part"))


TOGETHER = """
import sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from test_archive import make, small_part

def slow_part(number):
    with open(sys.argv[3], "a") as log:
        log.write(f"{number}\\n")
    time.sleep(0.1)
    return small_part(number)

print(len(make(Path(sys.argv[2]), slow_part)))
"""


def test_two_processes_make_each_part_once(tmp_path: Path) -> None:
    log = tmp_path / "made.txt"
    command = [sys.executable, "-c", TOGETHER, str(Path(__file__).parent), str(tmp_path / "set"), str(log)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert [process.communicate(timeout=60)[0] for process in both] == ["15\n", "15\n"]
    assert log.read_text().split() == ["0", "1", "2", "3", "4"]


def test_samples_are_scaled_to_one(tmp_path: Path) -> None:
    archive = make(tmp_path)
    samples = archive.samples(np.array([4, 0]))

    assert len(samples) == 2
    assert samples.images.shape == (2, 3, 4, 4)
    assert float(samples.images.max()) <= 1
    np.testing.assert_allclose(samples.images[0].numpy() * 255, small_part(1)["images"][1], atol=1e-4)
    assert samples.identity.tolist() == [1, 0]
    assert samples.expression.tolist() == [1, 0]
    np.testing.assert_array_equal(samples.pose.numpy(), [small_part(1)["pose"][1], small_part(0)["pose"][0]])


def test_an_empty_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="an empty batch was asked of data set small"):
        make(tmp_path).samples(np.array([], int))


def test_clouds_by_number_and_none(tmp_path: Path) -> None:
    archive = make(tmp_path)

    assert archive.clouds().shape == (5, 7, 3)
    np.testing.assert_array_equal(archive.clouds(np.array([2])).numpy(), small_part(2)["clouds"])

    without = FaceArchive("web", "print", {k: v for k, v in archive.arrays.items() if k != "clouds"})
    with pytest.raises(BadInput, match="data set web has no point clouds"):
        without.clouds()


def test_arrays_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    archive = make(tmp_path)

    with pytest.raises(ValueError, match="read-only"):
        archive.arrays["angle"][0] = 1
    archive.clouds()[0] = 0
    assert_undisturbed(archive)
