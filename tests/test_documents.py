"""Every command, parameter and Python block that a reader is told to use is one that exists."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml

from facelib.cli import assignment, main
from facelib.errors import FacelibError
from facelib.papers import load_paper

ROOT = Path(__file__).parents[1]
PROGRAMS = ("facelib", "make", "papermill")
PLACEHOLDERS = {"PAPER": "sadrnet", "N": "2"}
ANY_METHOD = ("METHOD", "METHOD...")
FAULTS = (AssertionError, click.ClickException, FacelibError)


def markdown_files() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "figures").rglob("*.md"))]


def notebooks() -> list[Path]:
    return sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


@cache
def cells(notebook: Path) -> list[tuple[str, list[str], str]]:
    """Kind, tags and text of a notebook's cells."""
    stored = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in stored]


def texts() -> Iterator[tuple[str, str]]:
    for path in markdown_files():
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in notebooks():
        for kind, _, text in cells(path):
            if kind == "markdown":
                yield str(path.relative_to(ROOT)), text


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of every command in a block or between backticks."""
    blocks = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for line in [*"\n".join(blocks).splitlines(), *re.findall(r"`([^`\n]+)`", rest)]:
        if not line.startswith((*PROGRAMS, "python -m facelib")):
            continue
        words = shlex.split(line.removeprefix("python -m "), comments=True)
        if words[0] in PROGRAMS and len(words) > 1:
            yield [PLACEHOLDERS.get(word, word) for word in words]


def commands() -> list[tuple[str, list[str]]]:
    found = {(place, shlex.join(words)) for place, text in texts() for words in commands_in(text)}
    return [(place, shlex.split(line)) for place, line in sorted(found)]


def check(words: list[str]) -> None:
    {"facelib": check_facelib, "make": check_make, "papermill": check_papermill}[words[0]](words[1:])


def check_facelib(words: list[str]) -> None:
    """Parse a command as the program does, and look up the names that it would look up when it ran."""
    with main.make_context("facelib", list(words), resilient_parsing=True) as context:
        name, command, rest = main.resolve_command(context, [*context.protected_args, *context.args])
        assert name is not None
        assert command is not None
        given = command.make_context(name, rest, parent=context).params
    paper = given.get("paper")
    if paper is not None:
        load_paper(paper)
    methods = given.get("methods") or ()
    for method in methods.split(",") if isinstance(methods, str) else methods:
        if method in ANY_METHOD:
            continue
        load_paper(str(paper)).run_settings(method, given["tier"], changes=dict(map(assignment, given["changes"])))


def check_make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    variables = re.findall(r"^(\w+) *\?=", makefile, re.MULTILINE)
    assert targets is not None
    for word in words:
        name, equals, _ = word.partition("=")
        assert name in (variables if equals else targets.group(1).split())


def check_papermill(words: list[str]) -> None:
    source, _, *options = words
    given = [option for flag, option in pairwise(options) if flag == "-p"]
    given += [name for flag, text in pairwise(options) if flag == "-y" for name in yaml.safe_load(text)]
    assert given
    assert set(given) <= parameters(ROOT / source)


def parameters(notebook: Path) -> set[str]:
    (text,) = [text for _, tags, text in cells(notebook) if "parameters" in tags]
    return {target.id for node in ast.parse(text).body for target in ast.walk(node) if isinstance(target, ast.Name)}


def test_commands_are_found_in_blocks_and_between_backticks() -> None:
    text = (
        "Call `facelib doctor`, or\n```\nmake test   # all\nls\nfacelib run a b --set 'x=[1, 2]'\n```\nfacelib is fine."
    )
    assert list(commands_in(text)) == [
        ["make", "test"],
        ["facelib", "run", "a", "b", "--set", "x=[1, 2]"],
        ["facelib", "doctor"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        "facelib trian sadrnet sadrnet",
        "facelib run sadrnet sadrnet --teir smoke",
        "facelib run sadrnet jam",
        "facelib run jam sadrnet",
        "facelib run sadrnet sadrnet --set training.epoch=3",
        "facelib reproduce --tier tiny",
        "make tests",
        "make test SLOWLY=1",
        "papermill notebooks/1_joint_attention/train.ipynb out.ipynb -p method jam",
    ],
)
def test_a_wrong_command_is_noticed(wrong: str) -> None:
    with pytest.raises(FAULTS):
        check(shlex.split(wrong))


@pytest.mark.usefixtures("with_normal_components", "with_depth_adaptation")
def test_every_command_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me.jpg").touch()
    (tmp_path / "photographs").mkdir()
    faults = []
    found = commands()
    for place, words in found:
        try:
            check(words)
        except FAULTS as error:
            faults.append(f"{place}: {shlex.join(words)}: {error}")
    assert faults == []
    assert {words[0] for _, words in found} == set(PROGRAMS)


def python_blocks() -> list[tuple[str, str]]:
    return [
        (place, block) for place, text in texts() for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    ]


def test_every_name_that_a_python_block_imports_exists() -> None:
    blocks = python_blocks()
    assert blocks
    for place, block in blocks:
        for node in ast.walk(ast.parse(block, place)):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.slow
def test_python_blocks_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACELIB_RUNS", str(tmp_path))
    for _, block in python_blocks():
        subprocess.run([sys.executable, "-c", block], check=True, cwd=tmp_path)
