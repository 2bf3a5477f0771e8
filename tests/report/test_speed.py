"""The pictures of speed say what the rows say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import pytest

from facelib.errors import BadInput
from facelib.report.speed import draw_growth, draw_ratios, growth_data, ratio_data, speed_label
from facelib.report.style import PALETTE


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


def row(name: str, ratio: float | None, agree: bool | None = True) -> dict[str, Any]:
    peer_ms = None if ratio is None else 2 * ratio
    return {"name": name, "peer": "a peer", "ours_ms": 2.0, "peer_ms": peer_ms, "ratio": ratio, "agree": agree}


def test_bars_are_ordered_labelled_and_red_where_answers_differ() -> None:
    data = ratio_data([row("slow", 0.8), row("missing", None, None), row("fast", 900.0), row("wrong", 3.0, False)])
    assert list(data["name"]) == ["fast", "wrong", "slow"]

    axes = draw_ratios(data).axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends == pytest.approx([900, 3, 0.8])
    assert [bar.get_facecolor()[:3] == plt.matplotlib.colors.to_rgb(PALETTE[5]) for bar in axes.patches] == [0, 1, 0]
    assert axes.texts[0].get_text() == "900 x   2 ms / 1.8 s"
    assert axes.get_yticklabels()[0].get_text() == "fast  (against a peer)"


def test_without_any_peer_there_is_no_picture() -> None:
    with pytest.raises(BadInput, match="install the peers"):
        ratio_data([row("missing", None, None)])


def test_growth_is_the_exponent_between_first_and_last_size() -> None:
    rows = [{"kernel": "square", "counted": "points", "n": n, "ours_ms": 1e-6 * n**2} for n in (1000, 4000, 16000)]
    rows += [{"kernel": "line", "counted": "scores", "n": n, "ours_ms": n / 1e6} for n in (10, 40, 2_000_000)]
    data = growth_data(rows)
    assert dict(zip(data["kernel"], data["exponent"], strict=True)) == pytest.approx({"square": 2, "line": 1})

    square, line, *rest = draw_growth(data).axes
    assert square.get_title(loc="left") == "square: n$^{2.00}$"
    assert [label.get_text() for label in line.get_xticklabels()] == ["10", "40", "2M"]
    assert not any(panel.get_visible() for panel in rest)


def test_growth_needs_rows() -> None:
    with pytest.raises(BadInput, match="facelib bench --growth"):
        growth_data([])


def test_the_label_names_the_machine() -> None:
    environment = {"hardware": {"gpu": None, "cpu": "A CPU"}, "packages": {"torch": "2.13.0"}, "threads": 2}
    assert speed_label(environment).startswith("A CPU, 2 threads, torch 2.13.0")
