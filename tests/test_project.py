"""The files around the package agree with one another, and importing the package stays cheap."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import facelib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
LARGEST_FILE = 20e6

# Written so that they do not find themselves.
MACHINE_PATH = re.compile(r"(?<![\w.:/+=-])/(?:home|root|Users|work|workspace)/\w")
REGISTRY = re.compile(
    r"--(?:extra-)?index-(?:url)|--find-(?:links)|file:/{2}/|pypi[.]org/(?:simple)|pytorch[.]org/(?:whl)"
)


@cache
def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


@cache
def _files() -> list[Path]:
    """What git tracks, or would with the next `git add`."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in sorted({*names} - {""}) if (ROOT / name).is_file()]


def _faults_of(text: str) -> list[str]:
    return [match.group() for pattern in (MACHINE_PATH, REGISTRY) for match in pattern.finditer(text)]


@pytest.mark.parametrize("extra", ["dependencies", *sorted(EXTRAS)])
def test_constraints_pin_every_direct_dependency(extra: str) -> None:
    requirements = [Requirement(line) for line in EXTRAS.get(extra, PROJECT["dependencies"])]

    missing = [r.name for r in requirements if canonicalize_name(r.name) not in _pins()]
    unfit = [str(r) for r in requirements if not r.specifier.contains(_pins().get(canonicalize_name(r.name), "0"))]

    assert missing == []
    assert unfit == []


def test_constraints_pin_torch_for_every_build_and_not_ourselves() -> None:
    assert _pins()["torch"] == "2.13.0"  # a local version such as +cpu would shut out the CUDA build
    assert "facelib-companion" not in _pins()
    assert [pin for pin in _pins().values() if "+" in pin] == []


def test_conda_environment_is_true_to_the_project() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *from_conda, from_pip = environment["dependencies"]
    python = next(line for line in from_conda if line.startswith("python="))
    install = re.fullmatch(r"-e \.\[([\w,]+)\]", from_pip["pip"][1])

    assert {line.partition("=")[0] for line in from_conda} == {"python", "make", "pip"}
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python.partition("=")[2])
    assert len(from_pip["pip"]) == 2
    assert from_pip["pip"][0] == "-c constraints.txt"
    assert install is not None
    assert set(install[1].split(",")) == {"notebooks", "test"} <= EXTRAS.keys()


@pytest.mark.parametrize("file", ["Makefile", ".ci/run"])
def test_extras_named_elsewhere_exist(file: str) -> None:
    named = re.findall(r"^[^#\n]*EXTRAS *\??= *([\w,]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)

    assert named != []
    assert {extra for extras in named for extra in extras.split(",")} <= EXTRAS.keys()


def test_citation_names_this_software_and_five_papers() -> None:
    citation: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    papers = citation["references"]

    assert citation["version"] == facelib.__version__
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert len({paper["title"] for paper in papers}) == 5
    assert all(author["family-names"] and author["given-names"] for paper in papers for author in paper["authors"])


def test_license_is_apache_2() -> None:
    assert re.match(r"\s*Apache License\s+Version 2\.0, January 2004", (ROOT / "LICENSE").read_text(encoding="utf-8"))


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert len(_files()) > 50

    faults = {}
    for path in _files():
        content = path.read_bytes()
        if path.suffix != ".ipynb" and b"\0" not in content:  # test_notebook_structure reads the notebooks
            faults[path.name] = _faults_of(content.decode("utf-8"))

    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "text", ["open('/" + "home/me/a')", "pip install --" + "index-url x", "file:" + "///srv/wheels"]
)
def test_a_machine_or_a_registry_is_found(text: str) -> None:
    assert len(_faults_of(text)) == 1


def test_files_are_small_enough_for_git() -> None:
    assert [path.name for path in _files() if path.stat().st_size > LARGEST_FILE] == []


def _modules_after(program: str) -> set[str]:
    program = f"import json, sys\n{program}\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(finished.stdout.splitlines()[-1]))


def test_the_ground_floor_and_settings_come_without_torch() -> None:
    loaded = _modules_after("import facelib.conventions, facelib.errors, facelib.storage, facelib.runs.settings")

    assert "facelib.runs.settings" in loaded
    assert loaded & {"torch", "numba", "scipy", "matplotlib"} == set()


def test_papers_and_their_settings_come_without_torch() -> None:
    loaded = _modules_after("import facelib.papers.normal_components, facelib.papers.msma, facelib.papers.sadrnet")

    assert "facelib.papers.normal_components.settings" in loaded
    assert loaded & {"torch", "numba", "scipy", "matplotlib"} == set()


def test_no_module_imports_what_is_heavy_and_seldom_needed() -> None:
    loaded = _modules_after(
        "import importlib, pkgutil, facelib\n"
        "for module in pkgutil.walk_packages(facelib.__path__, 'facelib.'):\n"
        "    if not module.name.startswith(('facelib.report', 'facelib.__main__')) and 'triton' not in module.name:\n"
        "        importlib.import_module(module.name)"
    )

    assert {"facelib.faces.anny_head", "facelib.benchmarks.cases", "facelib.cli"} <= loaded
    heavy = {
        "anny",
        "open3d",
        "dlib",
        "papermill",
        "matplotlib.pyplot",
        "sklearn",
        "trimesh",
        "faiss",
        "roma",
        "triton",
    }
    assert loaded & heavy == set()


def test_the_report_draws_with_matplotlib_and_nothing_heavier() -> None:
    loaded = _modules_after(
        "import importlib, pkgutil, facelib.report\n"
        "for module in pkgutil.walk_packages(facelib.report.__path__, 'facelib.report.'):\n"
        "    importlib.import_module(module.name)"
    )

    assert {
        "facelib.report.claims",
        "facelib.report.joint_attention.roc",
        "facelib.report.sadrnet.skin_masks",
    } <= loaded
    assert loaded & {"anny", "open3d", "dlib", "papermill"} == set()


def test_a_folder_of_its_name_does_not_hide_the_package(tmp_path: Path) -> None:
    """As where a clone named facelib lies in the current folder: the installation must win over the namespace."""
    (tmp_path / "facelib").mkdir()
    program = "import facelib; print(facelib.__version__)"
    told = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert told.stdout.strip() == facelib.__version__, told.stderr
