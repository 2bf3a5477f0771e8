"""Where facelib keeps what it makes, and how files are written so that no reader ever sees half of one.

Every generated file is written under a temporary name in its own folder and renamed, so a kill or a full disk
leaves either the old file or none. A `.sha256` file beside it tells a damaged file from a sound one.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from facelib.errors import BadInput, CorruptFile

CACHE_VARIABLE = "FACELIB_CACHE"


def cache_folder() -> Path:
    """The folder for baked face models and generated data sets: $FACELIB_CACHE, or the user's cache directory."""
    from platformdirs import user_cache_path

    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_cache_path("facelib")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on a clean exit it is flushed to disk and takes its name.

    Args:
        path: the final file. Its folder is made when missing.

    Raises:
        OSError: on a full disk, say; the temporary file is then removed and an old `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        where = f"{path.parent} (free space: {_free_megabytes(path.parent)} MB)"
        raise OSError(error.errno, f"could not write {path.name} in {where}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


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
    """
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holders = " and ".join(file.read().splitlines()) or "unknown"
            raise BadInput(held.replace("{holders}", holders)) from error
        file.truncate(0)
        file.write(f"{process_name(os.getpid())}\n")
        file.flush()
        yield file


def process_name(number: int) -> str:
    """A process of this machine as others can find it, since machines share folders: "4242 on node7"."""
    job = os.environ.get("SLURM_JOB_ID")
    return f"{number} on {socket.gethostname()}{f' in Slurm job {job}' if job else ''}"


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically (UTF-8)."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, keys in the given order, NaN refused.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(value: Any) -> str:
    """A short stable fingerprint (16 hexadecimal digits) of anything JSON can hold."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_checked(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file through `write(temporary_path)` atomically and lay its checksum beside it."""
    with atomic_path(path) as temporary:
        write(temporary)
        checksum = sha256_of(temporary)
        _checksum_path(path).unlink(missing_ok=True)
    write_text(_checksum_path(path), checksum + "\n")


def verify_checked(path: Path) -> None:
    """Raise CorruptFile unless `path` exists and matches the checksum beside it."""
    if not path.is_file() or not _checksum_path(path).is_file():
        raise CorruptFile(f"{path} or its checksum file is missing: it was never finished")
    expected = _checksum_path(path).read_text(encoding="utf-8").strip()
    found = sha256_of(path)
    if found != expected:
        raise CorruptFile(
            f"{path} is damaged: its SHA-256 starts {found[:12]}, expected {expected[:12]}; "
            "delete it and run the command again to rebuild it"
        )


def _checksum_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _free_megabytes(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free // 2**20
