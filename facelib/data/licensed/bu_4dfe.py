"""Reader of BU-4DFE: 101 people who show six emotions each, as sequences of about 100 VRML meshes.

Of each sequence five frames are read, from the first to the last at equal distances; the first frame of a person's
first emotion is the gallery, so that 101 x 6 x 5 - 101 probes are left (paper 2, section 3.1, whose counts these are).
Landmarks (`000.bnd`) came later and lie beside the frames in some copies. The v of texture coordinates is flipped,
which does not matter to the surface.
Source: Yin et al., "A high-resolution 3D dynamic facial expression database", FG 2008.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from facelib.data.licensed.bu_3dfe import read_with_bnd
from facelib.data.licensed.folders import DataFolder
from facelib.data.licensed.reader import Index, Reader
from facelib.data.licensed.scan_samples import ScanRow, index_of
from facelib.errors import BadInput

EMOTIONS = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise")
FRAMES = 5  # of a sequence
NAME = re.compile(r"(?:.*/)?([FM]\d{3})/([A-Za-z]+)/(\d+)\.wrl")


def _index(folder: DataFolder) -> Index:
    place = folder.place("sequences")
    names = set(folder.files(place, (".wrl", ".bnd")))
    sequences: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for name in sorted(names):
        if name.endswith(".bnd"):
            continue
        found = NAME.fullmatch(name)
        if not found or found[2] not in EMOTIONS:
            raise folder.misfit(name, "has another name or folder", "F001/Angry/000.wrl and so on, of six emotions")
        sequences[found[1], found[2]][int(found[3])] = name
    if not sequences:
        raise BadInput(f"{folder.root / place} holds no sequences: expected F001/Angry/000.wrl and so on")
    rows, remarks = [], []
    for (person, emotion), frames in sorted(sequences.items()):
        numbers = sorted(frames)
        missing = numbers[-1] + 1 - len(numbers)
        if missing:
            remarks.append(f"{person}/{emotion} lacks {missing} of its frames up to {numbers[-1]:03d}.wrl")
        for frame, number in enumerate(_chosen(numbers)):
            name = frames[number]
            landmarks = f"{name.removesuffix('.wrl')}.bnd"
            rows.append(
                ScanRow(
                    [name, landmarks] if landmarks in names else [name],
                    person,
                    1 + EMOTIONS.index(emotion),
                    level=int(0 < frame < FRAMES - 1),
                    frame=frame,
                    is_gallery=emotion == EMOTIONS[0] and frame == 0,
                )
            )
    index = index_of(rows, remarks)
    whole = sum(map(len, sequences.values()))
    return Index(
        index.columns, counts=index.counts | {"sequences": len(sequences), "frames": whole}, remarks=index.remarks
    )


def _chosen(numbers: list[int]) -> list[int]:
    """Some of a sequence's frames; all where it has no more."""
    places = np.unique(np.linspace(0, len(numbers) - 1, FRAMES).round().astype(int))
    return [numbers[place] for place in places]


READER = Reader(
    name="bu_4dfe",
    title="BU-4DFE",
    licence="research; an agreement signed by an institution",
    ask="Binghamton University, Lijun Yin",
    disk="500 GB",
    serves="paper 2: recognition",
    layout={"sequences": ("BU_4DFE", "BU4DFE", ".")},
    counts={"people": 101, "gallery scans": 101, "probe scans": 2929, "sequences": 606},
    index=_index,
    read=read_with_bnd,
)
