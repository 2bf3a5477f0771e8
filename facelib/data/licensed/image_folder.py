"""Reader of a folder of photographs without anything beside them, as MoFA-Test is passed on between authors.

It has no fixed layout, 78 or 84 photographs by its copies, and no boxes: the largest square in the middle of each is
taken. Every photograph counts as another person.
Source: Tewari et al., "MoFA", ICCV 2017.
"""

from __future__ import annotations

from typing import Any

from facelib.data.licensed.crops import cropped, known
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.photographs import FaceBox
from facelib.errors import BadInput

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


def _index(folder: DataFolder) -> Index:
    place = folder.place("photographs")
    files = list(folder.files(place, ENDINGS))
    if not files:
        raise BadInput(f"{folder.root} holds no photographs: expected files that end in {', '.join(ENDINGS)}")
    columns: dict[str, list[Any]] = {"files": [[name] for name in files], "identity": list(range(len(files)))}
    return Index(columns, counts={"photographs": len(files)})


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    (name,) = row["files"]
    photograph = folder.photograph(name)
    width, height = photograph.width, photograph.height
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = FaceBox(left, top, left + side, top + side)
    return cropped(folder, name, photograph, box, size, enlarge=1.0) | known()


READER = Reader(
    name="mofa_test",
    title="MoFA-Test",
    licence="photographs of the web; passed on between authors for comparison",
    ask="authors who compare on it, such as those of GANFit",
    disk="10 MB",
    serves="paper 5: pictures of reconstructions",
    layout={"photographs": ("MoFA-test", "MoFA_test", ".")},
    counts={},
    index=_index,
    read=_read,
)
