"""Execute notebooks in tests, and read what they show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

SECONDS = 600  # that a cell may take


def output_text(path: Path) -> str:
    """All outputs as one text; none is an error."""
    outputs = [output for cell in _code_cells(path) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    return json.dumps(outputs, ensure_ascii=False)


def markdown_outputs(path: Path) -> list[str]:
    """What a notebook's cells show as Markdown."""
    outputs = [output.get("data", {}) for cell in _code_cells(path) for output in cell.outputs]
    return [data["text/markdown"] for data in outputs if "text/markdown" in data]


def execute_together(notebooks: Sequence[tuple[Path, Mapping[str, Any]]], folder: Path) -> list[Path]:
    """Execute notebooks one after the other in one kernel, in which each finds no variables of the one before it.

    Starting a kernel and importing torch takes longer than most of their cells.

    Args:
        notebooks: each with new values of its parameters.
        folder: of the executed copies.

    Returns:
        The executed copies, in this order.
    """
    kernel = {"name": "python3", "display_name": "Python 3"}
    read = [_with_parameters(nbformat.read(path, as_version=4), parameters) for path, parameters in notebooks]
    cells = [cell for notebook in read for cell in (new_code_cell("%reset -f"), *notebook.cells)]
    for place, cell in enumerate(cells):
        cell["id"] = f"cell-{place}"  # notebooks may share some
    client = NotebookClient(
        new_notebook(cells=cells, metadata={"kernelspec": kernel}),
        timeout=SECONDS,
        resources={"metadata": {"path": str(notebooks[0][0].parent)}},
        extra_arguments=["--log-level=ERROR"],
    )
    client.execute()
    executed = []
    for place, ((path, _), notebook) in enumerate(zip(notebooks, read, strict=True)):
        executed.append(folder / f"{place}-{path.name}")
        nbformat.write(notebook, executed[-1])
    return executed


def _with_parameters(notebook: nbformat.NotebookNode, parameters: Mapping[str, Any]) -> nbformat.NotebookNode:
    place = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    unknown = [name for name in parameters if f"{name} = " not in notebook.cells[place].source]
    assert not unknown, f"no parameters: {unknown}"
    notebook.cells.insert(
        place + 1, new_code_cell("\n".join(f"{name} = {value!r}" for name, value in parameters.items()))
    )
    return notebook


def _code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
