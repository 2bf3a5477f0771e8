"""Where runs lie: <runs>/<paper>/<tier>/<method>-fold<f>-seed<s>/record.json, with -set-<digest> where settings differ.

<runs> is $FACELIB_RUNS; else `runs` in the checkout that facelib is imported from, so that notebooks, which start in
their own folder, find it too; else `runs` in the current folder.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facelib.errors import MissingPart
from facelib.storage import digest_of

RUNS_VARIABLE = "FACELIB_RUNS"
RECORD_FILE, WEIGHTS_FILE = "record.json", "weights.safetensors"
ANY_COMMAND = "facelib run PAPER METHOD --fold FOLD --tier TIER"


def project_folder() -> Path:
    """The checkout that holds `notebooks` and `figures`.

    Raises:
        MissingPart: when facelib was installed without them.
    """
    folder = Path(__file__).resolve().parents[2]
    if not (folder / "notebooks").is_dir():
        raise MissingPart(f"{folder} holds no notebooks: clone the repository and install it with `make setup`")
    return folder


def runs_folder() -> Path:
    """The folder of all runs."""
    chosen = os.environ.get(RUNS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    checkout = Path(__file__).resolve().parents[2]
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / "runs"


@dataclass(frozen=True)
class Run:
    """The name of a run.

    Args:
        paper, method, fold, tier, seed: what is run.
        changes: of the tier's settings, by dotted name; such a run lies in a folder of its own.
    """

    paper: str
    method: str
    fold: int = 0
    tier: str = "smoke"
    seed: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """As messages name it: "sadrnet direct fold 0 at smoke"."""
        seed = f" seed {self.seed}" if self.seed else ""
        changes = (
            f" with {', '.join(f'{name}={value}' for name, value in self.changes.items())}" if self.changes else ""
        )
        return f"{self.paper} {self.method} fold {self.fold}{seed} at {self.tier}{changes}"

    @property
    def folder(self) -> Path:
        """Of its record, weights and checkpoints."""
        changed = f"-set-{digest_of(dict(self.changes))[:8]}" if self.changes else ""
        return runs_folder() / self.paper / self.tier / f"{self.method}-fold{self.fold}-seed{self.seed}{changed}"

    @property
    def record(self) -> Path:
        """Its record, which need not be there."""
        return self.folder / RECORD_FILE

    @property
    def weights(self) -> Path:
        """Its weights, which need not be there."""
        return self.folder / WEIGHTS_FILE

    @property
    def command(self) -> str:
        """The command that makes it, to be named wherever it is missing."""
        seed = f" --seed {self.seed}" if self.seed else ""
        changes = "".join(
            f" --set {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in self.changes.items()
        )
        return f"facelib run {self.paper} {self.method} --fold {self.fold} --tier {self.tier}{seed}{changes}"


def command_for(folder: Path) -> str:
    """The command that makes the run of a folder, as far as its name tells it: not of changed settings."""
    parts = re.fullmatch(r"(.+)-fold(\d+)-seed(\d+)", folder.name)
    if parts is None:
        return ANY_COMMAND
    method, fold, seed = parts.groups()
    return Run(folder.parents[1].name, method, int(fold), folder.parent.name, int(seed)).command
