"""Damage a file of every licensed data set in a thousand ways, and count what becomes of its folder.

    PYTHONPATH=tests python tests/data/licensed/mutate_data_sets.py --count 10000

A damaged folder must be refused in one of facelib's own errors that names the file, within a second. It may be read
where the damage changes nothing, or where nothing can tell: another number in a list, another pixel. Any other error,
and one that names another file than the damaged one, is a fault. The mutations are the same in every run.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
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
        _check(name, root)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        kinds = sorted({path.suffix for path in files})
        for number in range(count):
            chance = random.Random(f"{name} {number}")
            kind = chance.choice(kinds)  # lists are few beside photographs
            path = chance.choice([path for path in files if path.suffix == kind])
            content = path.read_bytes()
            own = [_worded] * 4 + [_windows] if kind in LISTS else []
            path.write_bytes(damaged(content, chance, own))
            yield number, *_outcome(name, root, path)
            path.write_bytes(content)


def _check(name: str, root: Path) -> None:
    reader = READERS[name]
    folder = DataFolder(root, reader.layout)
    check_samples(reader, folder, reader.index(folder))


def _outcome(name: str, root: Path, path: Path) -> tuple[str, str]:
    started = time.process_time()
    try:
        _check(name, root)
        outcome, told = READ, ""
    except FacelibError as error:
        outcome, told = REFUSED, str(error)
        if not _names(told, path, root):
            outcome = UNNAMED
    except Exception as error:
        outcome, told = RAW, repr(error)
    if time.process_time() - started > LONGEST_S:
        outcome = SLOW
    return outcome, f"{path.name}: {told}"


def _names(told: str, path: Path, root: Path) -> bool:
    """Whether an error names the file, and what is wrong; of a list, perhaps the photograph that it speaks of."""
    named = path.name in told or (path.suffix in LISTS and str(root) in told)
    return named and any(word in told for word in ("expected", "is damaged", "is empty", "is no "))


def _worded(content: bytes, chance: random.Random) -> bytes:
    """A word of a list becomes what no list should hold there."""
    words = list(re.finditer(rb"[^\s,\"]+", content))
    word = chance.choice(words)
    return content[: word.start()] + chance.choice(WORDS) + content[word.end() :]


def _windows(content: bytes, chance: random.Random) -> bytes:
    return content.replace(b"\n", b"\r\n")


def main() -> None:
    """Print a table, and examples of faults; exit 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="mutations of each data set (default 1000)")
    parser.add_argument("--only", choices=list(WRITERS), help="one data set")
    chosen = parser.parse_args()
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
