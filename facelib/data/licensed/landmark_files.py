"""Landmarks on scans: `.bnd` of BU-3DFE, `.lm3` of Bosphorus, and `.ljson` of menpo, as points in the scan's frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from facelib.conventions import LANDMARK_COUNT
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.lists import List
from facelib.storage import parse_json

BND_POINTS = 83  # eyes 8 and 8, brows 10 and 10, nose 12, mouth 20, contour 15; left ones of the subject first
FARTHEST = 1e4  # mm: nothing is as far from a scanner
LM3_LABELS = (
    "Outer left eye brow",
    "Middle of the left eye brow",
    "Inner left eye brow",
    "Inner right eye brow",
    "Middle of the right eye brow",
    "Outer right eye brow",
    "Outer left eye corner",
    "Inner left eye corner",
    "Inner right eye corner",
    "Outer right eye corner",
    "Nose saddle left",
    "Nose saddle right",
    "Left nose peak",
    "Nose tip",
    "Right nose peak",
    "Left mouth corner",
    "Upper lip outer middle",
    "Right mouth corner",
    "Upper lip inner middle",
    "Lower lip inner middle",
    "Lower lip outer middle",
    "Chin middle",
    "Left ear lobe",
    "Right ear lobe",
)
LM3_NOSE_TIP = LM3_LABELS.index("Nose tip")
REMEDY = "copy or download it again"


def read_bnd(folder: DataFolder, name: str) -> np.ndarray:
    """The 83 points (83, 3) of a `.bnd`: lines with a number, one after the other, and x, y, z.

    Raises:
        BadInput, CorruptFile: missing, or no such file; the message names the line.
    """
    lines = List(folder, name)
    points: list[list[float]] = []
    first = 0
    for words in lines:
        lines.width(words, 4, "a number and x, y and z")
        number = lines.whole(words[0], "the point's number", 0, BND_POINTS)
        first = number if not points else first
        if number != first + len(points) or first > 1:
            raise lines.misfit("points that are counted from 0 or 1")
        if len(points) == BND_POINTS:
            raise lines.misfit(f"the end of the file after {BND_POINTS} points")
        points.append(_point(lines, words[1:]))
    if len(points) != BND_POINTS:
        raise folder.misfit(name, f"has {len(points)} points", f"{BND_POINTS} lines")
    return np.array(points)


def read_lm3(folder: DataFolder, name: str) -> np.ndarray:
    """The points (24, 3) of a `.lm3` in the order of `LM3_LABELS`, NaN where a scan has none.

    A label of none of them is passed over, as long as one is among them.

    Raises:
        BadInput, CorruptFile: missing, or no such file; the message names the line.
    """
    lines = List(folder, name)
    count = _lm3_count(lines)
    places = {label.lower(): number for number, label in enumerate(LM3_LABELS)}
    points = np.full((len(LM3_LABELS), 3), np.nan)
    for _ in range(count):
        label = " ".join(lines.next(f"the labels and places of {count} landmarks")).lower()
        point = _point(lines, lines.next(f"x, y and z of {label[:30]!r}"))
        if label in places:
            points[places[label]] = point
    for _ in lines:
        raise lines.misfit(f"the end of the file after {count} landmarks")
    if np.isnan(points).all():
        raise folder.misfit(name, "has none of the landmarks", f"labels such as {LM3_LABELS[0]!r}")
    return points


def _lm3_count(lines: List) -> int:
    first = "a comment, and then a line such as '22 landmarks:'"
    words = lines.next(first)
    while words[0].startswith("#"):
        words = lines.next(first)
    if len(words) != 2 or words[1] != "landmarks:":
        raise lines.misfit(first)
    return lines.whole(words[0], "the number of landmarks", 1, 100)


def read_ljson(folder: DataFolder, name: str) -> np.ndarray:
    """The 68 points (68, 3) of a menpo file of any version, in the order of iBUG.

    Raises:
        BadInput, CorruptFile: missing, or no such file.
    """
    content = folder.read_once(name, lambda path: parse_json(path, REMEDY))
    points = _found(content, "points")
    try:
        found = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.shape != (LANDMARK_COUNT, 3) or not (np.abs(found) < FARTHEST).all():
        raise folder.misfit(name, "has no such list 'points'", f"{LANDMARK_COUNT} times x, y and z in mm")
    return found


def _found(content: Any, key: str, depth: int = 5) -> Any:
    """The first value of a key in nested JSON; versions of menpo nest it differently."""
    if not isinstance(content, dict) or depth == 0:
        return None
    if key in content:
        return content[key]
    inner = list(content.values())
    inner += [each for value in inner if isinstance(value, list) for each in value[:1]]
    return next((found for value in inner if (found := _found(value, key, depth - 1)) is not None), None)


def _point(lines: List, words: list[str]) -> list[float]:
    lines.width(words, 3, "x, y and z in mm")
    return [lines.number(word, "a coordinate in mm", -FARTHEST, FARTHEST) for word in words]
