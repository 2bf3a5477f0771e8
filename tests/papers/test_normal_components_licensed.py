"""Runs of paper 2 at smoke size on folders in the real formats of VGGFace2 and of its four data sets of scans.

The folders are written from embedded faces, so the numbers say nothing of people; that the runs go through the same
task and evaluation, and that their records name the licensed data, is what is held here.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from made_licensed import (
    check,
    use_written,
    write_bosphorus,
    write_bu_3dfe,
    write_bu_4dfe,
    write_frgc,
    write_vggface2,
)
from torch.nn import functional

from facelib.data.licensed import READERS
from facelib.data.licensed.archives import DATA_VARIABLE, open_licensed
from facelib.data.prepared_scans import open_prepared_scans
from facelib.data.surface_images import surface_images
from facelib.data.surface_settings import PreparationSettings
from facelib.errors import MissingPart
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.data_sets import SCAN_CELLS, data_sets
from facelib.papers.normal_components.metrics import MERGED, MERGED_OF, PEOPLE, TITLES
from facelib.papers.run import open_archive, open_archives, train
from facelib.papers.status import status_of
from facelib.runs.folders import Run
from facelib.runs.records import read_record

pytestmark = pytest.mark.usefixtures("face_model")
LICENSED = {"data": "licensed"}
FOUND = LICENSED | {"evaluation.counts": "found"}
WRITERS = {"bu_3dfe": write_bu_3dfe, "frgc_v2": write_frgc, "bosphorus": write_bosphorus, "bu_4dfe": write_bu_4dfe}
KINDS = {"recogniser": "vggface2", "expnet": "embedded_people_stream", "baseline": "bu_3dfe", "expnet_lmcl": "vggface2"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of licensed data."""
    settings = PAPER.settings("smoke")
    sets = open_archives(PAPER, PAPER.method("expnet_lmcl"), settings)
    scans = {name: (write, sets[own]) for own, (name, write) in zip(TITLES, WRITERS.items(), strict=True)}
    return use_written(monkeypatch, tmp_path, {"vggface2": (write_vggface2, sets["web_faces"]), **scans})


@pytest.mark.slow
@pytest.mark.usefixtures("with_normal_components")
def test_every_kind_of_run_on_written_folders(data: Path) -> None:
    first = Run("normal_components", "recogniser", changes=LICENSED)
    with pytest.raises(MissingPart, match="was not yet checked as VGGFace2: run `facelib data check vggface2"):
        train(first, say=lambda _: None)
    for name in ("vggface2", *WRITERS):
        check(name, data / name)

    for method, source in KINDS.items():
        run = Run("normal_components", method, changes=PAPER.seen_changes(method, "smoke", FOUND))
        train(run, say=lambda _: None)
        record = read_record(run.record)
        assert record.data["source"] == source
        assert record.parameters["data"] == "licensed"
        assert status_of(run).is_current
        values = {name: each["value"] for name, each in record.metrics.items()}
        assert all(math.isfinite(value) for value in values.values())
        if method not in ("recogniser", "expnet"):
            assert {*TITLES, "merged", "merged/apart"} <= values.keys()
            assert all(0 <= values[name] <= 1 for name in (*TITLES, "merged"))
            assert values.get("failed", 0) < 5


def test_what_is_not_there_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recogniser, baseline = (PAPER.methods[name] for name in ("recogniser", "baseline"))
    settings = PAPER.settings("smoke", LICENSED)
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(MissingPart, match=f"{DATA_VARIABLE} is not set: .*VGGFace2 as vggface2"):
        data_sets(recogniser, settings)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(MissingPart, match=r"no folder .*vggface2: expected VGGFace2 there"):
        data_sets(recogniser, settings)
    with pytest.raises(MissingPart, match=r"no folder .*bu_3dfe: expected BU-3DFE there"):
        data_sets(baseline, settings)
    (tmp_path / "bu_3dfe").mkdir()
    with pytest.raises(MissingPart, match="not yet checked as BU-3DFE: run `facelib data check bu_3dfe"):
        data_sets(baseline, settings)
    assert list(data_sets(PAPER.methods["expnet"], settings)) == ["people_stream", "web_faces_of_others"]


@pytest.mark.parametrize("name", ["truth", "disturbed_50"])
def test_true_shapes_of_real_photographs_are_not_to_be_had(name: str) -> None:
    with pytest.raises(MissingPart, match=rf"{name} learns from the true shapes .* nobody knows of VGGFace2's: use"):
        data_sets(PAPER.methods[name], PAPER.settings("smoke", LICENSED))


def test_folders_with_other_counts_than_printed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four sets of two people each; what the check counts stands in the message."""
    baseline = PAPER.methods["baseline"]
    sets = open_archives(PAPER, baseline, PAPER.settings("smoke"))
    scans = {name: (write, sets[own]) for own, (name, write) in zip(TITLES, WRITERS.items(), strict=True)}
    data = use_written(monkeypatch, tmp_path, scans)
    for name in WRITERS:
        check(name, data / name)

    counted = (
        "BU-3DFE in .*: 2 people, where the publishers count 100: .*; 2 gallery scans, where .*; 12 probe scans, where "
        "the publishers count 2,400: .* --set evaluation.counts=found"
    )
    with pytest.raises(MissingPart, match=counted):
        data_sets(baseline, PAPER.settings("smoke", LICENSED))
    found = data_sets(baseline, PAPER.settings("smoke", FOUND))
    assert {name: each.image_count for name, each in found.items()} == {name: len(each) for name, each in sets.items()}


@pytest.mark.parametrize(("own", "name"), zip(TITLES, WRITERS, strict=True))
def test_a_written_scan_is_seen_as_the_embedded_one(
    own: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the networks are given of everybody's enrolled scan, through the file and without."""
    embedded = open_archive(PAPER, "baseline", PAPER.settings("smoke"), own)
    data = use_written(monkeypatch, tmp_path, {name: (WRITERS[name], embedded)})
    check(name, data / name)
    licensed = open_licensed(READERS[name], data / name, SCAN_CELLS)
    preparation = PreparationSettings(size=56, cell=2.9)

    normals = []
    for scans in (embedded, licensed):
        prepared = open_prepared_scans(scans, preparation)
        assert not prepared.arrays["failed"].any()
        enrolled = np.flatnonzero(prepared.arrays["is_gallery"])
        assert prepared.arrays["identity"][enrolled].tolist() == [0, 1]
        normals.append(surface_images(prepared, enrolled).normals)

    of_own, of_other = degrees_off(*normals), degrees_off(normals[0], normals[1].flip(0))
    assert of_own < 2.5
    assert of_own < 0.6 * of_other


def degrees_off(first: torch.Tensor, second: torch.Tensor) -> float:
    """Median angle between normals (B, 3, S, S) where both are seen."""
    seen = (first.norm(dim=1) > 0) & (second.norm(dim=1) > 0)
    cosine = functional.cosine_similarity(first, second)[seen]
    return float(torch.rad2deg(cosine.clamp(-1, 1).arccos()).median())


def test_readers_count_what_is_printed() -> None:
    """Section 3.1, and 671 people with 8,738 probes in the merged set of section 3.4."""
    counts = {own: READERS[name].counts for own, name in zip(TITLES, WRITERS, strict=True)}
    people = {name: each["people"] for name, each in counts.items()}
    assert people == {name: PEOPLE[name] for name in TITLES}
    assert people == {name: each["gallery scans"] for name, each in counts.items()}
    probes = {name: each["probe scans"] for name, each in counts.items()}
    assert probes == {"bu3dfe": 2400, "frgc": 3541, "bosphorus": 2797, "bu4dfe": 2929}
    assert sum(people[name] for name in MERGED_OF) == PEOPLE[MERGED] == 671
    assert sum(probes[name] for name in MERGED_OF) == 8738
    assert sum(READERS["vggface2"].counts[f"{part} people"] for part in ("training", "test")) == 9131
