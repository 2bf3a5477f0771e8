"""Reader of LFW: photographs of 250 x 250 pixels, and the pairs of its ten folds (view 2).

The photographs are boxes of a face detector, enlarged by 2.2 to each side, so the face's box lies in the middle. The
aligned variants (funneled) have the same names and size.
Source: Huang et al., "Labeled Faces in the Wild", technical report 07-49, University of Massachusetts, 2007.
"""

from __future__ import annotations

from typing import Any

from facelib.data.licensed.crops import cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput

SIDE = 250  # pixels
ENLARGED = 2.2
MOST_FOLDS, MOST_PAIRS, MOST_PHOTOGRAPHS = 100, 100_000, 9999


def _index(folder: DataFolder) -> Index:
    place = folder.place("photographs")
    files = list(folder.files(place, (".jpg",)))
    if not files:
        raise BadInput(f"{folder.root / place} holds no photographs: expected Name/Name_0001.jpg and so on")
    people = [_person(folder, name) for name in files]
    numbers = {name: number for number, name in enumerate(sorted(set(people)))}
    rows = {name.rpartition("/")[2].removesuffix(".jpg"): row for row, name in enumerate(files)}
    protocol = _pairs(folder, rows)
    counts = {"photographs": len(files), "people": len(numbers), "pairs": len(protocol["pairs"])}
    columns: dict[str, list[Any]] = {
        "files": [[name] for name in files],
        "identity": [numbers[name] for name in people],
    }
    return Index(columns, protocol, counts)


def _person(folder: DataFolder, file: str) -> str:
    """Whose photograph it is, as its name and its folder both say."""
    *_, person, name = ("", *file.split("/"))
    stem, _, number = name.removesuffix(".jpg").rpartition("_")
    if stem != person or len(number) != 4 or not (number.isascii() and number.isdigit()):
        raise folder.misfit(file, "is in another folder or has another name", "Name/Name_0001.jpg and so on")
    return person


def _pairs(folder: DataFolder, rows: dict[str, int]) -> dict[str, list[Any]]:
    """Rows of two photographs, whether they are of one person, and the fold, from 0, of each pair."""
    lines = List(folder, folder.place("pairs"), "\t")
    first = "the numbers of folds and of pairs in each, with a tab between"
    words = lines.next(first)
    lines.width(words, 2, first)
    folds, count = lines.whole(words[0], "folds", 1, MOST_FOLDS), lines.whole(words[1], "pairs", 1, MOST_PAIRS)
    found: dict[str, list[Any]] = {"pairs": [], "pair_same": [], "pair_fold": []}
    for fold in range(folds):
        for same in (1, 0):
            expected = "name, number, number" if same else "name, number, name, number"
            for _ in range(count):
                words = lines.next(f"{count} pairs of {expected} in fold {fold + 1}")
                lines.width(words, 4 - same, f"{expected}, with tabs between")
                name, number, *other = words
                both = (name, number), (name, other[0]) if same else (other[0], other[1])
                found["pairs"].append([_row(lines, rows, *each) for each in both])
                found["pair_same"].append(same)
                found["pair_fold"].append(fold)
    for _ in lines:
        raise lines.misfit(f"the end of the file after {folds} folds")
    return found


def _row(lines: List, rows: dict[str, int], name: str, number: str) -> int:
    photograph = f"{name}_{lines.whole(number, 'the number of a photograph', 1, MOST_PHOTOGRAPHS):04d}"
    if photograph not in rows:
        raise lines.misfit(f"photographs of the folder, which has no {photograph[:60]!r}")
    return rows[photograph]


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    low, high = (SIDE / 2 * (1 + sign / ENLARGED) for sign in (-1, 1))
    photograph = folder.photograph(name, (SIDE, SIDE))
    return cropped(folder, name, photograph, FaceBox(low, low, high, high), size) | known()


READER = Reader(
    name="lfw",
    title="LFW",
    licence="research; photographs of the press, whose rights stay with their owners",
    ask="its page at the University of Massachusetts: lfw.tgz and pairs.txt",
    disk="180 MB",
    serves="paper 3: recognition",
    layout={"photographs": ("lfw", "lfw_funneled", "lfw-funneled", "lfw-deepfunneled"), "pairs": ("pairs.txt",)},
    counts={"photographs": 13233, "people": 5749, "pairs": 6000},
    index=_index,
    read=_read,
)
