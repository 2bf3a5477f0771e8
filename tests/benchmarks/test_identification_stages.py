"""Memory of tensors as counted by hand, and a line for each stage of paper 2."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from facelib.benchmarks import identification_stages as cases
from facelib.benchmarks.tensor_memory import peak_tensor_mb

MILLION = 250_000  # numbers of 4 bytes


def test_what_was_let_go_counts_no_more() -> None:
    def work() -> torch.Tensor:
        first = torch.zeros(MILLION)
        second = first + 1  # two live
        view = second.view(-1, 10)  # the same storage
        del first, second
        return view.sum(dim=1) * 2  # second and two tenths

    assert peak_tensor_mb(work) == pytest.approx(2.0)
    assert peak_tensor_mb(lambda: None) == 0


def test_weights_and_activations_of_a_network() -> None:
    network = nn.Sequential(*(nn.Linear(500, 500, bias=False) for _ in range(3)))
    given = torch.zeros(1000, 500)
    weights, layer = 3 * 4 * 500**2 / 1e6, 4 * 1000 * 500 / 1e6
    # The input is made outside; of three outputs two live at a time.
    assert peak_tensor_mb(lambda: network(given), network.parameters()) == pytest.approx(weights + 2 * layer)


@pytest.mark.usefixtures("face_model")
def test_a_line_for_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "median_seconds", lambda work: 0.025)
    table = cases.stage_costs("smoke")
    assert table["ms"].tolist() == [25.0] * 4
    assert table.loc["three networks", "needed"] == "each scan"
    networks = table[table["parameters"] > 0]
    assert len(networks) == 2
    assert (networks["MB of tensors"] > 4 * networks["parameters"] / 1e6).all()
    assert table["MB of tensors"].isna().sum() == 1
