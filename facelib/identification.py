"""`facelib.identify`: a scan of a face in, the people of a gallery out, the most similar first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from facelib.data.scan_files import ENDINGS, Scan, ending_of, read_scan
from facelib.data.scan_preparation import PreparedScan
from facelib.errors import BadInput, FacelibError
from facelib.metrics.late_fusion import LateFusion
from facelib.papers.component_networks import ComponentNetworks, load_networks
from facelib.progress import progress_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAME = 1e-5  # distance of unit features, below which two scans are one
SHOWN = 3  # people in a picture
ORIGIN = "networks trained on embedded faces only"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rank:
    """One person of the gallery.

    Args:
        identity: what the files are called up to the first dot.
        distance: fused, of the nearest of the scans.
        axes: the distances for x, y and z, of which the fused one is the mean; each from 0 to 2.
        file: the nearest scan's.
        prepared: the nearest scan as the networks see it.
    """

    identity: str
    distance: float
    axes: Mapping[str, float]
    file: Path
    prepared: PreparedScan


@dataclass(frozen=True)
class Identification:
    """Whom a scan resembles.

    Args:
        scan: what it is called.
        ranks: all people of the gallery, the nearest first.
        prepared: the scan as the networks see it.
        origin: what made the networks.
    """

    scan: str
    ranks: tuple[Rank, ...]
    prepared: PreparedScan
    origin: Mapping[str, Any]

    @property
    def components(self) -> torch.Tensor:
        """The images N_x, N_y and N_z of the scan, (3, S, S) in [-1, 1], 0 in holes."""
        return self.prepared.normals

    def to_json(self) -> dict[str, Any]:
        """Scan and ranks as plain values."""
        ranks = [{"identity": each.identity, "distance": each.distance, "axes": dict(each.axes)} for each in self.ranks]
        return {"scan": self.scan, "ranks": ranks}


def identify(scan: str | Path | Scan, gallery: str | Path, networks: ComponentNetworks | None = None) -> Identification:
    """Compare a scan with those of known people.

    Scans are in mm, with x to the viewer's right, y up and the nose to the viewer (z).

    Args:
        scan: a file (.ply, .obj, .stl, .wrl, .abs, .abs.gz or .bnt), or what `read_scan` made of one.
        gallery: a folder of such files. The name up to the first dot says who it is; of several of one person the
            nearest counts. A file that cannot be used is named in a warning and passed over.
        networks: by default those that come with the package.

    Returns:
        The people of the gallery by their distance, and the normal component images of the scan.

    Raises:
        BadInput, UnknownName, CorruptFile: the scan is none, or the gallery holds none that can be used.
        DegenerateInput: the scan shows no face that looks to the viewer, or several.
        MissingPart: no networks come with this version.

    Example:
        facelib.identify("visitor.ply", "residents").ranks[0].identity
    """
    networks, files = networks or load_networks(), gallery_files(Path(gallery))
    name = str(scan) if isinstance(scan, str | Path) else "the scan"
    probe = networks.prepare(read_scan(Path(scan)) if isinstance(scan, str | Path) else scan)
    ranks = tuple(ranked(probe, _prepared(files, networks), networks))
    if len(ranks) == 1:
        _log.warning("the gallery holds one person, %s: that this one is the nearest says nothing", ranks[0].identity)
    if ranks[0].distance < SAME:
        _log.warning("%s in the gallery is the scan itself: that it is the nearest says nothing", ranks[0].file.name)
    return Identification(name, ranks, probe, networks.origin)


def draw_identification(found: Identification) -> Figure:
    """A scan and the nearest of the people that it resembles most: range images, components and distances."""
    from facelib.report.component_pictures import ScanLine, draw_components
    from facelib.report.style import tier_label

    lines = [ScanLine(f"scan {Path(found.scan).name}", found.prepared)]
    for place, rank in enumerate(found.ranks[:SHOWN], start=1):
        distances = (rank.distance, *rank.axes.values())
        lines.append(ScanLine(f"{place}. {rank.identity}", rank.prepared, [f"{each:.3f}" for each in distances]))
    label = tier_label(found.origin["tier"], ORIGIN)
    return draw_components(lines, label, "numbers: distances from the scan, fused and of each component")


def gallery_files(folder: Path) -> list[Path]:
    """The scans in a folder by name, without those in folders inside and hidden ones.

    Raises:
        BadInput: it is no folder, or holds none.
    """
    if not folder.is_dir():
        raise BadInput(f"there is no folder {folder}: expected the scans of known people")
    files = sorted(path for path in folder.iterdir() if ending_of(path) and path.is_file() and path.name[0] != ".")
    if not files:
        raise BadInput(f"the gallery {folder} is empty: expected scans such as anna.1.ply, of {', '.join(ENDINGS)}")
    return files


def identity_of(file: Path) -> str:
    """Whose scan a file of the gallery is."""
    return file.name.partition(".")[0]


def _prepared(files: list[Path], networks: ComponentNetworks) -> dict[Path, PreparedScan]:
    """What the networks see of those files that can be used."""
    prepared, faults = {}, []
    with progress_bar("preparing the gallery", len(files), "scans") as bar:
        for file in files:
            try:
                prepared[file] = networks.prepare(read_scan(file))
            except (FacelibError, OSError) as error:
                faults.append(f"{file.name}: {error}")
                _log.warning("a scan of the gallery is passed over: %s", faults[-1])
            bar.advance()
    if not prepared:
        raise BadInput(f"none of the {len(files)} scans of the gallery can be used; {faults[0]}")
    return prepared


def ranked(probe: PreparedScan, enrolled: Mapping[Path, PreparedScan], networks: ComponentNetworks) -> Iterator[Rank]:
    """The people whose scans are enrolled, by the distance of the nearest; all scans prepared for the networks."""
    gallery = networks.features(torch.stack([each.normals for each in enrolled.values()]))
    fusion = LateFusion.of(networks.features(probe.normals[None]), gallery)
    distances, files = fusion.mean[0], list(enrolled)
    seen = set()
    for place in np.argsort(distances, kind="stable"):
        file = files[place]
        if identity_of(file) not in seen:
            seen.add(identity_of(file))
            axes = {axis: float(each[0, place]) for axis, each in fusion.distances.items()}
            yield Rank(identity_of(file), float(distances[place]), axes, file, enrolled[file])
