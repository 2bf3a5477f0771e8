from __future__ import annotations

import io

from facelib.runs.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_silent_without_a_terminal(capsys):
    with progress_bar("rendering", 3, "images") as bar:
        for _ in range(3):
            bar.advance()
    written = capsys.readouterr()
    assert written.out == written.err == ""


def test_shows_count_and_unit_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("rendering", 3, "images") as bar:
        bar.advance(2)
        bar.advance()
    assert "rendering" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()
    assert "images" in terminal.getvalue()


def test_hidden_in_all_but_the_first_process(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress_bar("rendering", 3, "images", show=False) as bar:
        bar.advance(3)
    assert terminal.getvalue() == ""
