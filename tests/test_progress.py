from __future__ import annotations

import io
import sys
import time
from types import SimpleNamespace

import pytest

from facelib import progress
from facelib.progress import duration, progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return terminal


def test_a_short_step_says_nothing_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("rendering", 3, "images") as bar:
        for _ in range(3):
            bar.advance()
    written = capsys.readouterr()
    assert written.out == written.err == ""


def test_a_long_step_says_in_a_log_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.02)
    with progress_bar("rendering", 3000, "images") as bar:
        time.sleep(0.1)
        bar.advance(1500)
        time.sleep(0.1)
    first, *_, last = capsys.readouterr().err.splitlines()

    assert first == "rendering: 0 of 3,000 images"
    assert last == "rendering: 1,500 of 3,000 images, about 0 s left"


def test_a_step_of_unknown_length_says_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.02)
    with progress_bar("baking"):
        time.sleep(0.1)
    assert "baking: 0 s" in capsys.readouterr().err.splitlines()


def test_nothing_is_written_after_a_step_that_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.02)
    with pytest.raises(ValueError, match="no"), progress_bar("baking"):
        raise ValueError("no")
    capsys.readouterr()
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_shows_count_and_unit_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with progress_bar("rendering", 3, "images") as bar:
        bar.advance(2)
        bar.advance()
    assert "rendering" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert "images" in terminal.getvalue()


@pytest.mark.parametrize("kernel", [True, False])
def test_a_notebook_stores_no_bar(monkeypatch: pytest.MonkeyPatch, kernel: bool) -> None:
    terminal = open_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object() if kernel else None))
    with progress_bar("rendering", 3, "images") as bar:
        bar.advance(3)
    assert (terminal.getvalue() == "") == kernel


def test_hidden_in_all_but_the_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with progress_bar("rendering", 3, "images", show=False) as bar:
        bar.advance(3)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (89.4, "89 s"), (91, "2 min"), (3540, "59 min"), (3600, "1 h 0 min"), (11100, "3 h 5 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words
