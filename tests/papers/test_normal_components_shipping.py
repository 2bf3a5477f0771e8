"""A run of paper 2 becomes the networks that `facelib identify` takes, which answer as the run does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny_runs import use_empty_shelf, use_private_runs
from torch import nn

import facelib
from facelib import weights
from facelib.cli import main
from facelib.data.embedded.portraits import portraits
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.models.expnet import ExpNet
from facelib.papers.component_networks import load_networks, load_shipped
from facelib.papers.normal_components import PAPER
from facelib.papers.normal_components.networks import build_network
from facelib.papers.normal_components.shipping import networks_of, ship
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import Run
from facelib.runs.records import new_record, read_record, write_record
from facelib.runs.settings import as_dict
from facelib.weights import read_card, shipped_names

OTHERS = ("blazeface_full_range", "face_encoder")  # what reading a photograph asks for

pytestmark = pytest.mark.usefixtures("face_model", "with_normal_components")


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with models of others alone in the place of that of the shipped weights."""
    use_private_runs(monkeypatch, tmp_path / "runs")
    others = [path for name in OTHERS for path in weights.FOLDER.glob(f"{name}.*")]
    use_empty_shelf(monkeypatch, tmp_path / "weights")
    for file in others:
        shutil.copy(file, tmp_path / "weights")
    load_shipped.cache_clear()
    yield
    load_shipped.cache_clear()


def next_portrait(model: MorphableModel) -> np.ndarray:
    """A rendered person, (192, 192, 3)."""
    return portraits(model, 1, 192).image[0].permute(1, 2, 0).numpy()


def made_run(method: str, *, silent: bool = True) -> Run:
    """A run that was never trained, at the smoke tier; an ExpNet that is not silent reads something."""
    run, settings = Run(PAPER.name, method), PAPER.run_settings(method, "smoke")
    torch.manual_seed(0)
    network = build_network(PAPER.method(method), settings)
    if isinstance(network, ExpNet) and not silent:
        for reader in (network.identity, network.expression):
            nn.init.normal_(reader[1].weight, std=0.05)
    save_weights(run.weights, {"network": network})
    told = {"data": {"source": "made", "fingerprint": "0"}, "parameters": as_dict(settings)}
    measured = {"merged": {"value": 0.5, "unit": "fraction"}}
    write_record(run.record, new_record(run, **told, metrics=measured, wall_time_s=0.0))
    return run


@pytest.mark.parametrize("method", ["expnet_lmcl", "diffusion_cross_entropy"])
def test_shipped_networks_answer_as_their_run(method: str) -> None:
    run = made_run(method)
    change = ship(str(run.folder), "normal_components")
    here, there = networks_of(read_record(run.record), run.weights), load_networks()
    normals = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    ours, theirs = here.features(normals), there.features(normals)
    for axis, unit in ours.items():
        torch.testing.assert_close(theirs[axis], unit, rtol=0, atol=2e-3)
    assert 0 < change.mean <= change.largest < 0.5  # degrees
    assert there.preparation == here.preparation == PAPER.settings("smoke").preparation
    assert dict(there.origin) == {**here.origin, "shipped_as": "normal_components"}
    card = read_card("normal_components")
    assert (card["kind"], card["method"]) == ("3D face recognition", method)
    assert card["measured"] == {"merged": {"value": 0.5, "unit": "fraction"}}
    assert card["half_precision"] == change._asdict()


def test_the_command() -> None:
    said = CliRunner().invoke(main, ["ship", str(made_run("expnet_lmcl").folder), "--name", "normal_components"])
    assert said.exit_code == 0, said.output
    assert "half precision moves answers on 8 rendered faces by 0." in said.output
    assert CliRunner().invoke(main, ["models", "--json"]).output.count("ExpNet, LMCL: tells scans of faces apart") == 1


def test_expnet_reads_faces_off_photographs(face_model: MorphableModel) -> None:
    run = made_run("expnet", silent=False)
    change = ship(str(run.folder), "expnet")
    assert 0 < change.mean <= change.largest < 0.1  # mm
    assert read_card("expnet")["kind"] == "face shape"
    face = facelib.reconstruct(next_portrait(face_model), (60, 60, 132, 140), model="expnet")
    assert face.own_shape
    assert face.vertices.isfinite().all()
    encoded = facelib.reconstruct(next_portrait(face_model), (60, 60, 132, 140), model="face_encoder")
    assert (face.pose.rotation - encoded.pose.rotation).abs().max() < 0.05  # it gives the pose, of nearly the same crop
    assert (face.vertices - encoded.vertices).norm(dim=1).mean() > 0.5
    with pytest.raises(BadInput, match="of kind 'face shape': expected '3D face recognition'"):
        load_networks("expnet")


@pytest.mark.parametrize("method", ["baseline", "expnet_joined", "recogniser", "diffusion"])
def test_what_is_not_shipped(method: str) -> None:
    with pytest.raises(BadInput, match="no fine-tuned network for each of x, y, z"):
        ship(str(made_run(method).folder), "normal_components")
    assert shipped_names() == OTHERS
