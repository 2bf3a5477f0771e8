"""Reader of VGGFace2: loose crops of web photographs, with a box and five landmarks of each.

Folders are people (n000002), files photographs and faces in them (0001_01.jpg). The published networks see a box of a
detector, enlarged by 0.3; the files themselves are that box enlarged by 1. The official download is withdrawn, and
copies name photographs otherwise: what the lists do not know is refused, what they know and the folder lacks is only
counted.
Source: Cao et al., "VGGFace2: a dataset for recognising faces across pose and age", FG 2018.
"""

from __future__ import annotations

import numpy as np

from facelib.data.licensed.crops import cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput

ENLARGED = 1.3
FARTHEST = 100_000  # pixels
PARTS = ("training", "test")
BOX = ("NAME_ID", "X", "Y", "W", "H")
POINTS = ("NAME_ID", *(f"P{point}{axis}" for point in range(1, 6) for axis in "XY"))


def _index(folder: DataFolder) -> Index:
    columns: dict[str, list] = {"files": [], "identity": [], "partition": [], "box": [], "five_points": []}
    people: dict[str, int] = {}
    counts = {}
    for number, part in enumerate(PARTS):
        place = folder.place(part)
        files = list(folder.files(place, (".jpg",)))
        if not files:
            raise BadInput(f"{folder.root / place} holds no photographs: expected n000002/0001_01.jpg and so on")
        boxes = _listed(folder, f"{part}_boxes", BOX)
        points = _listed(folder, f"{part}_landmarks", POINTS)
        before = len(people)
        for file in files:
            name = file.removeprefix(f"{place}/").removesuffix(".jpg")
            if name not in boxes or name not in points:
                raise folder.misfit(file, "is in no list of boxes and landmarks", "photographs as the lists name them")
            columns["files"].append([file])
            columns["identity"].append(people.setdefault(name.rpartition("/")[0], len(people)))
            columns["partition"].append(number)
            columns["box"].append(boxes[name])
            columns["five_points"].append(points[name])
        counts[f"{part} people"] = len(people) - before
        counts[f"{part} photographs"] = len(files)
    return Index(columns, counts=counts)


def _listed(folder: DataFolder, part: str, header: tuple[str, ...]) -> dict[str, list[float]]:
    """What a list says of each photograph: person/photograph -> numbers."""
    lines = List(folder, folder.place(part), ",")
    lines.header(header)
    found = {}
    for words in lines:
        lines.width(words, len(header), f"values of {', '.join(header)}")
        found[words[0]] = [lines.number(word, "pixels", -FARTHEST, FARTHEST) for word in words[1:]]
    return found


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    left, top, width, height = row["box"]
    try:
        box = FaceBox(left, top, left + width, top + height)
    except BadInput as error:
        raise folder.misfit(name, f"has no box in the list ({error})", "a width and height above 0") from error
    points = {"five_points": np.array(row["five_points"], np.float64).reshape(-1, 2) + 0.5}
    sample = cropped(folder, name, folder.photograph(name), box, size, places=points, enlarge=ENLARGED)
    return sample | known() | {"partition": np.array(row["partition"], np.int16)}


def _lists(kind: str) -> dict[str, tuple[str, ...]]:
    """Where the lists of boxes or landmarks lie, by the names of the layout."""
    files = {"training": "train", "test": "test"}
    name = {"boxes": "bb", "landmarks": "landmark"}[kind]
    return {
        f"{part}_{kind}": tuple(f"{place}loose_{name}_{file}.csv" for place in ("bb_landmark/", "", "meta/"))
        for part, file in files.items()
    }


READER = Reader(
    name="vggface2",
    title="VGGFace2",
    licence="research; its official download is withdrawn",
    ask="the Visual Geometry Group, Oxford",
    disk="38 GB",
    serves="papers 1 and 2: pretraining",
    layout={
        "training": ("train", "data/train"),
        "test": ("test", "data/test"),
        **_lists("boxes"),
        **_lists("landmarks"),
    },
    counts={"training people": 8631, "test people": 500, "training photographs": 3141890, "test photographs": 169396},
    index=_index,
    read=_read,
)
