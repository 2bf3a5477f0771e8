"""`facelib reproduce`: every missing run once, runs of other settings set aside, then the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tiny_runs import TINY, use_private_runs, use_tiny_data

from facelib import reproduction
from facelib.errors import FacelibError, MissingPart, UnknownName
from facelib.faces.morphable_model import MorphableModel
from facelib.papers.joint_attention import METHODS
from facelib.papers.joint_attention.settings import TIERS
from facelib.reproduction import execute, is_current, reproduce, run
from facelib.runs.folders import project_folder, record_path, run_folder, runs_folder

PAPER = "joint_attention"
ONE_EPOCH = TINY | {f"{stage}.{name}": 1 for stage in ("pretraining", "training") for name in ("epochs", "min_epochs")}


@pytest.fixture(autouse=True, scope="module")
def tiny_smoke_tier(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("reproduced"))
        patch.setitem(TIERS, "smoke", ONE_EPOCH)
        yield


@pytest.fixture(scope="module")
def reproduced(tiny_smoke_tier: None) -> tuple[str, list[str]]:
    said: list[str] = []
    return reproduce(PAPER, "smoke", directly=True, say=said.append), said


def test_all_runs_are_made_and_the_table_given(reproduced: tuple[str, list[str]]) -> None:
    table, said = reproduced

    assert [line.split(":")[0] for line in said] == [f"{PAPER} {name} fold 0 at smoke" for name in METHODS]
    assert all("tar_at_far_1pct 0." in line for line in said)
    assert "| JAM + JE | ours | 1 |" in table
    assert "| JAM + JE | printed | 3 |" in table


def test_a_second_time_trains_nothing(reproduced: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "run", None)
    said: list[str] = []

    assert reproduce(PAPER, "smoke", directly=True, say=said.append) == reproduced[0]
    assert said == [f"{PAPER} {name} fold 0 at smoke: up to date" for name in METHODS]


def test_a_run_is_current_only_with_its_settings_its_data_and_a_sound_record(
    reproduced: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_current(PAPER, "jam", 0, "smoke")
    assert not is_current(PAPER, "jam", 1, "smoke")
    assert not is_current(PAPER, "jam", 0, "smoke", seed=1)
    for change in ({"loss.bins": 16}, {"network.dropout": 0.3}):
        with monkeypatch.context() as patch:
            patch.setitem(TIERS, "smoke", ONE_EPOCH | change)
            assert not is_current(PAPER, "jam", 0, "smoke")
    with monkeypatch.context() as patch:
        patch.setattr("facelib.data.embedded.generation.GENERATOR_VERSION", -1)
        assert not is_current(PAPER, "jam", 0, "smoke")
    path = record_path(run_folder(PAPER, "smoke", "jam", 0, 0))
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    assert not is_current(PAPER, "jam", 0, "smoke")
    path.write_bytes(content)
    assert is_current(PAPER, "jam", 0, "smoke")


def test_a_run_of_other_settings_is_kept_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reproduced: tuple[str, list[str]]
) -> None:
    use_private_runs(monkeypatch, tmp_path)
    monkeypatch.setattr(reproduction, "report", lambda *_, **__: "")
    monkeypatch.setattr("facelib.papers.joint_attention.METHODS", {"pretrain_ir18": METHODS["pretrain_ir18"]})
    for epochs in (1, 2, 3):
        tier = TINY | {"pretraining.epochs": epochs, "pretraining.min_epochs": 1}
        monkeypatch.setitem(TIERS, "smoke", tier)
        reproduce(PAPER, "smoke", directly=True, say=lambda _: None)

    folder = run_folder(PAPER, "smoke", "pretrain_ir18", 0, 0)
    names = [folder.name, f"superseded-{folder.name}-1", f"superseded-{folder.name}-2"]
    assert sorted(path.name for path in folder.parent.iterdir()) == names
    lengths = [len(reproduction.read_record(record_path(folder.with_name(name))).history) for name in names]
    assert lengths == [3, 1, 2]


def test_through_notebooks(reproduced: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Path, Path, dict[str, Any]]] = []
    monkeypatch.setattr(reproduction, "execute", lambda *arguments: calls.append(arguments))

    path = run(PAPER, "jam", fold=2, seed=4, changes={"loss.bins": 16})
    reproduce(PAPER, "smoke", say=lambda _: None)

    folder = project_folder() / "notebooks" / "1_joint_attention"
    assert path == record_path(run_folder(PAPER, "smoke", "jam", 2, 4))
    parameters = {"method": "jam", "fold": 2, "tier": "smoke", "seed": 4, "changes": {"loss.bins": 16}}
    assert calls == [
        (folder / "train.ipynb", path.parent / "train.ipynb", parameters),
        (folder / "tables.ipynb", runs_folder() / PAPER / "smoke" / "tables.ipynb", {"tier": "smoke"}),
        (folder / "figures.ipynb", runs_folder() / PAPER / "smoke" / "figures.ipynb", {"tier": "smoke"}),
    ]


def test_names_are_checked_before_a_notebook_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "execute", None)

    with pytest.raises(UnknownName, match="unknown paper"):
        run("joint", "jam")
    with pytest.raises(UnknownName, match="unknown method"):
        run(PAPER, "jma")
    with pytest.raises(UnknownName, match="unknown parameter"):
        run(PAPER, "jam", changes={"epochs": 3})
    with pytest.raises(UnknownName, match="unknown tier"):
        reproduce(PAPER, "smokey", directly=True)
    with pytest.raises(MissingPart, match="its owners license"):
        reproduce(PAPER, "paper", directly=True)


def test_a_failing_cell_names_the_notebook_and_the_error(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    parameters = nbformat.v4.new_code_cell("width = 1")
    parameters.metadata["tags"] = ["parameters"]
    notebook.cells = [parameters, nbformat.v4.new_code_cell("1 / (width - 2)")]
    nbformat.write(notebook, tmp_path / "bad.ipynb")

    with pytest.raises(FacelibError, match=r"bad\.ipynb failed: ZeroDivisionError: division by zero") as caught:
        execute(tmp_path / "bad.ipynb", tmp_path / "made" / "bad.ipynb", {"width": 2})
    assert str(tmp_path / "made" / "bad.ipynb") in str(caught.value)
    assert (tmp_path / "made" / "bad.ipynb").exists()
