"""Profiles of Snakemake: those that come with facelib, and folders of one's own."""

from __future__ import annotations

from pathlib import Path

import yaml

from facelib.errors import unknown_name
from facelib.grid.places import Place, ProfilePlace
from facelib.grid.slurm import Slurm
from facelib.papers.run import Say

PROFILES = Path(__file__).parents[1] / "workflow" / "profiles"


def place_of(profile: str | None, jobs: int | None, folder: Path, say: Say) -> Place:
    """The place that a profile stands for; this machine without one.

    Args:
        profile: the name of one that comes with facelib, or a folder.
        jobs: at once; None for the default.
        folder: in which Snakemake works.
        say: told what keeps jobs from starting.

    Raises:
        UnknownName: there is no such profile.
        BadInput: as in `ProfilePlace`.
    """
    if profile is None:
        return Place(jobs)
    chosen = next((path for path in (PROFILES / profile, Path(profile)) if (path / "config.yaml").is_file()), None)
    if chosen is None:
        shipped = [path.name for path in PROFILES.iterdir()]
        raise unknown_name("profile", profile, [*shipped, "a folder that holds a config.yaml"])
    content = yaml.safe_load((chosen / "config.yaml").read_text(encoding="utf-8")) or {}
    if content.get("executor") == "slurm":
        return Slurm(chosen.resolve(), content, jobs, folder, say)
    return ProfilePlace(chosen.resolve(), content, jobs, folder)
