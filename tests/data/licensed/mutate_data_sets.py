"""Damage a file of every licensed data set in a thousand ways, and count what becomes of its folder.

    PYTHONPATH=tests python tests/data/licensed/mutate_data_sets.py --count 10000

A damaged folder must be refused in one of facelib's own errors that names the file, within a second more than the sound
one takes, and with 500 MB (as a script; tests do not limit memory). It may be read where the damage changes nothing, or
where nothing can tell: another number in a list, another pixel, a scan less. Any other error, and one that names
another file than the damaged one, is a fault. Besides bytes, a file's name, place and kind are changed: a link out of
the folder, a folder, a pipe, a name that is not ASCII. The mutations are the same in every run.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from damaged_bytes import damaged
from written_sets import WRITERS

from facelib.data.licensed import READERS
from facelib.data.licensed.checking import check_samples
from facelib.data.licensed.folders import DataFolder
from facelib.errors import FacelibError

REFUSED, READ = "refused", "read"
RAW, UNNAMED, SLOW = "ANOTHER ERROR", "NAMES NO FILE", "SLOW"
OUTCOMES = (REFUSED, READ, RAW, UNNAMED, SLOW)
FAULTS = (RAW, UNNAMED, SLOW)
LONGEST_S = 1.0
MEMORY = 500 * 2**20  # bytes, besides what Python and torch take
EXAMPLES = 5  # of faults, printed for each data set
LISTS = (".txt", ".csv", ".json")
WORDS = (
    b"nan",
    b"-inf",
    b"1e999",
    b"999999999999999999999",
    b"-1",
    b"",
    b"../../x",
    "Ünïcode".encode(),
    b"\xff\xfe",
    b"0",
)


def outcomes(name: str, count: int) -> Iterator[tuple[int, str, str]]:
    """The number, outcome and error text of each of so many mutations of a data set."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "given")
        root.mkdir()
        WRITERS[name](root)
        _check(name, root)  # which loads and compiles what is needed
        files = sorted(path for path in root.rglob("*") if path.is_file())
        kinds = sorted({path.suffix for path in files})
        started = time.process_time()
        _check(name, root)
        limit = LONGEST_S + time.process_time() - started
        for number in range(count):
            chance = random.Random(f"{name} {number}")
            kind = chance.choice(kinds)  # lists are few beside photographs
            path = chance.choice([path for path in files if path.suffix == kind])
            with _harmed(path, chance, root.parent):
                yield number, *_outcome(name, root, path, limit)


@contextmanager
def _harmed(path: Path, chance: random.Random, outside: Path) -> Iterator[None]:
    """A file with other bytes, or in a tenth of all cases with something else in its place."""
    if chance.random() > 0.1:
        content = path.read_bytes()
        own = OWN.get(path.suffix, [])
        path.write_bytes(damaged(content, chance, own))
        yield
        path.write_bytes(content)
        return
    kept = path.rename(outside / "kept")
    chance.choice((_link_out, _folder, _pipe, _other_name, _nothing))(path, kept)
    yield
    for left in (path, _renamed(path)):
        if left.is_dir():
            left.rmdir()
        left.unlink(missing_ok=True)
    kept.rename(path)


def _link_out(path: Path, kept: Path) -> None:
    path.symlink_to(kept)


def _folder(path: Path, kept: Path) -> None:
    path.mkdir()


def _pipe(path: Path, kept: Path) -> None:
    os.mkfifo(path)


def _other_name(path: Path, kept: Path) -> None:
    shutil.copy(kept, _renamed(path))


def _renamed(path: Path) -> Path:
    return path.with_name(f"ü {path.name}")


def _nothing(path: Path, kept: Path) -> None:
    """The file is gone."""


def _check(name: str, root: Path, damaged_file: Path | None = None) -> None:
    """List a folder and read it: all of it, or the samples that a file belongs to, where it belongs to some."""
    reader = READERS[name]
    folder = DataFolder(root, reader.layout)
    index = reader.index(folder)
    if damaged_file is not None:
        place = damaged_file.relative_to(root).as_posix()
        seen: set[tuple[str, ...]] = set()
        rows = []
        for row, files in enumerate(index.columns["files"]):
            if place in files and tuple(files) not in seen:  # samples that share all files are read alike
                seen.add(tuple(files))
                rows.append(row)
        if rows:
            columns = {key: [column[row] for row in rows] for key, column in index.columns.items()}
            index = replace(index, columns=columns)
    check_samples(reader, folder, index)


def _outcome(name: str, root: Path, path: Path, limit: float) -> tuple[str, str]:
    started = time.process_time()
    try:
        _check(name, root, path)
        outcome, told = READ, ""
    except FacelibError as error:
        outcome, told = REFUSED, str(error)
        if not _names(told, path, root):
            outcome = UNNAMED
    except Exception as error:
        outcome, told = RAW, repr(error)
    if time.process_time() - started > limit:
        outcome = SLOW
    return outcome, f"{path.name}: {told}"


def _names(told: str, path: Path, root: Path) -> bool:
    """Whether an error names the file, and what is wrong; of a list, perhaps the photograph that it speaks of."""
    named = path.stem in told or ((path.suffix in LISTS or not path.exists()) and str(root) in told)
    return named and any(word in told for word in ("expected", "is damaged", "is empty", "is no ", "do not fit"))


def _worded(content: bytes, chance: random.Random) -> bytes:
    """A word of a list becomes what no list should hold there."""
    words = list(re.finditer(rb"[^\s,\"]+", content))
    word = chance.choice(words)
    return content[: word.start()] + chance.choice(WORDS) + content[word.end() :]


def _windows(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b"\n", b"\r\n")


def _bomb(content: bytes, chance: random.Random) -> bytes:
    """A range image of a million samples, and a line of a hundred million words behind its header."""
    return BOMB


BOMB = gzip.compress(b"1000 rows\n1000 columns\npixels (flag X Y Z):\n" + b"1 " * 10**8, 1)
OWN = {
    **{kind: [_worded] * 4 + [_windows] for kind in LISTS},
    **{kind: [_worded] * 2 + [_windows] for kind in (".bnd", ".lm3", ".cal", ".ljson", ".mtl", ".wrl", ".obj", ".abs")},
    ".gz": [_bomb],
}


def main() -> None:
    """Print a table, and examples of faults; exit 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="mutations of each data set (default 1000)")
    parser.add_argument("--only", choices=list(WRITERS), help="one data set")
    chosen = parser.parse_args()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    faulty = False
    print(f"{'':12}" + "".join(f"{outcome:>16}" for outcome in OUTCOMES))
    for name in [chosen.only] if chosen.only else WRITERS:
        found = list(outcomes(name, chosen.count))
        counts = Counter(outcome for _, outcome, _ in found)
        print(f"{name:12}" + "".join(f"{counts[outcome]:16}" for outcome in OUTCOMES), flush=True)
        for number, outcome, told in [each for each in found if each[1] in FAULTS][:EXAMPLES]:
            print(f"    mutation {number}: {outcome} {told}")
            faulty = True
    sys.exit(faulty)


if __name__ == "__main__":
    main()
