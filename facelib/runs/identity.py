"""What a run is made from: settings, data, code, and the weights it starts from.

A finished run's record says it; an unfinished run says it in `run.json`, written before its first epoch. A folder that
holds a run of something else is set aside under another name, so that two runs never mix and nothing is lost.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from facelib.errors import BadInput, CorruptFile, MissingPart
from facelib.runs.checkpoints import run_lock
from facelib.runs.folders import RECORD_FILE
from facelib.runs.records import Record, read_record
from facelib.storage import read_json, write_json

IDENTITY_FILE = "run.json"
NOT_OF_A_RUN = {IDENTITY_FILE, "training.lock"}  # files that hold nothing worth keeping
NAMED_SETTINGS = 3  # changed settings that a message names


@dataclasses.dataclass(frozen=True)
class Identity:
    """Two runs of equal identity give the same result on one machine.

    Args:
        settings: all of them, as `as_dict` gives them.
        data: fingerprint of the data set.
        code: digest of the source files it depends on.
        needs: SHA-256 of the weights it starts from or is taught by, by method.
    """

    settings: dict[str, Any]
    data: str
    code: str | None
    needs: dict[str, str]

    def completed(self, defaults: dict[str, Any]) -> Identity:
        """With the settings that it does not know at their defaults.

        Settings that came later have a default that does what was done before; runs of before need not be made again.
        """
        return dataclasses.replace(self, settings=_completed(self.settings, defaults))

    def differences(self, wanted: Identity, *, keep_code: bool = False) -> list[str]:
        """What is otherwise in the wanted run, in words; empty when nothing is.

        Args:
            wanted: the identity to compare with.
            keep_code: let another version of the code pass.
        """
        found = []
        before, now = _leaves(self.settings), _leaves(wanted.settings)
        changed = [name for name in before | now if before.get(name) != now.get(name)]
        if changed:
            named = [f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in changed[:NAMED_SETTINGS]]
            more = [f"{len(changed) - NAMED_SETTINGS} more"] if len(changed) > NAMED_SETTINGS else []
            found.append(f"other settings ({'; '.join(named + more)})")
        if self.data != wanted.data:
            found.append(f"other data (fingerprint was {self.data} and is {wanted.data})")
        others = [name for name in self.needs | wanted.needs if self.needs.get(name) != wanted.needs.get(name)]
        if others:
            found.append(f"other weights of {', '.join(others)}")
        if self.code != wanted.code and not keep_code:
            found.append(
                "another version of the code that it depends on (its numbers may be the same: --keep-code accepts it)"
            )
        return found


def identity_of_record(record: Record) -> Identity:
    """What a finished run was made from."""
    code = record.code
    return Identity(record.parameters, record.data["fingerprint"], code.get("digest"), code.get("needs") or {})


def reserve(folder: Path, wanted: Identity) -> tuple[Path, str] | None:
    """Make a folder ready for a run: an unfinished run of the same identity stays, any other is set aside.

    Args:
        folder: the run's own.
        wanted: what the run is made from; noted in the folder.

    Returns:
        Where the other run is kept now and why it was set aside, or None.

    Raises:
        BadInput: another process trains in the folder.
    """
    with run_lock(folder):
        reason = _why_not_go_on(folder, wanted)
        if reason is not None:
            kept = _free_name(folder)
            folder.rename(kept)
        write_json(folder / IDENTITY_FILE, dataclasses.asdict(wanted))
    return None if reason is None else (kept, reason)


def _why_not_go_on(folder: Path, wanted: Identity) -> str | None:
    """Why the run in a folder is another one, in words; None when it is the same, or none is there."""
    if not {path.name for path in folder.iterdir()} - NOT_OF_A_RUN:
        return None
    found = _identity_in(folder)
    if found is None:
        return "it does not say what it was made from"
    differences = found.differences(wanted)
    return f"made from {' and '.join(differences)}" if differences else None


def _identity_in(folder: Path) -> Identity | None:
    """Of the run in a folder; None when it does not say."""
    try:
        return identity_of_record(read_record(folder / RECORD_FILE))
    except (MissingPart, CorruptFile, BadInput):
        pass
    try:
        return Identity(**read_json(folder / IDENTITY_FILE, "make the run again"))
    except (OSError, TypeError):
        return None


def _free_name(folder: Path) -> Path:
    number = 1
    while (kept := folder.with_name(f"superseded-{folder.name}-{number}")).exists():
        number += 1
    return kept


def _completed(settings: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: _completed(settings[name], default) if isinstance(default, dict) else settings[name]
        for name, default in defaults.items()
        if name in settings
    }
    return {**defaults, **settings, **both}


def _leaves(settings: dict[str, Any], inside: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in settings.items():
        leaves |= _leaves(value, f"{inside}{name}.") if isinstance(value, dict) else {inside + name: value}
    return leaves
