"""The `facelib` command: what it says, and that errors are one message before anything has been made."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_runs import use_private_runs
from untrained_run import make_untrained_run

import facelib
from facelib import weights
from facelib.cli import main
from facelib.faces.morphable_model import MorphableModel
from facelib.papers import PAPERS, load_paper
from facelib.papers.joint_attention import METHODS
from facelib.runs.folders import Run, project_folder
from facelib.storage import CACHE_VARIABLE

FIGURES = project_folder() / "figures"


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_private_runs(monkeypatch, tmp_path / "runs")
    return tmp_path / "runs"


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def refused(*words: str) -> str:
    """The message of a call that must fail, without a traceback."""
    result = call(*words)
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)  # click's own way out, not an error that escaped
    assert "Traceback" not in result.output
    return result.output


def test_version() -> None:
    assert facelib.__version__ in call("--version").output


def test_help_lists_every_command() -> None:
    text = call("--help").output

    assert all(
        name in text
        for name in (
            "reproduce",
            "run",
            "evaluate",
            "status",
            "papers",
            "faces",
            "reconstruct",
            "fit",
            "identify",
            "doctor",
            "bench",
        )
    )


def test_papers() -> None:
    text = call("papers").output

    assert "1. joint_attention" in text
    assert "tiers: smoke, laptop, gpu, paper" in text
    assert all(f"   {name} " in text for name in METHODS)


def test_one_paper_shows_its_printed_rows() -> None:
    text = call("papers", "joint_attention").output

    assert "table 1, Ours + JAM + JE: jam_je" in text
    assert "table 3, Poster et al.: printed only, ir18_frontal plays its part" in text
    assert "table 2, a row of ours: ir18_scratch" in text
    assert sum(line.startswith("   table ") and "ours:" not in line for line in text.splitlines()) == 29
    assert "none" not in text


def test_papers_for_programs() -> None:
    papers = {paper["paper"]: paper for paper in json.loads(call("papers", "--json").output)}

    assert list(papers) == list(PAPERS)
    assert [paper["number"] for paper in papers.values()] == [1, 3, 5]
    for name, paper in papers.items():
        assert [method["name"] for method in paper["methods"]] == list(load_paper(name).methods)
    assert [len(paper["published"]) for paper in papers.values()] == [29, 36, 17]


def test_status_says_of_every_run_what_it_stands_for(face_model: MorphableModel) -> None:
    committed = {path.name.split("-fold")[0] for path in (FIGURES / "3_sadrnet/laptop/records").glob("*-fold0.json")}
    head, *lines = call("status", "--paper", "sadrnet", "--tier", "laptop").output.splitlines()
    states = {name: state for state, name, *_ in map(str.split, lines)}

    assert states == {name: "committed" if name in committed else "missing" for name in load_paper("sadrnet").methods}
    counts = [f"{count} {state}" for state, count in Counter(states.values()).items()]
    assert sorted(head.removeprefix("sadrnet at laptop: ").split(", ")) == sorted(counts)

    make_untrained_run("direct")  # which says that it was made from other data
    text = call("status", "--paper", "sadrnet").output
    count = len(load_paper("sadrnet").methods) - 1
    assert f"sadrnet at smoke: {count} missing, 1 outdated" in text or f"1 outdated, {count} missing" in text
    assert "  outdated  direct fold 0  made from other data" in text
    assert len(call("status", "--paper", "joint_attention", "--folds", "3").output.splitlines()) == 1 + 5 + 3 * (
        len(METHODS) - 5
    )


def test_a_run_with_changed_settings_is_made_beside_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Run] = []

    def make(runs: list[Run], **options: object) -> None:
        made.extend(runs)
        make_untrained_run("direct", **runs[0].changes)

    monkeypatch.setattr("facelib.reproduction.make", make)
    result = call("run", "sadrnet", "direct", "--set", "network.width=0.25", "--set", "training.milestones=[3, 4]")

    assert result.exit_code == 0, result.output
    assert made == [Run("sadrnet", "direct", changes={"network.width": 0.25, "training.milestones": [3, 4]})]
    assert result.output.strip() == str(made[0].record)
    assert made[0].record.exists()
    assert not Run("sadrnet", "direct").folder.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("papers", "joint_atention"), "did you mean 'joint_attention'?"),
        (("reproduce", "--paper", "joint"), "unknown paper 'joint'"),
        (("run", "joint_atention", "jam"), "did you mean 'joint_attention'?"),
        (("run", "joint_attention", "ir18", "jam_ej"), "did you mean 'jam_je'?"),
        (("run", "joint_attention"), "Missing argument 'METHOD...'"),
        (("reproduce", "--paper", "joint_attention", "--methods", "jam,jam_ej"), "did you mean 'jam_je'?"),
        (("reproduce", "--paper", "joint_attention", "--jobs", "0"), "0 is not in the range x>=1"),
        (("reproduce", "--directly", "--profile", "slurm"), "--directly uses no Snakemake"),
        (("run", "joint_attention", "jam", "--tier", "smok"), "'smok' is not one of"),
        (("run", "joint_attention", "jam", "--fold", "3"), "3 is not in the range 0<=x<=2"),
        (("run", "joint_attention", "jam", "--set", "training.epoch=3"), "did you mean 'training.epochs'?"),
        (("run", "joint_attention", "jam", "--set", "training.epochs"), "expected NAME=VALUE"),
        (("run", "joint_attention", "jam", "--set", "training.epochs=many"), "training.epochs is 'many'"),
        (("run", "joint_attention", "jam", "--set", "training.epochs=0"), "expected at least 1"),
        (("run", "joint_attention", "ir18", "--tier", "paper", "--directly"), "facelib data check facescape"),
        (("faces", "--sheet", "4"), "--sheet needs -o FILE.png"),
        (("faces", "--sheet", "0", "-o", "x.png"), "0 is not in the range x>=1"),
        (("bench", "--only", "rasterising"), "unknown benchmark 'rasterising'"),
        (("trian",), "No such command 'trian'"),
    ],
)
def test_errors_are_one_message_and_nothing_is_made(runs: Path, words: tuple[str, ...], message: str) -> None:
    assert message in " ".join(refused(*words).split())
    assert not runs.exists()


def test_a_failing_disk_is_one_message(tmp_path: Path, face_model: MorphableModel) -> None:
    (tmp_path / "file").write_text("")

    assert "Error" in refused("faces", "--sheet", "1", "-o", str(tmp_path / "file" / "sheet.png"))


def test_a_sheet_of_faces(tmp_path: Path, face_model: MorphableModel) -> None:
    result = call("faces", "--sheet", "2", "-o", str(tmp_path / "sheet.png"))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_faces_says_where_they_lie(face_model: MorphableModel) -> None:
    text = call("faces").output

    assert f"coarse: {len(face_model.mean)} vertices in " in text
    assert "fine: " in text


def test_doctor_names_what_it_looked_at() -> None:
    result = call("doctor")

    assert result.exit_code == 0, result.output
    for name in ("core", "extra notebooks", "extra peers", "GPU", "threads", "face model", "generated data", "runs"):
        assert name in result.output
    assert result.output.startswith("ok   core")


def test_doctor_offers_the_command_that_mends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "empty"))
    result = call("doctor")

    assert result.exit_code == 0  # the faces are baked when they are first needed
    assert "MISS face model, coarse     not baked yet" in result.output
    assert "-> facelib faces" in result.output


def test_doctor_says_what_looks_for_faces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "ok   face detector          BlazeFace, full range: finds faces" in call("doctor").output

    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    result = call("doctor")
    assert "MISS face detector          unknown shipped model 'blazeface_full_range'" in result.output
    assert "-> install facelib again" in result.output
    assert result.exit_code == 1


def test_doctor_fails_when_a_core_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facelib.doctor.CORE", ("torch", "no-such-package"))
    result = call("doctor")

    assert result.exit_code == 1
    assert "MISS core                   missing: no-such-package" in result.output
    assert "-> make setup" in result.output
