"""Every notebook has the same build: title, parameters, little code, stored outputs, a place in the index."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from facelib.papers import PAPERS, load_paper

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
INDEX = "00_start_here.ipynb"
PARTS = ("method", "train", "tables", "figures")
EXPECTED = {INDEX, *(f"{load_paper(paper).folder}/{part}.ipynb" for paper in PAPERS for part in PARTS)}
FOUND = sorted(path.relative_to(NOTEBOOKS).as_posix() for path in NOTEBOOKS.rglob("*.ipynb"))

CODE_LINES = 130
FUNCTION_LINES = 6
# A folder of some machine, not part of an address, a relative path or base64 text.
MACHINE_PATH = re.compile(r"(?<![\w.:/+=])(?:/(?:home|root|Users|tmp|var|opt|mnt|work|workspace)/\w|[A-Z]:\\\w)")


def title_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is no markdown that starts with a `# ` title"


def heading_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    level = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            for heading in re.finditer(r"^(#+) (.*)", text, flags=re.MULTILINE):
                deeper = len(heading[1])
                if deeper > level + 1:
                    yield f"heading {heading[2]!r} jumps from level {level} to {deeper}"
                level = deeper


def parameter_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        yield f"{len(tagged)} cells are tagged `parameters`: expected exactly one, of code"


def code_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    lines = [line for source in _code(notebook) for line in source.splitlines() if line.strip()]
    if len(lines) > CODE_LINES:
        yield f"{len(lines)} lines of code: at most {CODE_LINES}; move some into facelib"
    for source in _code(notebook):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                yield f"class {node.name}: classes belong in facelib"
            elif isinstance(node, ast.FunctionDef) and _length(node) > FUNCTION_LINES:
                yield f"function {node.name} has {_length(node)} lines: at most {FUNCTION_LINES}"


def output_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for cell in cells:
        if cell.execution_count is None:
            yield f"a cell was not run: {cell.source.splitlines()[0]}"
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"a cell ended in {output.ename}: {output.evalue}"
    if not any(cell.outputs for cell in cells):
        yield "no cell has an output: run the notebook before it is committed"


def path_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for text in (cell.source, *_output_texts(cell)):
            for found in MACHINE_PATH.finditer(text):
                yield f"a path of one machine: {text[found.start() : found.start() + 60]!r}"


def kernel_faults(notebook: nbformat.NotebookNode) -> Iterator[str]:
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name!r}: expected 'python3'"


CHECKS: dict[str, Callable[[nbformat.NotebookNode], Iterator[str]]] = {
    "title": title_faults,
    "headings": heading_faults,
    "parameters": parameter_faults,
    "code": code_faults,
    "outputs": output_faults,
    "paths": path_faults,
    "kernel": kernel_faults,
}


def _code(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        if cell.cell_type == "code":  # without IPython's own commands, which are no Python
            yield "\n".join(line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!")))


def _length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _output_texts(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        yield from (output.get("text", ""), *output.get("traceback", []))
        yield from (str(data) for kind, data in output.get("data", {}).items() if kind.startswith(("text/", "appl")))


def test_every_expected_notebook_is_there() -> None:
    assert set(FOUND) >= EXPECTED


@pytest.mark.parametrize("name", FOUND)
def test_notebook_is_well_built(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)

    faults = {check: list(find(notebook)) for check, find in CHECKS.items() if (check, name) != ("parameters", INDEX)}

    assert {check: found for check, found in faults.items() if found} == {}


def test_index_links_to_every_notebook() -> None:
    index = nbformat.read(NOTEBOOKS / INDEX, as_version=4)
    text = "\n".join(cell.source for cell in index.cells if cell.cell_type == "markdown")
    links = set(re.findall(r"\]\(([^)#]+\.ipynb)", text))

    assert links - set(FOUND) == set(), "links that lead nowhere"
    assert set(FOUND) - {INDEX} - links == set(), "notebooks that the index leaves out"


def _good_notebook() -> nbformat.NotebookNode:
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            new_markdown_cell("# Title\n\n## Part\n\nSee https://example.org/home/page and ../figures/a.png."),
            new_code_cell("tier = 'smoke'", metadata={"tags": ["parameters"]}, execution_count=1),
            new_code_cell(
                "%matplotlib inline\ndef f(x):\n    return x\nprint(f(1))",
                execution_count=2,
                outputs=[new_output("stream", text="1\n")],
            ),
            new_markdown_cell("### Detail\n\n```\n#### no heading\n```\n\n## Next part"),
        ],
    )


def test_a_good_notebook_passes_every_check() -> None:
    assert {name: list(find(_good_notebook())) for name, find in CHECKS.items()} == {name: [] for name in CHECKS}


def _spoil(check: str, change: Callable[[nbformat.NotebookNode], object]) -> object:
    return pytest.param(check, change, id=check)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        _spoil("title", lambda notebook: notebook.cells.pop(0)),
        _spoil("title", lambda notebook: notebook.cells.clear()),
        _spoil("headings", lambda notebook: notebook.cells.append(new_markdown_cell("#### Too deep"))),
        _spoil("parameters", lambda notebook: notebook.cells.pop(1)),
        _spoil("parameters", lambda notebook: notebook.cells.append(notebook.cells[1])),
        _spoil("code", lambda notebook: notebook.cells.append(new_code_cell("class Network:\n    pass"))),
        _spoil("code", lambda notebook: notebook.cells.append(new_code_cell("def f():\n" + "    x = 1\n" * 6))),
        _spoil("code", lambda notebook: notebook.cells.append(new_code_cell("x = 1\n" * 131))),
        _spoil("outputs", lambda notebook: notebook.cells.append(new_code_cell("x = 1"))),
        _spoil("outputs", lambda notebook: notebook.cells[2].outputs.clear()),
        _spoil("outputs", lambda notebook: notebook.cells[2].outputs.append(new_output("error", ename="E", evalue=""))),
        _spoil("paths", lambda notebook: notebook.cells.append(new_code_cell("open('/" + "home/me/a.png')"))),
        _spoil("paths", lambda notebook: notebook.cells[2].outputs[0].update(text="saved to /" + "root/runs/a.json")),
        _spoil("kernel", lambda notebook: notebook.metadata.kernelspec.update(name="facelib-venv")),
    ],
)
def test_a_bad_notebook_is_caught(check: str, change: Callable[[nbformat.NotebookNode], object]) -> None:
    notebook = _good_notebook()
    change(notebook)

    assert list(CHECKS[check](notebook)) != []
