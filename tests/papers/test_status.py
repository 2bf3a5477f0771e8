"""What a run stands for: current, outdated and why, committed, or missing; and what stands in tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facelib.errors import CorruptFile, MissingPart, UnknownName
from facelib.faces import baking
from facelib.faces.morphable_model import MorphableModel, write_model
from facelib.papers import PAPERS, load_paper, status
from facelib.papers.run import found_weights, train
from facelib.papers.status import (
    TRAINING_CODE,
    Status,
    needed_runs,
    runs_of,
    standing_runs,
    status_of,
    statuses,
    weights_to_start_from,
)
from facelib.runs.code import PACKAGE, code_digest
from facelib.runs.folders import Run
from facelib.runs.records import Record, new_record, read_record, write_record
from facelib.storage import CACHE_VARIABLE, sha256_of, write_checked

JOINT, SADRNET = load_paper("joint_attention"), load_paper("sadrnet")
METHODS = [(name, method) for name in PAPERS for method in load_paper(name).methods]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source in a folder where a test may change it."""
    copy = tmp_path_factory.mktemp("copied") / "facelib"
    shutil.copytree(PACKAGE, copy, ignore=lambda _, names: [n for n in names if n == "__pycache__"])
    return copy


@pytest.fixture
def edited(package: Path) -> Iterator[Any]:
    """A function that changes a file of the copy; all is as it was afterwards."""
    before: dict[Path, str | None] = {}

    def edit(file: str, old: str, new: str) -> None:
        path = package / file
        before.setdefault(path, path.read_text() if path.exists() else None)
        text = before[path] or ""
        assert text.count(old) >= 1
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new, 1))

    yield edit
    for path, text in before.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def digests(package: Path) -> dict[tuple[str, str], str]:
    """The code of every method of every paper, as its runs see it in a copy of the package."""
    papers = {name: load_paper(name) for name in PAPERS}
    return {
        (name, method): code_digest((TRAINING_CODE, *papers[name].code(papers[name].methods[method])), package=package)
        for name, method in METHODS
    }


def changed(before: dict[tuple[str, str], str], package: Path) -> set[str]:
    after = digests(package)
    return {method for paper, method in METHODS if after[paper, method] != before[paper, method]}


# Which code a run depends on


def test_a_copy_of_the_package_is_the_same_code(package: Path) -> None:
    assert digests(package) == digests(PACKAGE)
    assert len(set(digests(package).values())) > 10  # methods of different parts differ


def test_words_and_layout_change_nothing(package: Path, edited: Any) -> None:
    before = digests(package)
    for file in ("losses/margins.py", "models/irnet.py", "runs/training.py", "papers/joint_attention/building.py"):
        edited(file, "from __future__", "# another comment\n\n\nfrom __future__")
    edited("losses/position_maps.py", '"""', '"""Said otherwise. ')
    edited("papers/sadrnet/tasks.py", '        """The terms of eq. 24', '        """Otherwise: the terms of eq. 24')
    edited("models/vgg.py", "\n\n\nclass", "\n\n\n\n\nclass")

    assert changed(before, package) == set()


def test_another_data_set_and_another_paper_change_nothing(package: Path, edited: Any) -> None:
    before = digests(package)
    source = (package / "data/embedded/florence.py").read_text()
    edited("data/embedded/new_set.py", "", source.replace("Florence", "NewSet").replace("florence", "new_set"))
    edited(
        "data/embedded/__init__.py",
        "from facelib.data.embedded.web_faces",
        "from facelib.data.embedded.new_set import NewSetSettings, open_new_set\nfrom facelib.data.embedded.web_faces",
    )
    edited(
        "papers/datasets.py",
        "DATA_SETS: dict[str, DataSet] = {",
        'DATA_SETS: dict[str, DataSet] = {\n    "new_set": DataSet("new", "New", "", NewSetSettings, open_new_set),',
    )
    edited("papers/__init__.py", '"msma")', '"msma", "new_paper")')
    edited("papers/new_paper/__init__.py", "", "from facelib.papers.paper import Paper\nPAPER = Paper()\n")
    edited(
        "papers/published/__init__.py", "def published_rows", "def something_new(): return 1\n\n\ndef published_rows"
    )

    assert '"new_set"' in (package / "papers/datasets.py").read_text()
    assert changed(before, package) == set()


PAPER_1, PAPER_3 = set(JOINT.methods), set(SADRNET.methods)
JOINT_ATTENTION = {name for name, method in JOINT.methods.items() if method.kind == "joint"}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("models/vgg.py", "nn.ReLU", "nn.GELU", {"vgg16", "pretrain_vgg16"}),
        ("losses/moment_matching.py", "return ", "return 2 * ", {"ir18_mmd", "ir18_coral"}),
        ("losses/joint_entropy.py", "return ", "return 2 * ", JOINT_ATTENTION),
        ("models/dream.py", "return ", "return 2 * ", {"dream", "dream_ts"}),
        ("losses/margins.py", "return ", "return 2 * ", PAPER_1),
        ("losses/position_maps.py", "return ", "return 2 * ", PAPER_3),
        ("papers/sadrnet/bootstrap.py", "return ", "return 2 * ", set()),  # of reports, which runs do not see
        ("runs/training.py", "math.fsum", "sum", {method for _, method in METHODS}),
    ],
)
def test_a_change_is_seen_by_the_methods_that_execute_it(
    package: Path, edited: Any, file: str, old: str, new: str, expected: set[str]
) -> None:
    before = digests(package)
    edited(file, old, new)

    assert changed(before, package) == expected


# What stands


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel) -> Path:
    """Runs and committed records of the test alone."""
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(status, "project_folder", lambda: tmp_path / "checkout")
    return tmp_path


def leave_weights(run: Run, text: str) -> None:
    write_checked(run.weights, text.encode())


def leave(run: Run, accuracy: float = 0.5, **changes: Any) -> Record:
    """What a run that was made now leaves behind, without the training."""
    identity = replace(status.identity_of(run), **changes)
    run.folder.mkdir(parents=True, exist_ok=True)
    leave_weights(run, f"{run} {accuracy}")
    record = new_record(
        run,
        data={"source": "made", "fingerprint": identity.data},
        parameters=identity.settings,
        metrics={"auc": {"value": accuracy, "unit": "fraction"}},
        wall_time_s=1.0,
        code_digest=identity.code,
        needs=identity.needs,
    )
    write_record(run.record, record)
    return record


def commit(record: Record) -> Path:
    """Lay a record among the committed ones and take the run away."""
    run = record.run
    seed = f"-seed{run.seed}" if run.seed else ""
    folder = status.project_folder() / "figures" / load_paper(run.paper).folder / run.tier / "records"
    write_record(folder / f"{run.method}-fold{run.fold}{seed}.json", record)
    shutil.rmtree(run.folder)
    return folder


def jam(fold: int = 0, seed: int = 0, **changes: Any) -> Run:
    return Run("joint_attention", "jam", fold, "laptop", seed, changes)


def base() -> Run:
    return Run("joint_attention", "pretrain_ir18", tier="laptop")


def stands(paper: Any = JOINT, method: str = "jam") -> list[tuple[int, int, str, float | None]]:
    """Fold, seed, state and accuracy of what stands for a method."""
    found = standing_runs(paper, "laptop", method)
    return [(s.run.fold, s.run.seed, s.state, s.record and s.record.metrics["auc"]["value"]) for s in found]


def test_a_changed_loss_outdates_the_runs_that_use_it_with_the_reason(
    package: Path, edited: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "code_digest", lambda roots: code_digest(roots, package=package))
    runs = [run for name in PAPERS for run in runs_of(load_paper(name), "smoke")]
    for run in runs:
        leave(run)
    assert {one.state for one in statuses(runs).values()} == {"current"}

    edited("losses/moment_matching.py", "return ", "return 2 * ")
    outdated = {run.method: one for run, one in statuses(runs).items() if not one.is_current}

    assert outdated.keys() == {"ir18_mmd", "ir18_coral"}
    for one in outdated.values():
        assert one.state == "outdated"
        assert one.mark == "outdated"
        assert one.reason.startswith("made from another version of the code that it depends on")
        assert one.record is not None
    assert all(one.is_current for one in statuses(runs, keep_code=True).values())


def test_a_change_that_counts_beside_another_alone_is_seen() -> None:
    changes = {"data": "licensed", "faces.validation": 1, "stream.held_out": 3}
    assert SADRNET.seen_changes("face_encoder", "smoke", changes) == {"data": "licensed", "faces.validation": 1}
    assert SADRNET.seen_changes("face_encoder", "smoke", {"faces.validation": 1, "stream.held_out": 3}) == {
        "stream.held_out": 3
    }


def test_a_run_that_was_never_made_is_missing() -> None:
    found = status_of(jam())

    assert (found.state, found.reason, found.record, found.mark) == ("missing", "", None, "")
    assert stands() == []
    for wrong, name in (({"method": "jma"}, "method"), ({"tier": "laptap"}, "tier"), ({"paper": "jam"}, "paper")):
        with pytest.raises(UnknownName, match=f"unknown {name}"):
            status_of(replace(jam(), **wrong))  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match=r"unknown parameter 'loss\.bin'"):
        status_of(jam(**{"loss.bin": 3}))


@pytest.mark.parametrize(
    ("otherwise", "reason"),
    [
        ({"data": "0"}, "made from other data (fingerprint was 0 and is "),
        ({"code": "0"}, "made from another version of the code"),
        ({"needs": {"pretrain_ir18": "0"}}, "made from other weights of pretrain_ir18"),
        ({"needs": {}, "data": "0"}, "made from other data"),
    ],
)
def test_why_a_run_is_outdated(otherwise: dict[str, Any], reason: str) -> None:
    leave(base())
    leave(jam(), **otherwise)
    found = status_of(jam())

    assert found.state == "outdated"
    assert found.reason.startswith(reason)
    assert (status_of(jam(), keep_code=True).state == "current") == (otherwise == {"code": "0"})
    assert stands() == [(0, 0, "outdated", 0.5)]  # it stands, and says so


def test_a_run_of_other_settings_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    leave(base())
    leave(jam())
    monkeypatch.setitem(JOINT.tiers["laptop"], "training.epochs", 9)  # type: ignore[index]

    assert status_of(jam()).reason == "made from other settings (training.epochs was 8 and is 9)"
    assert status_of(base()).is_current  # which does not see them


def test_a_setting_that_a_record_does_not_know_had_its_default() -> None:
    leave(base())
    record = leave(jam())
    older = replace(record, parameters={**record.parameters, "loss": {"bins": 32}})
    write_record(jam().record, older)

    assert status_of(jam()).is_current
    write_record(jam().record, replace(older, parameters={**older.parameters, "loss": {"bins": 16}}))
    assert status_of(jam()).reason == "made from other settings (loss.bins was 16 and is 32)"


def test_a_new_cache_gives_the_same_fingerprint_of_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face_model: MorphableModel
) -> None:
    """As `facelib run` and `--dry-run` ask before anything is generated; baking takes a minute, so a copy does."""
    before = status.identity_of(base())
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "new"))
    path = baking.face_model_path("coarse")
    monkeypatch.setattr(baking, "bake", lambda: write_model(path, face_model))

    assert status.identity_of(base()) == before
    assert path.is_relative_to(tmp_path)
    assert path.exists()


def test_weights_that_are_gone_outdate_a_run_and_those_that_start_from_them() -> None:
    leave(base())
    leave(jam())
    base().weights.unlink()

    assert status_of(base()).reason == "its weights are missing"
    assert status_of(jam()).reason == "made from other weights of pretrain_ir18"
    leave_weights(base(), f"{base()} 0.5")
    assert [one.state for one in statuses([base(), jam()]).values()] == ["current", "current"]
    leave_weights(base(), "others")
    assert [one.state for one in statuses([base(), jam()]).values()] == ["current", "outdated"]


@pytest.mark.parametrize("lost", ["a bit", "the checksum", "both"])
def test_damaged_weights_outdate_their_run_and_nothing_starts_from_them(lost: str) -> None:
    leave(base())
    leave(jam())
    jam().record.unlink()
    (jam().folder / "checkpoint_0000.pt").write_text("hours of training")
    if lost != "the checksum":
        base().weights.write_text("joint")
    if lost != "a bit":
        base().weights.with_name("weights.safetensors.sha256").unlink()

    assert status_of(base()).reason == "its weights are damaged"
    with pytest.raises(CorruptFile, match="`facelib run joint_attention pretrain_ir18 --fold 0 --tier laptop`"):
        train(jam())
    assert [path.name for path in jam().folder.parent.glob("*jam*")] == [jam().folder.name]  # nothing set aside


def test_a_damaged_record_outdates_its_run_and_is_not_passed_over_in_tables() -> None:
    leave(base())
    leave(jam())
    jam().record.write_text("{")
    found = status_of(jam())

    assert (found.state, found.record) == ("outdated", None)
    assert "record.json is no JSON" in found.reason
    assert "facelib run joint_attention jam --fold 0 --tier laptop" in found.reason
    with pytest.raises(CorruptFile, match=r"record\.json is no JSON"):
        standing_runs(JOINT, "laptop", "jam")


def test_folds_and_seeds_stand_side_by_side() -> None:
    for run, accuracy in ((jam(1), 0.3), (jam(), 0.1), (jam(seed=2), 0.2)):
        leave(run, accuracy)

    assert [entry[:2] + entry[3:] for entry in stands()] == [(0, 0, 0.1), (0, 2, 0.2), (1, 0, 0.3)]
    assert stands(method="jam_je") == []


# Runs with --set


def test_changed_settings_have_a_run_of_their_own_that_says_so() -> None:
    leave(base())
    leave(jam(), 0.1)
    leave(jam(**{"training.epochs": 3}), 0.2)

    assert {run: one.state for run, one in statuses([jam(), jam(**{"training.epochs": 3})]).items()} == {
        jam(): "current", jam(**{"training.epochs": 3}): "current",
    }  # fmt: skip
    assert status_of(jam(**{"training.epochs": 3})).mark == "training.epochs=3"
    assert status_of(jam(**{"training.epochs": 4})).state == "missing"
    assert read_record(jam().record).metrics["auc"]["value"] == 0.1
    assert stands() == [(0, 0, "current", 0.1)]  # the plain one stands before it


def test_a_changed_run_stands_where_there_is_no_other_and_the_last_made_counts() -> None:
    leave(base())
    leave(jam(**{"training.epochs": 3}), 0.2)
    leave(jam(**{"training.epochs": 4}), 0.3)

    (found,) = standing_runs(JOINT, "laptop", "jam")
    assert (found.run, found.mark) == (jam(**{"training.epochs": 4}), "training.epochs=4")
    leave(jam(**{"training.epochs": 3}), 0.4, code="0")
    (found,) = standing_runs(JOINT, "laptop", "jam")
    assert found.mark == "training.epochs=3; outdated"
    commit(leave(jam(), 0.5))
    assert stands() == [(0, 0, "committed", 0.5)]  # with the tier's own settings


def test_a_changed_run_needs_runs_with_the_changes_that_these_see() -> None:
    changes = {"network.width": 0.5, "training.epochs": 3}

    def ir18(fold: int = 0, seed: int = 0, **changes: Any) -> Run:
        return Run("joint_attention", "ir18", fold, "laptop", seed, changes)

    assert needed_runs(ir18(fold=2, seed=4)) == {"pretrain_ir18": base()}
    assert needed_runs(ir18(**{"training.epochs": 3})) == {"pretrain_ir18": base()}
    assert needed_runs(ir18(**changes)) == {"pretrain_ir18": replace(base(), changes={"network.width": 0.5})}
    student = Run("joint_attention", "ir18_ts", 1, "laptop", changes=changes)
    assert needed_runs(student)["pointnet2"] == Run("joint_attention", "pointnet2", 1, "laptop", changes=changes)
    leave(base())
    leave(ir18(**changes))
    assert status_of(ir18(**changes)).is_current
    assert read_record(ir18(**changes).record).code["needs"] == {"pretrain_ir18": "missing"}
    leave(replace(base(), changes={"network.width": 0.5}))
    assert status_of(ir18(**changes)).reason == "made from other weights of pretrain_ir18"


# Committed records


def test_a_committed_record_stands_whatever_code_made_it() -> None:
    leave(base())
    commit(leave(jam(), 0.1, code="of some other machine", data="other", needs={}))
    found = status_of(jam())

    assert (found.state, found.reason, found.mark, found.is_current) == ("committed", "", "as committed", False)
    assert found.record is not None
    assert found.record.run == jam()
    assert stands() == [(0, 0, "committed", 0.1)]
    assert status_of(jam(1)).state == "missing"
    assert status_of(jam(seed=1)).state == "missing"
    assert status_of(jam(**{"training.epochs": 3})).state == "missing"


def test_a_run_of_this_machine_replaces_a_committed_one() -> None:
    leave(base())
    for run, accuracy in ((jam(), 0.1), (jam(1), 0.2), (jam(seed=1), 0.3)):
        folder = commit(leave(run, accuracy))
    assert sorted(path.name for path in folder.iterdir()) == [
        "jam-fold0-seed1.json",
        "jam-fold0.json",
        "jam-fold1.json",
    ]
    assert stands() == [(0, 0, "committed", 0.1), (0, 1, "committed", 0.3), (1, 0, "committed", 0.2)]

    leave(jam(1), 0.4)
    assert stands() == [(0, 0, "committed", 0.1), (0, 1, "committed", 0.3), (1, 0, "current", 0.4)]
    assert [one.mark for one in standing_runs(JOINT, "laptop", "jam")] == ["as committed", "as committed", ""]
    leave(jam(), 0.5, code="0")  # outdated, but made here
    assert stands()[0] == (0, 0, "outdated", 0.5)
    shutil.rmtree(jam(1).folder)
    assert stands()[2] == (1, 0, "committed", 0.2)


def test_committed_records_of_a_method_are_not_taken_for_those_of_another() -> None:
    leave(base())
    commit(leave(jam(), 0.1))
    je = Run("joint_attention", "jam_je", tier="laptop")
    leave(je, 0.2)

    assert stands() == [(0, 0, "committed", 0.1)]
    assert stands(method="jam_je") == [(0, 0, "current", 0.2)]
    assert standing_runs(JOINT, "smoke", "jam") == []


def test_runs_start_from_committed_weights_until_the_pretraining_is_run_here() -> None:
    """Those beside its record; a run of changed settings has none, and damaged ones are restored, not trained."""
    ir18 = Run("joint_attention", "ir18", tier="laptop")
    beside = commit(leave(base())) / "pretrain_ir18-fold0.safetensors"
    with pytest.raises(MissingPart, match="run `facelib run joint_attention pretrain_ir18"):
        found_weights(ir18)
    write_checked(beside, b"committed")

    assert found_weights(ir18) == {"pretrain_ir18": beside}
    leave(ir18)
    assert read_record(ir18.record).code["needs"] == {"pretrain_ir18": sha256_of(beside)}
    assert status_of(ir18).is_current
    with pytest.raises(MissingPart, match=r"network\.width"):
        found_weights(replace(ir18, changes={"network.width": 0.5}))
    beside.write_bytes(b"cut")
    with pytest.raises(CorruptFile, match="restore them with `git checkout -- figures`"):
        found_weights(ir18)

    leave(base())
    assert found_weights(ir18) == {"pretrain_ir18": base().weights}
    assert status_of(ir18).reason == "made from other weights of pretrain_ir18"


def test_without_its_figures_facelib_has_no_committed_records(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise MissingPart("no notebooks")

    commit(leave(jam(), 0.1))
    monkeypatch.setattr(status, "project_folder", gone)
    assert status_of(jam()).state == "missing"
    assert weights_to_start_from(base()) == base().weights
    assert stands() == []


def test_marks_name_changes_and_state() -> None:
    def mark(state: Any, changes: Iterable[tuple[str, Any]] = ()) -> str:
        return Status(jam(**dict(changes)), state).mark

    assert [mark(state) for state in ("current", "outdated", "committed", "missing")] == [
        "",
        "outdated",
        "as committed",
        "",
    ]
    assert mark("outdated", [("a", 1), ("b", "x")]) == "a=1, b=x; outdated"
