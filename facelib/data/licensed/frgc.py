"""Reader of FRGC v2: 4,007 laser scans of 466 people, as range images.

The first scan of each person, by the number of its session, is the gallery, all others are probes (paper 2, section
3.1). The scans of Spring 2003, of FRGC v1's 275 people, are for training and not among them. A list of the
distribution (a "signature set", such as `FRGC_Exp_2.0.3_Target.xml`), where the layout names one, says which scans
belong.
Source: Phillips et al., "Overview of the face recognition grand challenge", CVPR 2005.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader, Row, Sample
from facelib.data.licensed.scan_samples import ScanRow, index_of, scan_sample
from facelib.errors import BadInput, CorruptFile

TRAINING = "Spring2003range"  # folder
NAME = re.compile(r"(\d+)d(\d+)\.abs(?:\.gz)?", re.IGNORECASE)  # person, session
ENDINGS = (".abs", ".abs.gz")
SPAN = 360.0  # mm: head, hair and neck are on the scans
UNKNOWN = -1
NAMED = 3


def _index(folder: DataFolder) -> Index:
    place, listed = folder.place("scans"), folder.place_if_there("list")
    wanted = None if listed is None else folder.read_once(listed, _scans_of_list)
    scans: dict[str, dict[str, str]] = defaultdict(dict)  # person -> the scan's name without ending -> file
    twice = []
    for name in folder.files(place, ENDINGS):
        *folders, file = name.split("/")
        found = NAME.fullmatch(file)
        if not found:
            raise folder.misfit(name, "has another name", "02463d546.abs or .abs.gz: person, d, session")
        stem = file.partition(".")[0]
        if TRAINING in folders or (wanted is not None and stem not in wanted):
            continue
        if stem in scans[found[1]]:
            twice.append(name)
            continue
        scans[found[1]][stem] = name
    rows = []
    for person, of_person in sorted(scans.items()):
        in_order = sorted(of_person, key=lambda stem: int(stem.partition("d")[2]))
        rows += [
            ScanRow([of_person[stem]], person, UNKNOWN, UNKNOWN, is_gallery=number == 0)
            for number, stem in enumerate(in_order)
        ]
    if not rows:
        raise BadInput(f"{folder.root / place} holds no scans: expected 02463d546.abs and so on")
    return index_of(rows, _remarks(twice, wanted, scans))


def _remarks(twice: list[str], wanted: set[str] | None, scans: dict[str, dict[str, str]]) -> list[str]:
    remarks = []
    if twice:
        named = ", ".join(twice[:NAMED])
        remarks.append(f"{len(twice)} scans are there under two endings or in two folders, such as {named}")
    missing = sorted((wanted or set()) - {stem for of_person in scans.values() for stem in of_person})
    if missing:
        remarks.append(f"{len(missing)} scans of the list are missing, such as {', '.join(missing[:NAMED])}")
    return remarks


def _scans_of_list(path: Path) -> set[str]:
    """Names without ending of the scans in a signature set; those of photographs are passed over."""
    content = path.read_bytes()
    if b"<!" in content.replace(b"<!--", b""):  # entities that name one another grow without end
        raise CorruptFile(f"{path} declares a document type: expected a signature set without; copy it again")
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise CorruptFile(f"{path} is no XML ({error}): expected a signature set; copy it again") from error
    files = [each.get("file-name", "").replace("\\", "/").rpartition("/")[2] for each in root.iter()]
    found = {file.partition(".")[0] for file in files if NAME.fullmatch(file)}
    if not found:
        raise CorruptFile(f"{path} names no range scan (file-name='...abs'): expected the list of a 3D experiment")
    return found


def _read(folder: DataFolder, row: Row, size: int) -> Sample:
    return scan_sample(folder, row, size, SPAN, np.empty((0, 3)))


READER = Reader(
    name="frgc_v2",
    title="FRGC v2",
    licence="research; an agreement signed by an institution",
    ask="the University of Notre Dame, Computer Vision Research Laboratory",
    disk="60 GB with photographs, 8 GB of range scans",
    serves="paper 2: recognition, and the merged set",
    layout={
        "scans": ("FRGC-2.0-dist/nd1", "FRGC2.0/nd1", "nd1", "."),
        "list": ("FRGC_Exp_2.0.3_Target.xml", "BEE_DIST/FRGC2.0/signature_sets/experiments/FRGC_Exp_2.0.3_Target.xml"),
    },
    counts={"people": 466, "gallery scans": 466, "probe scans": 3541},
    index=_index,
    read=_read,
)
