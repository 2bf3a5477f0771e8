"""Making runs one after the other: each once, only what must be made, runs of something else set aside."""

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
from facelib.papers import status
from facelib.papers.joint_attention import PAPER
from facelib.papers.joint_attention.methods import METHODS
from facelib.papers.joint_attention.settings import TIERS
from facelib.papers.status import Status, code_of, runs_of, status_of
from facelib.reproduction import execute, make, make_directly, report
from facelib.runs.folders import Run, project_folder, runs_folder
from facelib.runs.records import Record, new_record, read_record, write_record

NAME = PAPER.name
ONE_EPOCH = TINY | {f"{stage}.{name}": 1 for stage in ("pretraining", "training") for name in ("epochs", "min_epochs")}
MADE = ["pretrain_ir18", "ir18", "pointnet2", "jam"]


@pytest.fixture(autouse=True, scope="module")
def tiny_smoke_tier(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("reproduced"))
        patch.setitem(TIERS, "smoke", ONE_EPOCH)
        yield


def smoke_run(method: str, fold: int = 0, seed: int = 0, **changes: Any) -> Run:
    return Run(NAME, method, fold, seed=seed, changes=changes)


def is_current(*run: Any, **more: Any) -> bool:
    return status_of(smoke_run(*run), **more).is_current


@pytest.fixture(scope="module")
def reproduced(tiny_smoke_tier: None) -> list[str]:
    said: list[str] = []
    assert make_directly(runs_of(PAPER, "smoke", methods=["jam", "ir18"]), say=said.append)
    return said


def test_runs_are_made_with_what_they_need(reproduced: list[str]) -> None:
    assert [line.split(":")[0] for line in reproduced] == [f"{NAME} {name} fold 0 at smoke" for name in MADE]
    assert all("tar_at_far_1pct 0." in line for line in reproduced)


def test_a_second_time_trains_nothing(reproduced: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facelib.papers.run._train", None)
    monkeypatch.setattr(reproduction, "execute", None)
    said: list[str] = []

    assert make_directly(runs_of(PAPER, "smoke", methods=["jam", "ir18"]), say=said.append)
    make([smoke_run("jam"), smoke_run("ir18")], say=said.append)
    names = [*MADE, "ir18", "jam"]
    assert said == [f"{NAME} {name} fold 0 at smoke: up to date" for name in names]


def test_the_papers_runs_are_in_an_order_in_which_they_can_be_made() -> None:
    runs = runs_of(PAPER, "smoke", range(3))

    assert len(runs) == len(set(runs)) == 5 + 3 * (len(METHODS) - 5)
    assert [METHODS[run.method].kind for run in runs[:5]] == ["pretraining"] * 5
    assert [run.fold for run in runs[5:]] == sorted(run.fold for run in runs[5:])
    for place, run in enumerate(runs):
        for need in METHODS[run.method].needs:
            assert {smoke_run(need, run.fold), smoke_run(need)} & set(runs[:place])


def test_a_run_is_current_only_with_its_settings_its_data_and_a_sound_record(
    reproduced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_current("jam")
    assert not is_current("jam", 1)
    assert not is_current("jam", 0, 1)
    for change in ({"loss.bins": 16}, {"network.dropout": 0.3}):
        with monkeypatch.context() as patch:
            patch.setitem(TIERS, "smoke", ONE_EPOCH | change)
            assert not is_current("jam")
    for settings, reads in (("FaceScapeSettings", True), ("FlorenceSettings", False)):
        with monkeypatch.context() as patch:
            patch.setattr(f"facelib.data.embedded.{settings}.version", -1)
            assert is_current("jam") != reads
    path = smoke_run("jam").record
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    assert not is_current("jam")
    path.write_bytes(content)
    assert is_current("jam")


def test_another_version_of_its_code_asks_for_a_run_again_unless_it_is_let_pass(
    reproduced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "code_of", lambda paper, method: code_of(paper, method) + "x" * (method == "jam"))

    assert is_current("ir18")
    assert "another version of the code" in status_of(smoke_run("jam")).reason
    assert is_current("jam", keep_code=True)


def test_a_run_of_other_settings_is_kept_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reproduced: list[str]
) -> None:
    use_private_runs(monkeypatch, tmp_path)
    for epochs in (1, 2, 3):
        tier = TINY | {"pretraining.epochs": epochs, "pretraining.min_epochs": 1}
        monkeypatch.setitem(TIERS, "smoke", tier)
        make_directly([smoke_run("pretrain_ir18")], say=lambda _: None)

    folder = smoke_run("pretrain_ir18").folder
    names = [folder.name, f"superseded-{folder.name}-1", f"superseded-{folder.name}-2"]
    assert sorted(path.name for path in folder.parent.iterdir()) == names
    lengths = [len(read_record(folder.with_name(name) / "record.json").history) for name in names]
    assert lengths == [3, 1, 2]


class Notebooks:
    """Stands for papermill: keeps what it was asked for, writes the executed copy, and fails when told so."""

    def __init__(self, failing: dict[str, str]) -> None:
        self.calls: list[tuple[Path, Path, dict[str, Any]]] = []
        self.failing = failing

    def execute(self, source: Path, target: Path, parameters: dict[str, Any]) -> None:
        self.calls.append((source, target, parameters))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("executed")
        for method in parameters.get("methods", ()):
            if method in self.failing:
                raise FacelibError(self.failing[method])
            folder = smoke_run(method, parameters["fold"], parameters["seed"], **parameters["changes"]).folder
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "made").write_text("")


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebooks:
    use_private_runs(monkeypatch, tmp_path)
    stand_in = Notebooks({})
    monkeypatch.setattr(reproduction, "execute", stand_in.execute)

    def made(run: Run, **_: Any) -> Status:
        return Status(run, "current" if (run.folder / "made").exists() else "missing")

    monkeypatch.setattr(reproduction, "status_of", made)
    return stand_in


SOURCES = project_folder() / "notebooks" / "1_joint_attention"


def test_one_run_through_its_notebook(notebooks: Notebooks) -> None:
    run = smoke_run("jam", 2, 4, **{"loss.bins": 16})
    make([run])

    assert (run.folder / "train.ipynb").read_text() == "executed"
    assert not smoke_run("jam", 2, 4).folder.exists()
    ((source, target, parameters),) = notebooks.calls
    assert source == SOURCES / "train.ipynb"
    assert target == runs_folder() / NAME / "smoke" / "notebooks" / f"{run.folder.name}.ipynb"
    options = {"fold": 2, "tier": "smoke", "seed": 4, "changes": {"loss.bins": 16}, "keep_code": False}
    assert parameters == {"methods": ["jam"], **options}


def test_several_runs_in_one_notebook(notebooks: Notebooks) -> None:
    make([smoke_run(method) for method in ("ir18_ts", "jam", "pointnet2")], keep_code=True)

    ((_, target, parameters),) = notebooks.calls
    assert parameters["methods"] == ["pointnet2", "jam", "ir18_ts"]  # the teacher before its student
    assert parameters["keep_code"]
    assert target.name == "pointnet2-fold0-seed0-and-2-more.ipynb"
    assert target.read_text() == "executed"


def test_when_one_fails_the_others_are_made_but_not_its_students(notebooks: Notebooks) -> None:
    notebooks.failing = {"pointnet2": "the loss is NaN", "dream": "no memory"}
    said: list[str] = []

    with pytest.raises(FacelibError, match=r"pointnet2: the loss is NaN\ndream: no memory"):
        make([smoke_run(name) for name in ("ir18", "ir18_ts", "dream", "pointnet2", "vgg16")], say=said.append)

    tried = [parameters["methods"] for _, _, parameters in notebooks.calls]
    assert tried == [["ir18", "pointnet2", "ir18_ts", "dream", "vgg16"], ["dream", "vgg16"], ["vgg16"]]
    assert f"{NAME} pointnet2 fold 0 at smoke failed: the loss is NaN" in said


def test_a_notebook_that_fails_after_all_runs_are_made_says_so(
    notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw_nothing(*arguments: Any) -> None:
        notebooks.execute(*arguments)
        raise FacelibError("train.ipynb failed: no ink")

    monkeypatch.setattr(reproduction, "execute", draw_nothing)
    with pytest.raises(FacelibError, match="no ink"):
        make([smoke_run("jam"), smoke_run("ir18")])
    assert len(notebooks.calls) == 1


def test_tables_and_figures_through_their_notebooks_where_there_is_something_new(
    notebooks: Notebooks,
) -> None:
    report(PAPER, "smoke", say=lambda _: None)

    place = runs_folder() / NAME / "smoke"
    assert notebooks.calls == [
        (SOURCES / "tables.ipynb", place / "tables.ipynb", {"tier": "smoke"}),
        (SOURCES / "figures.ipynb", place / "figures.ipynb", {"tier": "smoke"}),
    ]

    said: list[str] = []
    report(PAPER, "smoke", say=said.append)
    assert len(notebooks.calls) == 2
    assert [line.split(" in ")[0] for line in said] == [
        f"{NAME} {name} at smoke: up to date" for name in ("tables", "figures")
    ]

    (place / "figures.ipynb").unlink()
    report(PAPER, "smoke", say=lambda _: None)
    assert [source.name for source, _, _ in notebooks.calls[2:]] == ["figures.ipynb"]
    write_record(smoke_run("jam").record, some_record(smoke_run("jam")))
    report(PAPER, "smoke", say=lambda _: None)
    assert [source.name for source, _, _ in notebooks.calls[3:]] == ["tables.ipynb", "figures.ipynb"]


def test_reading_takes_as_long_as_the_last_time(notebooks: Notebooks) -> None:
    usual = reproduction.reading_seconds(PAPER, "smoke")
    assert usual == 2 * reproduction.USUAL_READING_S
    place = runs_folder() / NAME / "smoke" / "tables.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text('{"metadata": {"papermill": {"duration": 7.5}}}')
    assert reproduction.reading_seconds(PAPER, "smoke") == 7.5 + usual / 2
    place.write_text('{"metadata": {"papermill": {"duration": null}}}')  # it was killed
    assert reproduction.reading_seconds(PAPER, "smoke") == usual


def some_record(run: Run) -> Record:
    return new_record(run, data={"source": "", "fingerprint": ""}, parameters={}, metrics={}, wall_time_s=0.0)


def test_names_are_checked_before_a_notebook_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "execute", None)

    with pytest.raises(UnknownName, match="unknown paper"):
        make([Run("joint", "jam")])
    with pytest.raises(UnknownName, match="unknown method"):
        make([smoke_run("ir18"), smoke_run("jma")])
    with pytest.raises(UnknownName, match="unknown parameter"):
        make([smoke_run("jam", epochs=3)])
    with pytest.raises(UnknownName, match="unknown tier"):
        runs_of(PAPER, "smokey")
    with pytest.raises(MissingPart, match="FACELIB_DATA is not set"):
        make_directly(runs_of(PAPER, "paper"))


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
