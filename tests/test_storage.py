"""No reader ever sees half a file: kills, full disks and damaged bytes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, CorruptFile
from facelib.storage import (
    CACHE_VARIABLE,
    atomic_path,
    cache_folder,
    digest_of,
    exclusive_lock,
    sha256_of,
    verify_checked,
    write_checked,
    write_json,
    write_text,
)

JSON_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


def test_written_text_is_read_back_and_nothing_else_remains(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "note.txt", "größer\n")

    assert (tmp_path / "new" / "note.txt").read_text(encoding="utf-8") == "größer\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["note.txt"]


def test_a_lock_names_the_machine_and_the_job_that_hold_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    monkeypatch.setenv("SLURM_JOB_ID", "55")
    with exclusive_lock(tmp_path / "lock", "held by {holders}") as file:
        file.write("12 on node8\n")
        file.flush()
        with (
            pytest.raises(BadInput, match=rf"held by {os.getpid()} on node7 in Slurm job 55 and 12 on node8"),
            exclusive_lock(tmp_path / "lock", "held by {holders}"),
        ):
            pass


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file_and_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")

    def disk_is_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, disk_is_full)
    with pytest.raises(OSError, match=r"could not write record.json in .*free space: \d+ MB") as caught:
        write_text(path, "new")

    assert caught.value.errno == errno.ENOSPC
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "array.bin"
    path.write_bytes(b"old")

    def write_half_and_stop() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half_and_stop()

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_until_the_end_the_new_content_has_another_name_in_the_same_folder(tmp_path: Path) -> None:
    path = tmp_path / "array.bin"
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
        assert temporary.parent == path.parent

    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_refuses_what_is_not_finite(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "record.json", {"tar": number})

    assert list(tmp_path.iterdir()) == []


def test_json_keeps_the_order_of_keys(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", {"z": 1, "a": [2.5]})

    assert (tmp_path / "record.json").read_text() == '{\n "z": 1,\n "a": [\n  2.5\n ]\n}\n'


def test_sha256_of_the_standards_example(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-4's own example

    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def checked_file(tmp_path: Path) -> Path:
    path = tmp_path / "faces.bin"
    write_checked(path, lambda temporary: temporary.write_bytes(bytes(range(100))) and None)
    return path


def test_a_checked_file_is_sound(checked_file: Path) -> None:
    verify_checked(checked_file)

    assert checked_file.read_bytes() == bytes(range(100))


@pytest.mark.parametrize("damage", [bytes(range(99)), b"", b"\x01" + bytes(range(1, 100))])
def test_a_damaged_file_is_found(checked_file: Path, damage: bytes) -> None:
    checked_file.write_bytes(damage)

    with pytest.raises(CorruptFile, match=r"faces\.bin is damaged.*delete it and run the command again"):
        verify_checked(checked_file)


@pytest.mark.parametrize("lost", ["faces.bin", "faces.bin.sha256"])
def test_a_file_without_its_partner_was_never_finished(checked_file: Path, lost: str) -> None:
    (checked_file.parent / lost).unlink()

    with pytest.raises(CorruptFile, match="never finished"):
        verify_checked(checked_file)


def test_a_kill_between_file_and_checksum_leaves_nothing_that_passes(
    checked_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facelib.storage.write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        write_checked(checked_file, lambda temporary: temporary.write_bytes(b"new") and None)

    with pytest.raises(CorruptFile, match="never finished"):
        verify_checked(checked_file)


@given(st.dictionaries(st.text(), JSON_VALUES | st.dictionaries(st.text(), JSON_VALUES)), st.randoms())
def test_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object], random: object) -> None:
    keys = list(value)
    random.shuffle(keys)  # type: ignore[attr-defined]

    assert digest_of({key: value[key] for key in keys}) == digest_of(value)


@given(st.lists(st.integers(), min_size=2, unique=True))
def test_digest_depends_on_the_order_of_lists(values: list[int]) -> None:
    assert digest_of(values[::-1]) != digest_of(values)


def test_digest_is_the_same_in_every_process() -> None:
    # sha256 of {"a":1}
    assert digest_of({"a": 1}) == "015abd7f5cc57a2d"


def test_digest_refuses_what_is_not_finite() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest_of([float("nan")])


def test_the_cache_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert cache_folder() == tmp_path

    monkeypatch.setenv(CACHE_VARIABLE, "~/faces")
    assert cache_folder() == Path.home() / "faces"

    monkeypatch.delenv(CACHE_VARIABLE)
    assert cache_folder().name == "facelib"
