"""Three networks of normal components ship as one file, and answer as they did; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from made_networks import PREPARATION, made_networks, ship_made_networks
from tiny_runs import use_empty_shelf

from facelib.errors import BadInput, MissingPart, UnknownName
from facelib.models.sphereface import Sphere20, Sphere20Settings
from facelib.papers.component_networks import AXES, ComponentNetworks, load_networks, load_shipped
from facelib.weights import CARD_FIELDS, read_card, write_shipped


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder in the place of that of the shipped weights."""
    use_empty_shelf(monkeypatch, tmp_path / "weights")
    load_shipped.cache_clear()
    yield
    load_shipped.cache_clear()


def test_shipped_networks_answer_as_they_did() -> None:
    here = ship_made_networks()
    there = load_networks()
    normals = torch.rand(40, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    ours, theirs = here.features(normals), there.features(normals)
    assert tuple(theirs) == AXES
    for place, axis in enumerate(AXES):
        torch.testing.assert_close(theirs[axis], ours[axis], rtol=0, atol=2e-3)
        alone = here.networks[axis](normals[39:, place, None]).unit
        torch.testing.assert_close(ours[axis][39:], alone)  # of the last batch
    assert (ours["x"] - ours["y"]).norm(dim=1).min() > 0.1
    assert (there.settings, there.preparation) == (here.settings, PREPARATION)
    assert dict(there.origin) == {**here.origin, "shipped_as": "normal_components"}
    assert not any(network.training for network in there.networks.values())
    assert read_card("normal_components")["preparation"]["cell"] == 2.9


def test_what_is_not_there() -> None:
    with pytest.raises(MissingPart, match="`facelib reproduce --paper normal_components --tier laptop`"):
        load_networks()
    with pytest.raises(UnknownName, match="unknown shipped model 'mine'"):
        load_networks("mine")
    write_shipped("mine", {"x": torch.zeros(1)}, dict.fromkeys(CARD_FIELDS, "something else"))
    with pytest.raises(BadInput, match="of kind 'something else': expected '3D face recognition'"):
        load_networks("mine")


def test_networks_that_do_not_fit() -> None:
    made = made_networks()
    with pytest.raises(BadInput, match="networks of z, y, x: expected one of each of x, y and z"):
        replace(made, networks=dict(reversed(list(made.networks.items()))))
    with pytest.raises(BadInput, match="networks of nothing"):
        ComponentNetworks({}, PREPARATION, {})
    other = Sphere20(Sphere20Settings(image_size=56, channels=1, width=0.25))
    with pytest.raises(BadInput, match="networks of several sizes"):
        replace(made, networks={**made.networks, "z": other})
    with pytest.raises(BadInput, match="networks of 3 channels: expected 1"):
        made_networks(channels=3)
    with pytest.raises(BadInput, match="networks see 64 pixels, scans are prepared with 56"):
        made_networks(image_size=64)
