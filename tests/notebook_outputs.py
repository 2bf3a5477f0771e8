"""What an executed notebook shows, for tests of notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat


def output_text(path: Path) -> str:
    """All outputs as one text; none is an error."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    return json.dumps(outputs)
