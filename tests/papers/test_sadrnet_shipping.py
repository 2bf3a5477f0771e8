"""A run becomes a model that ships, which answers as the run does, on the faces that it was trained on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import use_empty_shelf, use_private_runs
from untrained_run import make_untrained_run

from facelib.cli import main
from facelib.data.embedded.portraits import portraits
from facelib.errors import BadInput
from facelib.faces.morphable_model import MorphableModel
from facelib.papers import trained
from facelib.papers.sadrnet import PAPER
from facelib.papers.sadrnet.networks import build_network
from facelib.papers.sadrnet.shipped import take_shipped
from facelib.papers.sadrnet.shipping import ship
from facelib.papers.sadrnet.trained import load_shipped, load_trained
from facelib.runs.checkpoints import save_weights
from facelib.runs.folders import WEIGHTS_FILE
from facelib.runs.settings import override
from facelib.storage import read_json, write_json
from facelib.weights import read_card, write_shipped


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of that of the shipped weights."""
    use_private_runs(monkeypatch, tmp_path / "runs")
    folder = tmp_path / "weights"
    use_empty_shelf(monkeypatch, folder)
    load_shipped.cache_clear()
    yield folder
    load_shipped.cache_clear()


def made_run(method: str, **changes: object) -> Path:
    torch.manual_seed(0)
    return make_untrained_run(method, **changes)


@pytest.mark.parametrize("method", ["sadrnet", "coefficients", "face_encoder"])
def test_a_shipped_model_answers_as_its_run(shelf: Path, face_model: MorphableModel, method: str) -> None:
    folder = made_run(method)
    change = ship(str(folder), "mine")
    here, there = load_trained(str(folder)), load_trained("mine")
    images = portraits(face_model, 2, here.settings.network.image_size).image
    with torch.no_grad():
        ours, theirs = here.draws(images).geometry, there.draws(images).geometry

    assert there.settings == here.settings
    assert there.method is here.method
    assert dict(there.origin) == {**here.origin, "shipped_as": "mine"}
    assert float((ours - theirs).norm(dim=1).max()) < 1  # pixel; untrained networks magnify rounding
    assert 0 <= change.mean <= change.largest < 1
    assert change.unit == "pixels of 64"


def test_the_card_tells_what_it_is(shelf: Path) -> None:
    folder = made_run("sadrnet")
    record = read_json(folder / "record.json", "")
    measured = {"sparse_2d": {"value": 0.05, "unit": "fraction"}}
    write_json(folder / "record.json", record | {"metrics": measured})
    change = ship(str(folder), "mine")
    card = read_card("mine")

    assert (card["paper"], card["method"], card["tier"]) == ("sadrnet", "sadrnet", "smoke")
    assert card["measured"] == measured
    assert card["half_precision"] == change._asdict()
    assert card["parameters"]["network"]["image_size"] == 64
    assert "rendered faces of adults only" in card["not_for"]
    assert "`facelib run sadrnet sadrnet --fold 0 --tier smoke`" in card["source"]


def test_the_commands(shelf: Path) -> None:
    folder = made_run("face_encoder")
    said = CliRunner().invoke(main, ["ship", str(folder), "--name", "mine"]).output
    assert "half precision moves answers on 8 rendered faces by" in said
    assert str(shelf / "mine.safetensors") in said

    listed = CliRunner().invoke(main, ["models"]).output
    assert listed.startswith("mine: Face encoder")
    assert "smoke tier, rendered faces only" in listed
    assert "licence: Apache-2.0" in CliRunner().invoke(main, ["models", "mine"]).output
    assert json.loads(CliRunner().invoke(main, ["models", "--json"]).output)["mine"] == read_card("mine")
    assert "unknown shipped model 'other'" in CliRunner().invoke(main, ["models", "other"]).output


def test_the_default_is_the_shipped_sadrnet_and_a_tier_means_a_run(shelf: Path) -> None:
    folder = made_run("sadrnet")
    ship(str(folder), "sadrnet")

    assert load_trained().origin["shipped_as"] == "sadrnet"
    assert load_trained("sadrnet").origin["shipped_as"] == "sadrnet"
    assert "shipped_as" not in load_trained("sadrnet", "smoke").origin
    assert "shipped_as" not in load_trained(str(folder)).origin


def test_what_is_not_shipped(shelf: Path) -> None:
    folder = made_run("sadrnet")
    network = load_trained(str(folder)).network
    parameter = next(iter(network.parameters()))
    with torch.no_grad():
        parameter[(0,) * parameter.ndim] = 1e6
    save_weights(folder / WEIGHTS_FILE, {"network": network})
    with pytest.raises(BadInput, match=r"holds 1e\+06, above 65504"):
        ship(str(folder), "mine")
    with pytest.raises(BadInput, match=r"takes .* MB in half precision: expected at most 3 files of 8 MB"):
        ship(str(made_run("sadrnet", **{"network.width": 1.0})), "mine")
    with pytest.raises(BadInput, match="mean_face predicts no map"):
        ship(str(made_run("mean_face")), "mine")
    assert list(shelf.iterdir()) == []


def test_a_model_of_other_faces(shelf: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel) -> None:
    """Of 3 mm larger noses, and one baked on another processor, whose last digits differ."""
    ship(str(made_run("face_encoder")), "mine")
    usual = trained.used_landmarks

    monkeypatch.setattr(trained, "used_landmarks", lambda *words: usual(*words) + 1e-4)
    load_shipped("mine")
    load_shipped.cache_clear()
    nose = torch.zeros(68, 3)
    nose[30, 2] = 3.0
    monkeypatch.setattr(trained, "used_landmarks", lambda *words: usual(*words) + nose)
    with pytest.raises(BadInput, match=r"trained on another face model: landmarks lie up to 3\.0 mm from those baked"):
        load_shipped("mine")
    monkeypatch.setattr(trained, "used_landmarks", lambda *words: usual(*words)[:-1])
    with pytest.raises(BadInput, match="landmarks lie up to inf mm"):
        load_shipped("mine")


def test_a_detector_reads_no_shape(shelf: Path) -> None:
    card = {"kind": "face detector", "summary": "a", "source": "b", "licence": "c", "not_for": "d"}
    write_shipped("finder", {"weight": torch.ones(1)}, card)

    with pytest.raises(
        BadInput, match="the shipped model finder is of kind 'face detector': expected 'face reconstruction'"
    ):
        load_trained("finder")


def test_a_pretraining_of_equal_settings_takes_what_ships(shelf: Path) -> None:
    folder = made_run("face_encoder")
    ship(str(folder), "face_encoder")
    here = load_trained(str(folder))
    asked = replace(here.settings, encoder=replace(here.settings.encoder, shipped=True))
    taken = build_network(here.method, asked)
    assert take_shipped(taken, here.method, asked)
    for name, value in here.network.state_dict().items():
        torch.testing.assert_close(taken.state_dict()[name], value, rtol=1e-3, atol=1e-5)  # half precision

    others = override(asked, {"pretraining.seed": 7}), override(asked, {"stream.skins": 3}), here.settings
    for settings in others:  # other settings, or no wish for it: they train
        fresh = build_network(here.method, settings)
        before = {name: value.clone() for name, value in fresh.state_dict().items()}
        assert not take_shipped(fresh, here.method, settings)
        assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())
    assert not take_shipped(taken, PAPER.method("shape_reader"), asked)  # of which nothing ships here
