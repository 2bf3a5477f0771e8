"""Runs that take seconds, in folders of their own; several test files train or read them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from facelib import weights
from facelib.runs.folders import RUNS_VARIABLE
from facelib.storage import CACHE_VARIABLE, cache_folder

# Paper 1: as few people and photographs as leave 100 impostor scores in each pose bin.
TINY: dict[str, Any] = {
    "facescape.identities": 21,
    "facescape.views": 3,
    "web.identities": 30,
    "web.images": 24,
    "arl_vtf.identities": 12,
    "arl_vtf.training_identities": 24,
    "arl_vtf.training_images": 24,
    "clouds.points": 128,
    "network.image_size": 32,
    "network.width": 0.125,
    "network.embedding": 32,
    "network.stages": 3,
    "network.points_1": 32,
    "network.samples_1": 8,
    "network.points_2": 16,
    "network.samples_2": 8,
    "network.neighbours": 4,
    "pretraining.epochs": 2,
    "pretraining.min_epochs": 2,
    "pretraining.milestones": [1],
    "training.epochs": 2,
    "training.min_epochs": 2,
    "training.milestones": [1],
    "scratch.epochs": 2,
    "scratch.min_epochs": 2,
    "scratch.milestones": [1],
}

# Paper 3: at least one photograph in each range of yaw.
TINY_FACES: dict[str, Any] = {
    "stream.skins": 3,
    "stream.batches": 2,
    "stream.held_out": 6,
    "evaluation.identities": 6,
    "evaluation.images": 2,
    "evaluation.florence": 1,
    "network.width": 0.0625,
    "encoder.batches": 2,
    "schedule.deformation": 1,
    "schedule.joint": 1,
    "pretraining.epochs": 2,
    "pretraining.min_epochs": 2,
    "pretraining.batch_size": 8,
    "training.epochs": 3,
    "training.batch_size": 8,
}


def use_private_cache(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Generate data into a folder of the tests, with the face model that the user's cache holds already."""
    faces = cache_folder() / "faces"
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another worker was first
        (folder / "faces").symlink_to(faces, target_is_directory=True)
    patch.setenv(CACHE_VARIABLE, str(folder))


def use_tiny_data(patch: pytest.MonkeyPatch, paths: pytest.TempPathFactory) -> None:
    """As `use_private_cache`, with data that all test files and workers of this session share."""
    base = paths.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    use_private_cache(patch, shared / "tiny_cache")


def use_private_runs(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Keep runs in this folder."""
    patch.setenv(RUNS_VARIABLE, str(folder))


def use_empty_shelf(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """An empty folder in the place of that of the shipped weights."""
    folder.mkdir()
    patch.setattr(weights, "FOLDER", folder)
