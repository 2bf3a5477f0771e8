"""A pretrained recogniser becomes a model that ships; whoever asks for one gets no other kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from made_records import make_record
from tiny_runs import use_empty_shelf

from facelib import weights
from facelib.cli import main
from facelib.errors import BadInput
from facelib.papers import load_paper
from facelib.papers.joint_attention.shipping import load_shipped, ship
from facelib.runs.checkpoints import save_weights
from facelib.runs.settings import as_dict
from facelib.storage import read_json, write_json
from facelib.weights import read_card, shipped_names, write_shipped

SMALL = {"network.image_size": 32, "network.width": 0.125, "network.embedding": 16}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of that of the shipped weights."""
    folder = tmp_path / "weights"
    use_empty_shelf(monkeypatch, folder)
    load_shipped.cache_clear()
    yield folder
    load_shipped.cache_clear()


def made_run(method: str) -> Path:
    """An untrained run at the smoke tier."""
    paper = load_paper("joint_attention")
    settings = paper.run_settings(method, "smoke", changes=SMALL)
    torch.manual_seed(0)
    network = paper.steps.build_network(paper.method(method), settings)
    record = make_record(method, changes=SMALL)
    save_weights(record.run.weights, {"network": network})
    path = record.run.record
    write_json(path, read_json(path, "") | {"parameters": as_dict(settings)})
    return path.parent


def test_a_shipped_recogniser_answers_as_its_run(shelf: Path) -> None:
    folder = made_run("pretrain_ir18")
    said = CliRunner().invoke(main, ["ship", str(folder), "--name", "ir18"])
    assert said.exit_code == 0, said.output
    assert "half precision moves answers on 8 rendered faces by" in said.output

    card, network = read_card("ir18"), load_shipped()
    assert (card["paper"], card["method"], card["tier"]) == ("joint_attention", "pretrain_ir18", "smoke")
    assert "rendered faces of adults only" in card["not_for"]
    assert 0 <= card["half_precision"]["mean"] <= card["half_precision"]["largest"] < 3
    assert not network.training
    assert network(torch.rand(2, 3, 32, 32)).unit.shape == (2, 16)


def test_other_kinds_are_refused(shelf: Path) -> None:
    with pytest.raises(BadInput, match="no pretrained recogniser of images"):
        ship(str(made_run("dgcnn")), "mine")
    assert shipped_names() == ()
    card = dict.fromkeys(weights.CARD_FIELDS, "something else")
    write_shipped("mine", {"x": torch.zeros(1)}, card)
    with pytest.raises(BadInput, match="of kind 'something else': expected 'face recognition'"):
        load_shipped("mine")
