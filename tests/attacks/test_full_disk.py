"""A disk of 2 MB runs full under data, training and pictures: what is said, and what is made once there is room."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from click.testing import CliRunner
from tiny_runs import use_private_cache, use_private_runs
from toy_papers import use_toy_papers

from facelib.cli import main
from facelib.errors import UnwritableFile
from facelib.report.manifest import write_figure
from facelib.reproduction import execute
from facelib.runs.folders import Run, project_folder
from facelib.runs.records import Record, read_record, same_result
from facelib.storage import cache_folder

SIZE = 2**21
PAGE = 4096  # bytes in which such a disk gives room
RUN = Run("toy", "base", tier="laptop")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a disk is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """Of the run on a disk with room."""
    use_toy_papers(monkeypatch, tmp_path / "roomy", "toy")
    assert make_run() == ""
    return read_record(RUN.record)


def make_run() -> str:
    """The file that could not be written, of which the command says so in one line; empty when all went well."""
    result = CliRunner().invoke(main, ["run", RUN.paper, RUN.method, "--tier", RUN.tier, "--directly"])
    if result.exit_code == 0:
        return ""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)  # a message, not an error that escaped
    expected = r"Error: \[Errno 28\] could not write (\S+) in \S+ \(free space: 0 MB\): No space left on device\n"
    said = re.fullmatch(expected, result.output)
    assert said is not None, result.output
    return said[1]


def fill(disk: Path, left: int) -> None:
    """Take all room but so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - left))


def files_without_room(disk: Path) -> list[str]:
    """The files that stop the command, while it gets a page more whenever it stops at the same one again."""
    stopped: list[str] = []
    left = 0
    while True:
        fill(disk, left)
        name = make_run()
        if not name:
            return list(dict.fromkeys(stopped))
        stopped.append(name)
        left += PAGE
        assert left < 100 * PAGE, stopped


def test_data_sets(disk: Path, undisturbed: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_private_cache(monkeypatch, disk / "cache")
    use_private_runs(monkeypatch, tmp_path / "runs")

    stopped = files_without_room(disk)
    assert {"00000.npz", "00000.npz.sha256"} < set(stopped)  # and later parts; those before them stay
    assert same_result(read_record(RUN.record), undisturbed) == []


def test_training(disk: Path, undisturbed: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    use_private_runs(monkeypatch, disk / "runs")

    stopped = files_without_room(disk)
    assert {"run.json", "checkpoint_0000.pt", "weights.safetensors"} <= set(stopped)
    assert same_result(read_record(RUN.record), undisturbed) == []


def test_a_full_cache_may_be_read_only(
    disk: Path, undisturbed: Record, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(cache_folder() / "data", disk / "data")
    use_private_cache(monkeypatch, disk)
    use_private_runs(monkeypatch, tmp_path / "runs")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    assert make_run() == ""
    assert same_result(read_record(RUN.record), undisturbed) == []


def test_executed_notebooks(disk: Path) -> None:
    pytest.importorskip("papermill", reason="pip install 'facelib-companion[notebooks]'")
    fill(disk, 0)

    with pytest.raises(UnwritableFile, match=r"could not write executed\.ipynb in .*No space left on device"):
        execute(project_folder() / "notebooks" / "00_start_here.ipynb", disk / "executed.ipynb", {})


def test_pictures(disk: Path, tmp_path: Path) -> None:
    def draw(folder: Path) -> Path:
        figure = plt.figure()
        try:
            return write_figure(figure, pd.DataFrame({"x": [1]}), folder, "roc", label="a label", origin={})
        finally:
            plt.close(figure)

    fill(disk, 0)
    with pytest.raises(UnwritableFile, match=r"could not write roc\.png in .*No space left on device"):
        draw(disk)
    assert [path.name for path in disk.iterdir()] == ["filler"]
    (disk / "filler").unlink()

    assert draw(disk).read_bytes() == draw(tmp_path / "roomy").read_bytes()
