"""`facelib.identify` and its command: every format finds the same person, and bad galleries are told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from made_networks import made_networks, ship_made_networks
from made_scans import as_mesh, made_scans, write_scan
from tiny_runs import use_empty_shelf

import facelib
from facelib.cli import main
from facelib.data.scan_files import GridScan, read_scan
from facelib.errors import BadInput, CorruptFile, DegenerateInput, MissingPart
from facelib.faces.morphable_model import MorphableModel
from facelib.identification import Identification, identity_of, ranked
from facelib.papers.component_networks import AXES, ComponentNetworks, load_shipped

PEOPLE = ("anna", "berta", "carla")


@pytest.fixture(scope="module")
def scans(face_model: MorphableModel) -> torch.Tensor:
    return made_scans(face_model, len(PEOPLE), 2)


@pytest.fixture(scope="module")
def gallery(scans: torch.Tensor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first scan of each person, in three formats, beside what is no scan."""
    folder = tmp_path_factory.mktemp("gallery")
    for name, kind, scan in zip(PEOPLE, ("abs.gz", "obj", "bnt"), scans[:, 0], strict=True):
        write_scan(folder / f"{name}.{kind}", scan)
    (folder / "notes.txt").write_text("who is who")
    (folder / ".hidden.ply").write_text("no scan")
    (folder / "more").mkdir()
    return folder


@pytest.fixture(scope="module")
def networks() -> ComponentNetworks:
    return made_networks()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder in the place of that of the shipped weights."""
    use_empty_shelf(monkeypatch, tmp_path / "weights")
    load_shipped.cache_clear()
    yield
    load_shipped.cache_clear()


@pytest.fixture(scope="module")
def found(scans: torch.Tensor, gallery: Path, networks: ComponentNetworks) -> Identification:
    """Another scan of Berta's head than the gallery's."""
    return facelib.identify(GridScan(scans[1, 1]), gallery, networks)


@pytest.mark.parametrize("kind", ["ply", "obj", "stl", "wrl", "abs", "bnt"])
def test_every_format_finds_the_same_person(
    scans: torch.Tensor, found: Identification, networks: ComponentNetworks, tmp_path: Path, kind: str
) -> None:
    """A mesh is sampled anew, which moves distances a little."""
    file = write_scan(tmp_path / f"visitor.{kind}", scans[1, 1])
    prepared = networks.prepare(read_scan(file))
    again = list(ranked(prepared, {rank.file: rank.prepared for rank in found.ranks}, networks))
    assert again[0].identity == found.ranks[0].identity == "berta"
    near = {rank.identity: rank.distance for rank in found.ranks}
    assert {rank.identity: rank.distance for rank in again} == pytest.approx(
        near, abs=1e-4 if kind in ("abs", "bnt") else 0.1
    )


def test_distances_are_those_of_the_features(found: Identification, networks: ComponentNetworks) -> None:
    """Computed again one pair at a time, eqs. 12 to 15 of the paper."""
    assert found.components.shape == (3, 56, 56)
    assert sorted(rank.identity for rank in found.ranks) == list(PEOPLE)
    assert [rank.distance for rank in found.ranks] == sorted(rank.distance for rank in found.ranks)
    for rank in found.ranks:
        for place, axis in enumerate(AXES):
            pair = torch.stack((found.components[place], rank.prepared.normals[place]))[:, None]
            one, other = networks.networks[axis](pair).unit.detach()
            assert rank.axes[axis] == pytest.approx(float((one - other).norm()), abs=1e-5)
        assert rank.distance == pytest.approx(sum(rank.axes.values()) / 3)
    told = found.to_json()
    assert list(told) == ["scan", "ranks"]
    assert list(told["ranks"][0]) == ["identity", "distance", "axes"]
    assert json.loads(json.dumps(told)) == told


def test_of_several_scans_the_nearest_counts(scans: torch.Tensor, networks: ComponentNetworks, tmp_path: Path) -> None:
    """Anna's second file is of Carla's head: it makes Anna as near as Carla would be."""
    for name, scan in (("anna.1", scans[0, 0]), ("anna.2", scans[2, 0]), ("berta.1", scans[1, 0])):
        write_scan(tmp_path / f"{name}.abs", scan)
    assert identity_of(Path("02463d546.abs.gz")) == "02463d546"
    found = facelib.identify(GridScan(scans[2, 1]), tmp_path, networks)
    assert [rank.identity for rank in found.ranks] == ["anna", "berta"]
    assert found.ranks[0].file.name == "anna.2.abs"


def test_the_scan_itself_and_a_single_person_are_told(
    scans: torch.Tensor, networks: ComponentNetworks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_scan(tmp_path / "anna.1.abs", scans[0, 0])
    found = facelib.identify(path, tmp_path, networks)
    assert found.ranks[0].distance == pytest.approx(0, abs=1e-6)
    assert "anna.1.abs in the gallery is the scan itself" in caplog.text
    assert "the gallery holds one person, anna" in caplog.text
    caplog.clear()
    write_scan(tmp_path / "berta.1.abs", scans[1, 0])
    facelib.identify(GridScan(scans[0, 1]), tmp_path, networks)
    assert caplog.text == ""


def test_what_cannot_be_used_is_passed_over_by_name(
    scans: torch.Tensor, gallery: Path, networks: ComponentNetworks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "gallery"
    shutil.copytree(gallery, folder)
    whole = (folder / "carla.bnt").read_bytes()
    (folder / "carla.bnt").write_bytes(whole[:-100])
    write_scan(folder / "dora.obj", scans[0, 0] / 1000)
    found = facelib.identify(GridScan(scans[0, 1]), folder, networks)
    assert [rank.identity for rank in found.ranks] == ["anna", "berta"]
    assert "is passed over: carla.bnt: " in caplog.text
    assert "is passed over: dora.obj: the scan extends over 0.192, expected 60 to 1000 mm: it" in caplog.text
    assert "in metres: multiply it by 1000" in caplog.text
    for name in ("anna.abs.gz", "berta.obj"):
        (folder / name).unlink()
    with pytest.raises(BadInput, match=r"none of the 2 scans of the gallery can be used; carla\.bnt: "):
        facelib.identify(GridScan(scans[0, 1]), folder, networks)


def test_galleries_without_scans(scans: torch.Tensor, networks: ComponentNetworks, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is empty: expected scans such as anna\.1\.ply"):
        facelib.identify(GridScan(scans[0, 0]), tmp_path, networks)
    with pytest.raises(BadInput, match="there is no folder"):
        facelib.identify(GridScan(scans[0, 0]), tmp_path / "none", networks)


def test_scans_of_no_face(scans: torch.Tensor, gallery: Path, networks: ComponentNetworks, tmp_path: Path) -> None:
    with pytest.raises(DegenerateInput, match="has 0 samples"):
        facelib.identify(GridScan(torch.full((3, 64, 64), torch.nan)), gallery, networks)
    upside_down = as_mesh(scans[0, 0] * torch.tensor([-1.0, -1, 1])[:, None, None])
    with pytest.raises(DegenerateInput, match="upside down"):
        facelib.identify(upside_down, gallery, networks)
    path = write_scan(tmp_path / "cut.bnt", scans[0, 0])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CorruptFile, match=r"cut\.bnt cannot be read: it has 5000 bytes"):
        facelib.identify(path, gallery, networks)


# ---- the command ----


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["identify", *map(str, words)])


@pytest.mark.usefixtures("shelf")
def test_the_command(scans: torch.Tensor, gallery: Path, tmp_path: Path) -> None:
    ship_made_networks()
    scan, picture = write_scan(tmp_path / "visitor.ply", scans[0, 1]), tmp_path / "deep" / "picture.png"
    result = call(scan, "--gallery", gallery, "-o", picture)
    assert result.exit_code == 0, result.output
    head, first, *rest, path = result.output.splitlines()
    assert head.split() == ["identity", "distance", "x", "y", "z"]
    assert first.split()[:2] == ["1.", "anna"]
    assert (len(rest), path) == (2, str(picture))
    assert plt.get_fignums() == []
    pixels = matplotlib.image.imread(picture)[..., :3]
    blue = (np.abs(pixels - (0.87, 0.91, 0.96)) < 0.01).all(axis=2)
    assert 0.15 < blue.mean() < 0.6  # holes around four rows of faces

    result = CliRunner().invoke(main, ["identify", str(scan), "--gallery", str(gallery), "--json"])
    told = json.loads(result.stdout)
    assert told["scan"] == str(scan)
    assert told["ranks"][0]["identity"] == "anna"
    assert set(told["ranks"][0]["axes"]) == {"x", "y", "z"}


@pytest.mark.usefixtures("shelf")
def test_errors_are_one_message(scans: torch.Tensor, gallery: Path, tmp_path: Path) -> None:
    scan, picture = write_scan(tmp_path / "visitor.abs", scans[0, 1]), tmp_path / "picture.png"
    text = tmp_path / "visitor.txt"
    text.write_text("hello")
    without = "no networks of normal components come with this version"
    assert without in call(scan, "--gallery", gallery, "-o", picture).output
    with pytest.raises(MissingPart, match=without):
        facelib.identify(scan, gallery)
    ship_made_networks()
    cases = {
        (text, "--gallery", gallery): "unknown kind of scan 'visitor.txt': expected one of .abs",
        (scan, "--gallery", tmp_path / "none"): "does not exist",
        (scan, "--gallery", tmp_path / "weights"): "is empty: expected scans such as",
        (scan,): "Missing option '--gallery'",
        (scan, "--gallery", gallery, "--model", "normal"): "unknown shipped model 'normal'",
    }
    for words, message in cases.items():
        result = call(*words, "-o", picture)
        assert result.exit_code in (1, 2)
        assert message in " ".join(result.output.split()), message
    assert not picture.exists()
