"""A run of paper 5 becomes a model that ships, which answers as the run does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tiny_runs import use_empty_shelf, use_private_runs
from untrained_reader import make_untrained_reader

from facelib.cli import main
from facelib.errors import BadInput
from facelib.papers.msma.shipping import ship
from facelib.papers.msma.trained import load_shipped, load_trained
from facelib.weights import read_card, shipped_names

pytestmark = pytest.mark.usefixtures("face_model")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of that of the shipped weights."""
    use_private_runs(monkeypatch, tmp_path / "runs")
    folder = tmp_path / "weights"
    use_empty_shelf(monkeypatch, folder)
    load_shipped.cache_clear()
    yield folder
    load_shipped.cache_clear()


@pytest.mark.parametrize("method", ["msma", "short", "supervised"])
def test_a_shipped_model_answers_as_its_run(shelf: Path, method: str) -> None:
    folder = make_untrained_reader(method, silent=False)
    change = ship(str(folder), "msma")
    here, there = load_trained(str(folder)), load_trained()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = here.network(images), there.network(images)

    for one, other in zip(ours, theirs, strict=True):
        assert one.abs().max() > 0.01
        assert (one - other).abs().max() < 0.02 * one.abs().max()
    assert 0 < change.mean < change.largest < 1  # mm
    assert (there.settings, there.method) == (here.settings, here.method)
    assert dict(there.origin) == {**here.origin, "shipped_as": "msma"}
    card = read_card("msma")
    assert (card["kind"], card["method"], card["tier"]) == ("face fitting", method, "smoke")
    assert card["half_precision"] == change._asdict()
    assert there.weights_sha256 == card["weights_sha256"]
    assert str(change).startswith("half precision moves answers on 8 rendered faces by 0.")


def test_the_command(shelf: Path) -> None:
    said = CliRunner().invoke(main, ["ship", str(make_untrained_reader()), "--name", "msma"])
    assert said.exit_code == 0, said.output
    assert "half precision moves answers on 8 rendered faces by 0.0000 mm" in said.output
    assert CliRunner().invoke(main, ["models"]).output.startswith("msma: MSMA: fits a face model to a photograph")


def test_what_is_not_shipped(shelf: Path) -> None:
    for method in ("landmark_reader", "mean_face"):
        with pytest.raises(BadInput, match=f"{method} reads no coefficients off photographs"):
            ship(str(make_untrained_reader(method)), "msma")
    assert shipped_names() == ()
