"""What paper 2's methods are evaluated by, and which of these metrics its tables show: rank-1 rates on scans."""

from __future__ import annotations

from facelib.papers.normal_components.methods import AXES
from facelib.papers.paper import Metric, Table

TITLES = {"bu3dfe": "BU-3DFE", "frgc": "FRGC v2", "bosphorus": "Bosphorus", "bu4dfe": "BU-4DFE"}
MERGED = "merged"
MERGED_OF = ("bu3dfe", "frgc", "bosphorus")  # section 3.4
ICT = "ict"
RAW = "raw"  # ending of the fused rate of features as they are, not brought to unit length
APART = f"{MERGED}/apart"  # the same probes, each in the gallery of its own data set: what merging costs
PEOPLE = {"bu3dfe": 100, "frgc": 466, "bosphorus": 105, "bu4dfe": 101, MERGED: 671, ICT: 100}  # in the galleries
SETS = {**TITLES, MERGED: "merged", ICT: "ICT"}
PHOTOGRAPHED = 100  # people by whose photographs reconstructors and the recogniser of photographs are judged
MEAN_FACE_MM = 2.56  # what the mean face without expression is off on these photographs


def _rank1(name: str, ending: str = "") -> Metric:
    """By one component, by all, or raw."""
    title, part = SETS[name], {"": "", RAW: " raw"}.get(ending, f" N_{ending}")
    return Metric(f"{title}{part}", f"rank-1, {title}{part}", knows_nothing=1 / PEOPLE[name])


METRICS: dict[str, Metric] = {
    **{
        f"{name}/{ending}" if ending else name: _rank1(name, ending)
        for name in SETS
        for ending in ("", *AXES, RAW)
    },
    APART: Metric("merged, apart", "rank-1 of the same, each in its own set", knows_nothing=1 / PEOPLE["bu3dfe"]),
    "fidelity_rank1": Metric("Shape rank-1", "rank-1 by reconstructed shape", knows_nothing=1 / PHOTOGRAPHED),
    "fidelity_mm": Metric(
        "Shape error", "error of the reconstructed shape", "mm", "lower", decimals=2, knows_nothing=MEAN_FACE_MM
    ),
    "photographs": Metric("Photographs", "rank-1 of photographs", knows_nothing=1 / PHOTOGRAPHED),
}  # fmt: skip


def _by_axis(name: str) -> Table:
    return Table((*(f"{name}/{axis}" for axis in AXES), name), (f"{name}/{RAW}",), references=("baseline",))


TABLES: dict[str, Table] = {
    **{number: _by_axis(name) for number, name in zip("123", MERGED_OF, strict=True)},
    **{number: Table((name,), references=("expnet_lmcl",)) for number, name in zip("4567", TITLES, strict=True)},
    "8": Table((MERGED,), (APART,), references=("expnet_lmcl",)),
    "fidelity": Table(
        ("fidelity_mm", "fidelity_rank1", MERGED, "bu4dfe"),
        references=("expnet_joined",),
        title="Fidelity of the faces reconstructed from embedded photographs, and recognition by what was learnt",
    ),
    "additions": Table(
        (*TITLES, MERGED),
        references=("expnet_joined",),
        title="One network for all components, pretraining, normals and reconstruction: what each is worth",
    ),
    "ict": Table(
        (ICT, *(f"{ICT}/{axis}" for axis in AXES)),
        references=("expnet_lmcl",),
        title="Heads of ICT-FaceKit, which our face model did not make",
        evaluation=ICT,
    ),
}
