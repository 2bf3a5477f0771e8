"""Reader of Bosphorus: 105 people, as range images of a structured-light scanner with up to 24 landmarks.

Read are scans of faces that look to the scanner uncovered: neutral (`_N_N_`), emotions (`_E_`) and facial actions
(`_LFAU_`, `_UFAU_`, `_CAU_`), 2,902 of 4,666. Turned (`_YR_`, `_PR_`, `_CR_`), covered (`_O_`) and ignored (`_IGN_`)
ones are only counted. A person's first neutral scan is the gallery (paper 2, section 3.1).
Source: Savran et al., "Bosphorus database for 3D face analysis", BioID 2008.
"""

from __future__ import annotations

import re

import numpy as np

from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.landmark_files import LM3_LABELS, LM3_NOSE_TIP, read_lm3
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.licensed.scan_samples import SPAN, ScanRow, check_landmarks, index_of, scan_sample
from facelib.errors import BadInput

NAME = re.compile(r"(bs\d{3})_([A-Z]+)_(?:(.+)_)?(\d+)\.bnt")  # person, kind, what is shown, number
NEUTRAL, SHOWN, OTHERS = "N", ("N", "E", "LFAU", "UFAU", "CAU"), ("YR", "PR", "CR", "O", "IGN")
OWN = 100  # number of its first expression: embedded faces give other names to smaller ones


def _index(folder: DataFolder) -> Index:
    place = folder.place("scans")
    names = set(folder.files(place, (".bnt", ".lm3")))
    scans, left_out = [], 0
    for name in sorted(names):
        *_, parent, file = ("", *name.split("/"))
        if not file.endswith(".bnt"):
            continue
        found = NAME.fullmatch(file)
        if not found or found[1] != parent or found[2] not in SHOWN + OTHERS:
            raise folder.misfit(name, "has another name or folder", "bs000/bs000_E_HAPPY_0.bnt and so on")
        if found[2] in OTHERS:
            left_out += 1
            continue
        scans.append((found[1], found[2], found[3] or "", int(found[4]), name))
    if not scans:
        raise BadInput(f"{folder.root / place} holds no scans: expected bs000/bs000_N_N_0.bnt and so on")
    others = sorted({(kind, what) for _, kind, what, *_ in scans if kind != NEUTRAL})
    shown = {each: number for number, each in enumerate(others, OWN)}
    first: dict[str, int] = {}
    for person, kind, _, number, _ in scans:
        if kind == NEUTRAL:
            first[person] = min(number, first.get(person, number))
    rows = [
        ScanRow(
            [name, landmarks] if (landmarks := f"{name.removesuffix('.bnt')}.lm3") in names else [name],
            person,
            0 if kind == NEUTRAL else shown[kind, what],
            level=int(kind != NEUTRAL),
            is_gallery=kind == NEUTRAL and number == first[person],
        )
        for person, kind, what, number, name in scans
    ]
    index = index_of(rows)
    return Index(index.columns, counts=index.counts | {"turned, covered or ignored": left_out}, remarks=index.remarks)


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    landmarks = np.full((len(LM3_LABELS), 3), np.nan)
    for name in row["files"][1:]:
        landmarks = check_landmarks(folder, name, read_lm3(folder, name))
    return scan_sample(folder, row, size, SPAN, landmarks, LM3_NOSE_TIP)


READER = Reader(
    name="bosphorus",
    title="Bosphorus",
    licence="research; an agreement signed by an institution",
    ask="Bogazici University, Bulent Sankur",
    disk="30 GB",
    serves="paper 2: recognition, and the merged set",
    layout={"scans": ("BosphorusDB", "Bosphorus", ".")},
    counts={"people": 105, "gallery scans": 105, "probe scans": 2797},
    index=_index,
    read=_read,
    version=2,
)
