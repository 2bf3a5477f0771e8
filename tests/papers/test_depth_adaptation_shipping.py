"""Runs of paper 4 become models that ship, which answer as the runs do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made_depth import INTRINSICS, make_untrained_depth_run, whole_frame
from tiny_runs import use_empty_shelf, use_private_runs
from untrained_run import make_untrained_run

import facelib
from facelib.cli import main
from facelib.errors import BadInput
from facelib.papers.depth_adaptation.methods import POSE, SHAPE
from facelib.papers.depth_adaptation.shipping import ship
from facelib.papers.depth_adaptation.trained import load_shipped, load_trained
from facelib.weights import read_card, shipped_names, weights_paths

pytestmark = pytest.mark.usefixtures("face_model", "with_depth_adaptation")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in the place of that of the shipped weights."""
    use_private_runs(monkeypatch, tmp_path / "runs")
    use_empty_shelf(monkeypatch, tmp_path / "weights")
    load_shipped.cache_clear()
    yield tmp_path / "weights"
    load_shipped.cache_clear()


@pytest.mark.parametrize(("kind", "method", "unit"), [(SHAPE, "dashapenet", "mm"), (POSE, "dapose", "degrees")])
def test_a_shipped_model_answers_as_its_run(shelf: Path, kind: str, method: str, unit: str) -> None:
    folder = make_untrained_depth_run(method, silent=False)
    change = ship(str(folder), method)
    here, there = load_trained(kind, str(folder)), load_trained(kind)
    images = 2 * torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) - 1
    with torch.no_grad():
        ours, theirs = (torch.cat([*map(torch.Tensor.flatten, _parts(each.network(images)))]) for each in (here, there))
    assert ours.abs().max() > 0.01
    assert 0 < (ours - theirs).abs().max() < 0.02 * ours.abs().max()
    assert 0 < change.mean <= change.largest < 1
    assert change.unit == unit
    assert dict(there.origin) == {**here.origin, "shipped_as": method}
    card = read_card(method)
    assert (card["method"], card["tier"], card["half_precision"]) == (method, "smoke", change._asdict())
    assert all(path.stat().st_size < 8e6 for path in weights_paths(method))


def _parts(found: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return (found,) if isinstance(found, torch.Tensor) else tuple(found)


def test_frames_are_read_by_what_ships(shelf: Path) -> None:
    for method in ("dashapenet", "dapose"):
        said = CliRunner().invoke(main, ["ship", str(make_untrained_depth_run(method)), "--name", method])
        assert said.exit_code == 0, said.output
        assert "half precision moves answers on 8 rendered faces by 0.0000" in said.output
    face = facelib.reconstruct_depth(np.asarray(whole_frame()), INTRINSICS)
    assert face.origin[SHAPE]["shipped_as"] == "dashapenet"
    assert face.origin[POSE]["shipped_as"] == "dapose"


def test_what_is_not_shipped(shelf: Path) -> None:
    for folder in (make_untrained_depth_run("mean_face"), make_untrained_run()):
        with pytest.raises(BadInput, match="has no network that reads depth"):
            ship(str(folder), "dashapenet")
    assert shipped_names() == ()
