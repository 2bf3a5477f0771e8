"""No reader ever sees half a file: kills, full disks and damaged bytes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facelib.errors import BadInput, CorruptFile, UnwritableFile
from facelib.storage import (
    CACHE_VARIABLE,
    atomic_path,
    cache_folder,
    digest_of,
    exclusive_lock,
    read_json,
    sha256_of,
    verify_checked,
    verify_once,
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
    with pytest.raises(UnwritableFile, match=r"could not write record.json in .*free space: \d+ MB") as caught:
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

    text = '{"a":[2.5],"z":1}'  # what is hashed: sorted, without spaces
    seal = hashlib.sha256(text.encode()).hexdigest()
    content = (tmp_path / "record.json").read_text()
    assert content == '{\n "z": 1,\n "a": [\n  2.5\n ],\n "sha256": "' + seal + '"\n}\n'


def test_sha256_of_the_standards_example(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-4's own example

    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "2.5",
            "2.6",
            r"was damaged or edited: the SHA-256 of its content starts .{12}, its field 'sha256' says .{12}",
        ),
        ('"z"', '"y"', "was damaged or edited"),
        ('"sha256": "', '"sha256": "0', "was damaged or edited"),
        ('"sha256"', '"sha255"', "holds no checksum"),
        ("2.5", "NaN", "holds what facelib never writes"),
        ("2.5", "[" * 100_000, "is no JSON"),
        ("}", "", "is no JSON"),
        ("{", "\ufeff{", "is no JSON"),
    ],
)
def test_damaged_json_is_refused_with_its_name_and_remedy(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "record.json"
    write_json(path, {"z": 1, "a": [2.5]})
    path.write_text(path.read_text().replace(old, new), encoding="utf-8")

    with pytest.raises(CorruptFile, match=rf"record\.json {said}.*[:;] make it again$"):
        read_json(path, "make it again")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b"3"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.json").write_bytes(content)

    with pytest.raises(CorruptFile, match=r"record\.json (is no JSON|holds a (list|int), expected an object)"):
        read_json(tmp_path / "record.json", "make it again")


@given(st.dictionaries(st.text().filter(lambda key: key != "sha256"), JSON_VALUES))
def test_json_is_read_back_whatever_its_layout(value: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        write_json(path, value)
        assert read_json(path, "") == value
        path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, separators=(" , ", " : ")))
        assert read_json(path, "") == value


@pytest.fixture
def checked_file(tmp_path: Path) -> Path:
    path = tmp_path / "faces.bin"
    write_checked(path, bytes(range(100)))
    return path


def test_a_checked_file_is_sound(checked_file: Path) -> None:
    assert verify_checked(checked_file) == sha256_of(checked_file)
    assert checked_file.read_bytes() == bytes(range(100))


@pytest.mark.parametrize("damage", [bytes(range(99)), b"", b"\x01" + bytes(range(1, 100))])
def test_a_damaged_file_is_found(checked_file: Path, damage: bytes) -> None:
    checked_file.write_bytes(damage)

    with pytest.raises(CorruptFile, match=r"faces\.bin is damaged.*delete it and run the command"):
        verify_checked(checked_file)


@pytest.mark.parametrize("lost", ["faces.bin", "faces.bin.sha256"])
def test_a_file_without_its_partner_was_never_finished(checked_file: Path, lost: str) -> None:
    (checked_file.parent / lost).unlink()

    with pytest.raises(CorruptFile, match=r"never finished.*bake it anew"):
        verify_checked(checked_file, "bake it anew")


@pytest.mark.parametrize("checksum", [b"", b"\xff\x00", b"damaged\n", b"0" * 63, b"g" * 64])
def test_garbage_instead_of_a_checksum_is_named(checked_file: Path, checksum: bytes) -> None:
    checked_file.with_name("faces.bin.sha256").write_bytes(checksum)

    with pytest.raises(CorruptFile, match=r"faces\.bin\.sha256 holds no SHA-256 of faces\.bin: delete it"):
        verify_checked(checked_file)


def test_a_file_that_many_ask_about_is_read_once_until_it_or_its_checksum_changes(
    checked_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    monkeypatch.setattr("facelib.storage.sha256_of", lambda path: read.append(path) or sha256_of(path))
    assert verify_once(checked_file, "") == verify_once(checked_file, "") == sha256_of(checked_file)
    assert read == [checked_file]

    checked_file.with_name("faces.bin.sha256").write_bytes(b"garbage")
    with pytest.raises(CorruptFile, match="holds no SHA-256"):
        verify_once(checked_file, "")
    checked_file.write_bytes(b"other")
    write_checked(checked_file, b"new")
    assert verify_once(checked_file, "") == sha256_of(checked_file)


@pytest.mark.parametrize("renamed_before", range(4))
def test_a_kill_leaves_the_old_file_or_the_new_one(
    checked_file: Path, monkeypatch: pytest.MonkeyPatch, renamed_before: int
) -> None:
    """However many files took their names before; three do."""
    replace, renamed = os.replace, list[str]()

    def killed_at_the_last(source: Path, target: Path) -> None:
        if len(renamed) == renamed_before:
            raise KeyboardInterrupt
        renamed.append(target.name)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed_at_the_last)
        with suppress(KeyboardInterrupt):
            write_checked(checked_file, b"new")
    verify_checked(checked_file)
    assert checked_file.read_bytes() == (b"new" if "faces.bin" in renamed else bytes(range(100)))

    write_checked(checked_file, b"newer")
    assert checked_file.with_name("faces.bin.sha256").read_text() == verify_checked(checked_file) + "\n"


def test_a_kill_before_the_first_file_leaves_nothing_that_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facelib.storage.write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        write_checked(tmp_path / "faces.bin", b"new")

    with pytest.raises(CorruptFile, match="never finished"):
        verify_checked(tmp_path / "faces.bin")


def test_a_writer_clears_what_dead_processes_left_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "roc[1].png"
    with subprocess.Popen(["true"]) as ended:
        pass
    here = socket.gethostname()
    left = [f".roc[1].png.{here}.{ended.pid}.part"]
    kept = [
        f".roc[1].png.{here}.{os.getppid()}.part",  # of a process that lives
        f".roc[1].png.elsewhere.{ended.pid}.part",  # of another machine, which says nothing of its own
        f".roc1.png.{here}.{ended.pid}.part",  # of another file
    ]
    for name in left + kept:
        (tmp_path / name).write_bytes(b"half")

    write_text(path, "whole")

    assert {each.name for each in tmp_path.iterdir()} == {path.name, *kept}


def test_all_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "note.txt", "")
        write_json(tmp_path / "record.json", {})
        write_checked(tmp_path / "faces.bin", b"")
    finally:
        os.umask(before)

    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o640}


def test_an_error_of_ours_while_writing_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(CorruptFile, match=r"^part is damaged$"), atomic_path(tmp_path / "array.bin"):
        raise CorruptFile("part is damaged")


def test_an_error_without_a_number_is_explained_too(tmp_path: Path) -> None:
    with (
        pytest.raises(UnwritableFile, match=r"^could not write a\.png in .* MB\): encoder error$"),
        atomic_path(tmp_path / "a.png"),
    ):
        raise OSError("encoder error")  # as imaging libraries do


ENDLESS = """
import sys
from pathlib import Path

from facelib.storage import write_checked

print("begun", flush=True)
while True:
    for letter in (b"a", b"b"):
        write_checked(Path(sys.argv[1]), letter * 1_000_000)
"""


def test_kills_at_any_time_leave_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "faces.bin"
    write_checked(path, b"a" * 1_000_000)
    for delay in (0.0, 0.01, 0.033, 0.05, 0.071):
        with subprocess.Popen([sys.executable, "-c", ENDLESS, path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(delay)
            process.kill()
        verify_checked(path)
        assert set(path.read_bytes()) in ({ord("a")}, {ord("b")})
    write_checked(path, b"c")
    assert {each.name for each in tmp_path.iterdir()} == {"faces.bin", "faces.bin.sha256"}  # no halves


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnwritableFile, match=r"write note.txt in .*file/folder \(free space: \d+ MB\): Not a dir"):
        write_text(tmp_path / "file" / "folder" / "note.txt", "")
    with (
        pytest.raises(UnwritableFile, match=r"could not write run.lock"),
        exclusive_lock(tmp_path / "file" / "run.lock", ""),
    ):
        pass


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
