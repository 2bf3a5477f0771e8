"""Pictures on disk: PNG and PDF, their source data, and a line in the manifest on where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import facelib
from facelib.report.style import stamp, tier_label
from facelib.runs.folders import project_folder
from facelib.storage import atomic_path, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def figures_folder(paper_folder: str, tier: str) -> Path:
    """Where the tables and pictures of a paper's tier lie."""
    return project_folder() / "figures" / paper_folder / tier


def save_figure(
    figure: Figure,
    data: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    notebook: str,
    tier: str,
    parameters: dict[str, object],
    further: Mapping[str, pd.DataFrame] | None = None,
) -> Path:
    """Stamp a figure with its tier and write name.png, name.pdf, name.csv and its manifest line.

    Args:
        figure: to write.
        data: the numbers that it shows.
        folder: of the tier's pictures.
        name: of the files, without ending.
        notebook: that made it, relative to the repository.
        tier: of the runs that it shows.
        parameters: that make it again.
        further: more numbers, each written to name_<key>.csv.

    Returns:
        The PNG's path.
    """
    origin = {"notebook": notebook, "tier": tier, "parameters": parameters}
    path = write_figure(figure, data, folder, name, label=tier_label(tier), origin=origin)
    for key, numbers in (further or {}).items():
        _write_numbers(folder / f"{name}_{key}.csv", numbers)
    return path


def write_figure(
    figure: Figure, data: pd.DataFrame, folder: Path, name: str, *, label: str, origin: Mapping[str, object]
) -> Path:
    """Stamp a figure with a label and write name.png, name.pdf, name.csv and its manifest line.

    Args:
        figure, data, folder, name: as `save_figure`.
        label: written below the picture.
        origin: what the manifest says of where it comes from; the version is added.

    Returns:
        The PNG's path.
    """
    stamp(figure, label)
    for ending in ("png", "pdf"):
        with atomic_path(folder / f"{name}.{ending}") as temporary:
            figure.savefig(temporary, format=ending, metadata={"CreationDate": None} if ending == "pdf" else None)
    _write_numbers(folder / f"{name}.csv", data)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    manifest[name] = {**origin, "version": facelib.__version__}
    write_json(path, dict(sorted(manifest.items())))
    return folder / f"{name}.png"


def _write_numbers(path: Path, data: pd.DataFrame) -> None:
    write_text(path, data.to_csv(index=False, float_format="%.6g"))
