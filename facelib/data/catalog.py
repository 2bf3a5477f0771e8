"""Every data set by name: which paper uses it, whether it is embedded or licensed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DatasetEntry:
    """One data set.

    Args:
        name: in records and on the command line.
        kind: "embedded" (generated here) or "licensed" (the user asks its owners for it).
        counterpart: the licensed data set that an embedded one stands for, or the licensed one's own name.
        papers: papers that use it.
        content: one line.
    """

    name: str
    kind: Literal["embedded", "licensed"]
    counterpart: str
    papers: tuple[int, ...]
    content: str


CATALOG: tuple[DatasetEntry, ...] = (
    DatasetEntry(
        "embedded_facescape",
        "embedded",
        "FaceScape",
        (1,),
        "identities x 20 expressions x views to 105 degrees, background removed, aligned clouds of 1,024 points",
    ),
    DatasetEntry(
        "embedded_arl_vtf",
        "embedded",
        "ARL-VTF",
        (1,),
        "other identities, another camera and light, uniform background: gallery, frontal and pose probes",
    ),
    DatasetEntry(
        "embedded_web_faces",
        "embedded",
        "VGGFace2, CASIA-WebFace",
        (1, 2),
        "many identities in uncontrolled pose, light, expression, blur and background",
    ),
    DatasetEntry(
        "embedded_300w_lp",
        "embedded",
        "300W-LP",
        (3,),
        "many identities turned evenly to all sides up to 105 degrees, with shape, pose and skin of each photograph",
    ),
    DatasetEntry(
        "embedded_aflw2000",
        "embedded",
        "AFLW2000-3D",
        (3,),
        "other identities, the paper's distribution of yaw, some with glasses, sunglasses or a mask",
    ),
    DatasetEntry(
        "embedded_florence",
        "embedded",
        "Florence",
        (3,),
        "neutral faces in 20 poses each, and a scan of 19,000 points of each",
    ),
)
