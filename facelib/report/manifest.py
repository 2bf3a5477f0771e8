"""Pictures on disk: PNG and PDF, their source data, and a line in the manifest on where they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import facelib
from facelib.report.style import stamp, tier_label
from facelib.storage import atomic_path, write_json, write_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def figures_folder(root: Path, paper_folder: str, tier: str) -> Path:
    """Where the pictures of a paper's tier lie."""
    return root / "figures" / paper_folder / tier


def save_figure(
    figure: Figure,
    data: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    notebook: str,
    tier: str,
    parameters: dict[str, object],
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

    Returns:
        The PNG's path.
    """
    stamp(figure, tier_label(tier))
    for ending in ("png", "pdf"):
        with atomic_path(folder / f"{name}.{ending}") as temporary:
            figure.savefig(temporary, format=ending, metadata={"CreationDate": None} if ending == "pdf" else None)
    write_text(folder / f"{name}.csv", data.to_csv(index=False, float_format="%.6g"))
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    manifest[name] = {"notebook": notebook, "tier": tier, "parameters": parameters, "version": facelib.__version__}
    write_json(path, dict(sorted(manifest.items())))
    return folder / f"{name}.png"
