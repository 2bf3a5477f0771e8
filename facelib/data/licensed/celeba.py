"""Reader of CelebA: aligned photographs, or the original ones, with people, attributes and the three parts.

The boxes of faces (`list_bbox_celeba.txt`) are those of the ORIGINAL photographs (img_celeba). In the aligned ones
(img_align_celeba, 178 x 218), which most people have, they lie anywhere, so there the face is where the five aligned
landmarks are. The aligned ones are read where a folder has both; --layout photographs=img_celeba chooses the others.
Source: Liu et al., "Deep learning face attributes in the wild", ICCV 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from facelib.data.licensed.crops import box_around_five, cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput

ALIGNED = (178, 218)  # pixels
ATTRIBUTES = 40
BOX = ("x_1", "y_1", "width", "height")
POINTS = tuple(
    f"{point}_{axis}" for point in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy"
)
FARTHEST = 20_000  # pixels: no photograph is as large
MOST_PEOPLE = 1_000_000

Parse = Callable[[List, list[str]], list[int]]


def _index(folder: DataFolder) -> Index:
    place = folder.place("photographs")
    aligned = "align" in place.rpartition("/")[2]
    files = list(folder.files(place, (".jpg", ".png")))
    if not files:
        raise BadInput(f"{folder.root / place} holds no photographs: expected 000001.jpg and so on")
    rows = {name.rpartition("/")[2].rpartition(".")[0]: row for row, name in enumerate(files)}
    points = "aligned_landmarks" if aligned else "landmarks"
    columns: dict[str, list] = {
        "files": [[name] for name in files],
        "identity": [
            person for (person,) in _listed(folder, "people", rows, 1, _numbers("the person", 1, MOST_PEOPLE))
        ],
        "partition": [part for (part,) in _listed(folder, "parts", rows, 1, _numbers("the part", 0, 2))],
        "attributes": _listed(folder, "attributes", rows, ATTRIBUTES, _signs, headed=True),
        "five_points": _listed(
            folder, points, rows, len(POINTS), _numbers("a landmark", -FARTHEST, FARTHEST), headed=True, names=POINTS
        ),
    }
    if not aligned:
        limits = _numbers("pixels", -FARTHEST, FARTHEST)
        columns["box"] = _listed(folder, "boxes", rows, len(BOX), limits, headed=True, names=BOX)
    people = sorted(set(columns["identity"]))
    number = {person: each for each, person in enumerate(people)}
    columns["identity"] = [number[person] for person in columns["identity"]]
    counts = {"photographs": len(files), "people": len(people)}
    counts |= {name: columns["partition"].count(part) for part, name in enumerate(("training", "validation", "test"))}
    return Index(columns, counts=counts)


def _listed(
    folder: DataFolder,
    part: str,
    rows: dict[str, int],
    width: int,
    parse: Parse,
    *,
    headed: bool = False,
    names: Sequence[str] = (),
) -> list:
    """What a list says of each photograph of the folder, in the folder's order.

    Args:
        folder: the user's.
        part: which list.
        rows: of the photographs, by their names without ending.
        width: numbers of each photograph.
        parse: of these numbers.
        headed: whether two lines come first, the number of photographs and the names of the numbers.
        names: which names are expected; any by default.
    """
    lines = List(folder, folder.place(part))
    if headed:
        count = lines.next("the number of photographs")
        lines.width(count, 1, "the number of photographs alone")
        lines.whole(count[0], "the number of photographs", 1, 10**7)
        header = lines.next(f"the names of {width} columns")
        found = header[-width:]  # the list of boxes names its first column too
        if len(found) != width or (names and tuple(found) != tuple(names)):
            raise lines.misfit(f"the names of {width} columns{': ' if names else ''}{' '.join(names)}")
    values: list = [None] * len(rows)
    for words in lines:
        lines.width(words, 1 + width, f"the name of a photograph and {width} numbers")
        row = rows.get(words[0].rpartition(".")[0])
        if row is None:
            continue  # lists go on where a folder holds a part of the photographs
        if values[row] is not None:
            raise lines.misfit("each photograph once")
        values[row] = parse(lines, words[1:])
    if None in values:
        missing = next(name for name, row in rows.items() if values[row] is None)
        raise folder.misfit(lines.name, f"says nothing of {missing}", "every photograph of the folder in it")
    return values


def _numbers(what: str, low: int, high: int) -> Parse:
    return lambda lines, words: [lines.whole(word, what, low, high) for word in words]


def _signs(lines: List, words: list[str]) -> list[int]:
    if not set(words) <= {"1", "-1"}:
        raise lines.misfit(f"{ATTRIBUTES} attributes, each 1 or -1")
    return [int(word) for word in words]


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    points = np.array(row["five_points"], np.float64).reshape(-1, 2) + 0.5  # from a pixel's number to its centre
    try:
        if "box" in row:
            left, top, width, height = row["box"]
            box = FaceBox(left, top, left + width, top + height)
        else:
            box = box_around_five(points)
    except BadInput as error:
        raise folder.misfit(name, f"has a face that is none in the lists ({error})", "a box or landmarks") from error
    photograph = folder.photograph(name, None if "box" in row else ALIGNED)
    return (
        cropped(folder, name, photograph, box, size, places={"five_points": points})
        | known()
        | {
            "partition": np.array(row["partition"], np.int16),
            "attributes": np.array(row["attributes"], np.int8),
        }
    )


READER = Reader(
    name="celeba",
    title="CelebA",
    licence="non-commercial research",
    ask="its page at the Chinese University of Hong Kong",
    disk="1.7 GB aligned, 10 GB original",
    serves="paper 5: training, and the cases of figure 8",
    layout={
        "photographs": ("img_align_celeba", "Img/img_align_celeba", "img_celeba", "Img/img_celeba"),
        "people": ("identity_CelebA.txt", "Anno/identity_CelebA.txt"),
        "parts": ("list_eval_partition.txt", "Eval/list_eval_partition.txt"),
        "attributes": ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt"),
        "aligned_landmarks": ("list_landmarks_align_celeba.txt", "Anno/list_landmarks_align_celeba.txt"),
        "landmarks": ("list_landmarks_celeba.txt", "Anno/list_landmarks_celeba.txt"),
        "boxes": ("list_bbox_celeba.txt", "Anno/list_bbox_celeba.txt"),
    },
    counts={"photographs": 202599, "people": 10177, "training": 162770, "validation": 19867, "test": 19962},
    index=_index,
    read=_read,
)
