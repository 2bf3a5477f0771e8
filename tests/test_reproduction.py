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
from facelib.papers.joint_attention import METHODS
from facelib.papers.joint_attention.settings import TIERS
from facelib.reproduction import execute, is_current, outdated, report, reproduce_directly, run, runs_of
from facelib.runs.folders import project_folder, record_path, run_folder, runs_folder
from facelib.runs.records import read_record

PAPER = "joint_attention"
ONE_EPOCH = TINY | {f"{stage}.{name}": 1 for stage in ("pretraining", "training") for name in ("epochs", "min_epochs")}
MADE = ["pretrain_ir18", "ir18", "jam"]


@pytest.fixture(autouse=True, scope="module")
def tiny_smoke_tier(tmp_path_factory: pytest.TempPathFactory, face_model: MorphableModel) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_data(patch, tmp_path_factory)
        use_private_runs(patch, tmp_path_factory.mktemp("reproduced"))
        patch.setitem(TIERS, "smoke", ONE_EPOCH)
        yield


@pytest.fixture(scope="module")
def reproduced(tiny_smoke_tier: None) -> list[str]:
    said: list[str] = []
    assert reproduce_directly(PAPER, "smoke", methods=["jam", "ir18"], say=said.append)
    return said


def test_runs_are_made_with_what_they_need(reproduced: list[str]) -> None:
    assert [line.split(":")[0] for line in reproduced] == [f"{PAPER} {name} fold 0 at smoke" for name in MADE]
    assert all("tar_at_far_1pct 0." in line for line in reproduced)


def test_a_second_time_trains_nothing(reproduced: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facelib.papers.joint_attention.train", None)
    monkeypatch.setattr(reproduction, "execute", None)
    said: list[str] = []

    assert reproduce_directly(PAPER, "smoke", methods=["jam", "ir18"], say=said.append)
    run(PAPER, ["jam", "ir18"], say=said.append)
    names = [*MADE, "jam", "ir18"]
    assert said == [f"{PAPER} {name} fold 0 at smoke: up to date" for name in names]


def test_the_papers_runs_are_in_an_order_in_which_they_can_be_made() -> None:
    runs = runs_of(PAPER, range(3))

    assert len(runs) == len(set(runs)) == 5 + 3 * (len(METHODS) - 5)
    assert [METHODS[name].kind for name, _ in runs[:5]] == ["pretraining"] * 5
    assert [fold for _, fold in runs[5:]] == sorted(fold for _, fold in runs[5:])
    for place, (name, fold) in enumerate(runs):
        for need in METHODS[name].needs:
            assert {(need, fold), (need, 0)} & set(runs[:place])


def test_a_run_is_current_only_with_its_settings_its_data_and_a_sound_record(
    reproduced: list[str], monkeypatch: pytest.MonkeyPatch
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


def test_another_version_of_its_code_asks_for_a_run_again_unless_it_is_let_pass(
    reproduced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reproduction.run_code
    monkeypatch.setattr(reproduction, "run_code", lambda paper, method: before(paper, method) + "x" * (method == "jam"))

    assert is_current(PAPER, "ir18", 0, "smoke")
    assert "another version of the code" in str(outdated(PAPER, "jam", 0, "smoke"))
    assert is_current(PAPER, "jam", 0, "smoke", keep_code=True)


def test_a_run_of_other_settings_is_kept_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reproduced: list[str]
) -> None:
    use_private_runs(monkeypatch, tmp_path)
    for epochs in (1, 2, 3):
        tier = TINY | {"pretraining.epochs": epochs, "pretraining.min_epochs": 1}
        monkeypatch.setitem(TIERS, "smoke", tier)
        reproduce_directly(PAPER, "smoke", methods=["pretrain_ir18"], say=lambda _: None)

    folder = run_folder(PAPER, "smoke", "pretrain_ir18", 0, 0)
    names = [folder.name, f"superseded-{folder.name}-1", f"superseded-{folder.name}-2"]
    assert sorted(path.name for path in folder.parent.iterdir()) == names
    lengths = [len(read_record(record_path(folder.with_name(name))).history) for name in names]
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
            folder = run_folder(PAPER, "smoke", method, parameters["fold"], parameters["seed"])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "made").write_text("")


@pytest.fixture
def notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notebooks:
    use_private_runs(monkeypatch, tmp_path)
    stand_in = Notebooks({})
    monkeypatch.setattr(reproduction, "execute", stand_in.execute)

    def made(paper: str, method: str, fold: int, tier: str, seed: int = 0, *_: Any, **__: Any) -> bool:
        return (run_folder(paper, tier, method, fold, seed) / "made").exists()

    monkeypatch.setattr(reproduction, "is_current", made)
    return stand_in


SOURCES = project_folder() / "notebooks" / "1_joint_attention"


def test_one_run_through_its_notebook(notebooks: Notebooks) -> None:
    (path,) = run(PAPER, ["jam"], fold=2, seed=4, changes={"loss.bins": 16})

    assert path == record_path(run_folder(PAPER, "smoke", "jam", 2, 4))
    assert (path.parent / "train.ipynb").read_text() == "executed"
    ((source, target, parameters),) = notebooks.calls
    assert source == SOURCES / "train.ipynb"
    assert target == runs_folder() / PAPER / "smoke" / "notebooks" / "jam-fold2-seed4.ipynb"
    options = {"fold": 2, "tier": "smoke", "seed": 4, "changes": {"loss.bins": 16}, "keep_code": False}
    assert parameters == {"methods": ["jam"], **options}


def test_several_runs_in_one_notebook(notebooks: Notebooks) -> None:
    run(PAPER, ["ir18_ts", "jam", "pointnet2"], keep_code=True)

    ((_, target, parameters),) = notebooks.calls
    assert parameters["methods"] == ["pointnet2", "jam", "ir18_ts"]  # the teacher before its student
    assert parameters["keep_code"]
    assert target.name == "pointnet2-and-2-more-fold0-seed0.ipynb"
    assert target.read_text() == "executed"


def test_when_one_fails_the_others_are_made_but_not_its_students(notebooks: Notebooks) -> None:
    notebooks.failing = {"pointnet2": "the loss is NaN", "jam": "no memory"}
    said: list[str] = []

    with pytest.raises(FacelibError, match=r"pointnet2: the loss is NaN\njam: no memory"):
        run(PAPER, ["ir18", "ir18_ts", "jam", "pointnet2", "vgg16"], say=said.append)

    tried = [parameters["methods"] for _, _, parameters in notebooks.calls]
    assert tried == [["ir18", "pointnet2", "jam", "ir18_ts", "vgg16"], ["jam", "vgg16"], ["vgg16"]]
    assert f"{PAPER} pointnet2 fold 0 at smoke failed: the loss is NaN" in said


def test_a_notebook_that_fails_after_all_runs_are_made_says_so(
    notebooks: Notebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw_nothing(*arguments: Any) -> None:
        notebooks.execute(*arguments)
        raise FacelibError("train.ipynb failed: no ink")

    monkeypatch.setattr(reproduction, "execute", draw_nothing)
    with pytest.raises(FacelibError, match="no ink"):
        run(PAPER, ["jam", "ir18"])
    assert len(notebooks.calls) == 1


def test_tables_and_figures_through_their_notebooks(notebooks: Notebooks) -> None:
    report(PAPER, "smoke", say=lambda _: None)

    place = runs_folder() / PAPER / "smoke"
    assert notebooks.calls == [
        (SOURCES / "tables.ipynb", place / "tables.ipynb", {"tier": "smoke"}),
        (SOURCES / "figures.ipynb", place / "figures.ipynb", {"tier": "smoke"}),
    ]


def test_names_are_checked_before_a_notebook_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduction, "execute", None)

    with pytest.raises(UnknownName, match="unknown paper"):
        run("joint", ["jam"])
    with pytest.raises(UnknownName, match="unknown method"):
        run(PAPER, ["ir18", "jma"])
    with pytest.raises(UnknownName, match="unknown parameter"):
        run(PAPER, ["jam"], changes={"epochs": 3})
    with pytest.raises(UnknownName, match="unknown tier"):
        reproduce_directly(PAPER, "smokey")
    with pytest.raises(MissingPart, match="owners license"):
        reproduce_directly(PAPER, "paper")


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
