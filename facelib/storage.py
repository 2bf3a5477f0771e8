"""Where facelib keeps what it makes, and how files are written so that no reader ever sees half of one.

Every generated file is written under a temporary name in its own folder and renamed, so a kill or a full disk
leaves either the old file or none. A checksum tells a damaged file from a sound one: JSON carries that of its own
content, so that it can be copied and committed as one file; other files have a `.sha256` file beside them.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from facelib.errors import BadInput, CorruptFile, FacelibError, UnwritableFile

CACHE_VARIABLE = "FACELIB_CACHE"
SEAL = "sha256"  # the field of a JSON file that holds the checksum of all others
SHA256_DIGITS = 64
REMEDY = "delete it and run the command that makes it again"


def cache_folder() -> Path:
    """The folder for baked face models and generated data sets: $FACELIB_CACHE, or the user's cache directory."""
    from platformdirs import user_cache_path

    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_cache_path("facelib")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on a clean exit it is flushed to disk and takes its name.

    What a killed process of this machine left half-written of the file is cleared away first.

    Args:
        path: the final file. Its folder is made when missing.

    Raises:
        UnwritableFile: on a full disk, say; the temporary file is then removed and an old `path` stays as it was.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path)
        temporary = _temporary(path, os.getpid())
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says while a file is written into an error that names the file and the room there is.

    Args:
        path: the file. Only writing it belongs inside, since any OSError is taken for its own.

    Raises:
        UnwritableFile: instead of any OSError but facelib's own.
    """
    try:
        yield
    except FacelibError:
        raise
    except OSError as error:
        folder = next(folder for folder in path.absolute().parents if folder.is_dir())
        free = shutil.disk_usage(folder).free // 2**20
        said = f"could not write {path.name} in {path.parent} (free space: {free} MB): {error.strerror or error}"
        number = () if error.errno is None else (error.errno,)
        raise UnwritableFile(*number, said) from error


def _temporary(path: Path, process: int | str) -> Path:
    """The machine is named too: on a shared disk a process number alone says nothing about who lives."""
    return path.with_name(f".{path.name}.{socket.gethostname()}.{process}.part")


def _clear_leftovers(path: Path) -> None:
    pattern = glob.escape(_temporary(path, "").name.removesuffix(".part")) + "*.part"
    for leftover in path.parent.glob(pattern):
        process = leftover.name.split(".")[-2]
        if process.isdigit() and not _is_alive(int(process)):
            leftover.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


@contextmanager
def exclusive_lock(path: Path, held: str) -> Iterator[IO[str]]:
    """Hold a lock file, which says which processes hold it; the lock goes with them, however they end.

    Args:
        path: the file. Its folder is made when missing.
        held: what is said when others hold it; "{holders}" becomes their processes, such as "4242 on node7".

    Yields:
        The open file, so that a child process can hold it too and have a line of its own (`process_name`).

    Raises:
        BadInput: others hold it.
        UnwritableFile: on a full disk, or without permission.
    """
    import fcntl

    with opened_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holders = " and ".join(file.read().splitlines()) or "unknown"
            raise BadInput(held.replace("{holders}", holders)) from error
        with explained(path):
            file.truncate(0)
            os.write(file.fileno(), f"{process_name(os.getpid())}\n".encode())
        yield file


def opened_lock(path: Path) -> IO[str]:
    """A lock file to be locked, not yet locked; its folder is made when missing.

    Raises:
        UnwritableFile: on a full disk, or without permission.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a+", encoding="utf-8")


def process_name(number: int) -> str:
    """A process of this machine as others can find it, since machines share folders: "4242 on node7"."""
    job = os.environ.get("SLURM_JOB_ID")
    return f"{number} on {socket.gethostname()}{f' in Slurm job {job}' if job else ''}"


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically, keys in the given order, with the checksum of its content as the last field.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    plain = json.loads(json.dumps(content, allow_nan=False))  # as a reader will see it
    write_text(path, json.dumps(plain | {SEAL: _sha256_of_json(plain)}, indent=1) + "\n")


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """What `write_json` wrote, without the checksum.

    Args:
        path: the file.
        remedy: what to do about a damaged one; the message ends with it.

    Raises:
        CorruptFile: it is no JSON, or its content is not what its checksum says; spaces and line ends do not count.
    """
    return unsealed(parse_json(path, remedy), path, remedy)


def parse_json(path: Path, remedy: str) -> dict[str, Any]:
    """The fields of a JSON file, its checksum among them and not looked at; see `read_json`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path} is no JSON ({error}): {remedy}") from error
    if not isinstance(content, dict):
        raise CorruptFile(f"{path} holds a {type(content).__name__}, expected an object: {remedy}")
    return content


def unsealed(content: dict[str, Any], path: Path, remedy: str) -> dict[str, Any]:
    """What `parse_json` gave, compared with its checksum and without it; see `read_json`."""
    if SEAL not in content:
        raise CorruptFile(f"{path} holds no checksum (field {SEAL!r}), without which it is not believed: {remedy}")
    fields = {name: value for name, value in content.items() if name != SEAL}
    try:
        found = _sha256_of_json(fields)
    except (ValueError, RecursionError) as error:  # NaN, or nested without end
        raise CorruptFile(f"{path} holds what facelib never writes ({error}): {remedy}") from error
    if content[SEAL] != found:
        raise CorruptFile(
            f"{path} was damaged or edited: the SHA-256 of its content starts {found[:12]}, its field {SEAL!r} says "
            f"{str(content[SEAL])[:12]}; {remedy}"
        )
    return fields


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """A short stable fingerprint (16 hexadecimal digits) of anything JSON can hold."""
    return _sha256_of_json(value)[:16]


def _sha256_of_json(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_checked(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically, its checksum beside it.

    The checksum goes first. While there is an old file, its checksum stays in the list until the new file is in place,
    and a file that matches any of the list is sound: a kill or a full disk leaves the old pair or the new one.

    Raises:
        UnwritableFile: on a full disk, say.
    """
    checksum = hashlib.sha256(content).hexdigest()
    before: list[str] = []
    if path.is_file():
        with suppress(CorruptFile):
            before = _checksums(path, "")
    write_text(_checksum_path(path), "\n".join([*before, checksum]) + "\n")
    write_bytes(path, content)
    if before:
        write_text(_checksum_path(path), checksum + "\n")


def verify_checked(path: Path, remedy: str = REMEDY) -> str:
    """Compare a file with the checksum beside it.

    Args:
        path: the file.
        remedy: what to do about a damaged one; the message ends with it.

    Returns:
        The SHA-256 of its content.

    Raises:
        CorruptFile: unless both are there and match.
    """
    if not path.is_file():
        raise CorruptFile(f"{path} is missing: it was never finished; {remedy}")
    expected = _checksums(path, remedy)
    found = sha256_of(path)
    if found not in expected:
        raise CorruptFile(f"{path} is damaged: its SHA-256 starts {found[:12]}, expected {expected[-1][:12]}; {remedy}")
    return found


def verify_once(path: Path, remedy: str = REMEDY) -> str:
    """As `verify_checked`, for files that many ask about: read once a process for each time and size it has."""
    states = [each.stat() for each in (path, _checksum_path(path)) if each.is_file()]
    return _verified(path, remedy, *((state.st_mtime_ns, state.st_size) for state in states))


@lru_cache(maxsize=256)
def _verified(path: Path, remedy: str, *states: tuple[int, int]) -> str:
    return verify_checked(path, remedy)


def sha256_once(path: Path) -> str:
    """As `sha256_of`, read once for as long as the file's time and size stay the same."""
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _sha256(path: Path, *state: int) -> str:
    return sha256_of(path)


def remove_checked(path: Path) -> None:
    """Remove a file and the checksum beside it."""
    path.unlink(missing_ok=True)
    _checksum_path(path).unlink(missing_ok=True)


def _checksums(path: Path, remedy: str) -> list[str]:
    """What the file beside a file says; see `write_checked`."""
    beside = _checksum_path(path)
    if not beside.is_file():
        raise CorruptFile(f"{path} was never finished, as its checksum file is missing: {remedy}")
    found = beside.read_text(encoding="utf-8", errors="replace").split()
    if not found or any(len(each) != SHA256_DIGITS or set(each) - set("0123456789abcdef") for each in found):
        raise CorruptFile(f"{beside} holds no SHA-256 of {path.name}: {remedy}")
    return found


def _checksum_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
