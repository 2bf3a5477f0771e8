"""Figure 2 of paper 2: scans of each data set, as range images and as the components of their normals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from facelib.data.embedded.face_scans import scan_positions
from facelib.data.scan_preparation import prepare_scan
from facelib.data.scan_template import scan_template
from facelib.faces.scanners import SCANNERS
from facelib.papers.normal_components.metrics import ICT, SETS
from facelib.papers.normal_components.networks import face_model
from facelib.report.component_pictures import ScanLine
from facelib.report.normal_components.material import Material
from facelib.report.normal_components.pipeline import first_probe


def scanned_by(data_set: str) -> str:
    """The data set's name, and by what its scanner measures."""
    scanner = SCANNERS["frgc" if data_set == ICT else data_set]
    return f"{SETS[data_set]} ({scanner.kind})"


def scan_lines(material: Material, data_sets: Iterable[str]) -> list[ScanLine]:
    """The first probe of each data set that could be prepared."""
    lines = []
    for name in data_sets:
        positions = scan_positions(material.scans(name), [first_probe(material, name)])[0]
        prepared = prepare_scan(positions, material.settings().preparation, scan_template(face_model()))
        lines.append(ScanLine(scanned_by(name), prepared))
    return lines


def line_data(lines: Iterable[ScanLine]) -> pd.DataFrame:
    """What is shown of each scan: the share of the image that has a normal, and means of depth (mm) and components."""
    return pd.DataFrame(
        {
            "scan": line.title,
            "seen": float(line.scan.mask.float().mean()),
            "depth": float(np.nanmean(line.scan.positions[2].numpy())),
            **{
                f"N_{axis}": float(each[line.scan.mask].mean())
                for axis, each in zip("xyz", line.scan.normals, strict=True)
            },
        }
        for line in lines
    )
