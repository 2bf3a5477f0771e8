"""Folders that commands fill for users: what somebody else left there stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facelib.errors import BadInput


def check_output(folder: Path, files: Sequence[str], mark: str) -> None:
    """Raise BadInput if a folder holds files of these names, but not the one that marks it as ours; or is a file."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder} is a file: give a folder for the results")
    present = [name for name in files if (folder / name).exists()]
    if present and mark not in present:
        raise BadInput(f"{folder} holds {', '.join(present)} of somebody else: give another folder")
