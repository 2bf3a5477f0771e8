"""Where jobs run: on this machine, or where a profile of Snakemake sends them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facelib.errors import BadInput


class Place:
    """This machine.

    Args:
        jobs: at once; by default two, or one on a single core.
    """

    retries = 0  # of a job that failed

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or min(2, os.cpu_count() or 1)

    def options(self, threads: int) -> list[str]:
        """What Snakemake is told; `threads` are those of the largest job."""
        return ["--cores", str(self.jobs * threads)]

    def prepare(self) -> None:
        """Make sure that jobs can be started."""

    def look(self, log: Path) -> None:
        """Tell what keeps jobs from starting, while Snakemake works and writes this log."""

    def end(self) -> None:
        """End the jobs that are not processes of this machine."""


class ProfilePlace(Place):
    """Where a profile sends jobs.

    Args:
        profile: its folder.
        content: of its file.
        jobs: at once; by default as the profile says.
        folder: in which Snakemake works.

    Raises:
        BadInput: the folder's path cannot be given to a cluster, or the profile's number of jobs is none.
    """

    def __init__(self, profile: Path, content: Mapping[str, Any], jobs: int | None, folder: Path) -> None:
        if not re.fullmatch(r"[A-Za-z0-9/._+-]+", str(folder)):  # plugins give it to shells, quoted badly or not at all
            raise BadInput(
                f"jobs cannot be sent elsewhere from {folder}: expected plain letters, digits and /._+- only; "
                "let FACELIB_RUNS name such a folder, which all machines share"
            )
        self.profile, self.given, self.folder = profile, jobs, folder
        self.retries = _number(profile, content, "retries", 0)
        super().__init__(jobs or _number(profile, content, "jobs", 1))

    def options(self, threads: int) -> list[str]:
        # The cache of sources lies in the user's home, whose path may be as odd as it likes; nothing here needs it.
        shared = ("persistence", "input-output", "software-deployment", "sources", "storage-local-copies")
        jobs = ["--jobs", str(self.given)] if self.given else []
        where = ["--directory", str(self.folder)]  # said to jobs that start elsewhere
        return ["--profile", str(self.profile), *jobs, *where, "--shared-fs-usage", *shared]


def _number(profile: Path, content: Mapping[str, Any], name: str, default: int) -> int:
    value = content.get(name, default)
    if not isinstance(value, int):
        raise BadInput(f"{name} is {value!r} in {profile / 'config.yaml'}: expected a number")
    return value
