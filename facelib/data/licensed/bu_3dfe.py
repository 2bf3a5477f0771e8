"""Reader of BU-3DFE: 100 people, neutral and in six emotions at four levels, as VRML meshes with 83 landmarks.

Read are the cropped faces (`_F3D.wrl`, with `_F3D.bnd`) and not the raw scans (`_RAW.wrl`), which lie in another frame.
The neutral scan of each person is the gallery (paper 2, section 3.1).
Source: Yin et al., "A 3D facial expression database for facial behavior research", FGR 2006.
"""

from __future__ import annotations

import re

import numpy as np

from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.landmark_files import BND_POINTS, read_bnd
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.licensed.scan_samples import SPAN, ScanRow, check_landmarks, index_of, scan_sample
from facelib.errors import BadInput

EMOTIONS = ("NE", "AN", "DI", "FE", "HA", "SA", "SU")  # as embedded ones are numbered: neutral 0, anger 1, ...
NAME = re.compile(r"([FM]\d{4})_([A-Z]{2})(\d{2})([A-Z]{2})_F3D\.wrl")  # person, emotion, level, and a tag


def _index(folder: DataFolder) -> Index:
    place = folder.place("scans")
    names = set(folder.files(place, (".wrl", ".bnd")))
    rows = []
    for name in sorted(names):
        *_, parent, file = ("", *name.split("/"))
        if not file.endswith("_F3D.wrl"):
            continue
        found = NAME.fullmatch(file)
        if not found or found[1] != parent or found[2] not in EMOTIONS:
            raise folder.misfit(name, "has another name or folder", "F0001/F0001_AN01WH_F3D.wrl and so on")
        landmarks = f"{name.removesuffix('.wrl')}.bnd"
        files = [name, landmarks] if landmarks in names else [name]
        emotion, level = EMOTIONS.index(found[2]), int(found[3])
        rows.append(ScanRow(files, found[1], emotion, level, is_gallery=emotion == 0))
    if not rows:
        raise BadInput(f"{folder.root / place} holds no scans: expected F0001/F0001_AN01WH_F3D.wrl and so on")
    return index_of(rows)


def read_with_bnd(folder: DataFolder, row: Row, size: int) -> Sample:
    """A scan whose 83 landmarks may lie beside it."""
    landmarks = np.full((BND_POINTS, 3), np.nan)
    for name in row["files"][1:]:
        landmarks = check_landmarks(folder, name, read_bnd(folder, name))
    return scan_sample(folder, row, size, SPAN, landmarks)


READER = Reader(
    name="bu_3dfe",
    title="BU-3DFE",
    licence="research; an agreement signed by an institution",
    ask="Binghamton University, Lijun Yin",
    disk="8 GB",
    serves="paper 2: recognition, and the merged set",
    layout={"scans": ("BU_3DFE", "BU3DFE", ".")},
    counts={"people": 100, "gallery scans": 100, "probe scans": 2400},
    index=_index,
    read=read_with_bnd,
)
