"""Which files a run depends on: found by imports, wherever they stand, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from facelib.errors import UnknownName
from facelib.runs.code import PACKAGE, closure, code_digest

FILES = {
    "__init__.py": "version = 1",
    "storage.py": "",
    "models/__init__.py": "",
    "models/blocks.py": "import torch",
    "models/vgg.py": "from house.models.blocks import Block",
    "models/resnet.py": "from .blocks import Block\nfrom ..storage import write",
    "papers/__init__.py": "",
    "papers/settings.py": "import house.models.resnet",
    "papers/training.py": (
        "from typing import TYPE_CHECKING\n"
        "from house import storage\n"
        "from house.papers import settings\n"
        "if TYPE_CHECKING:\n    from house.models import vgg\n"
        "else:\n    import house.runs.late\n"
        "def train():\n    if True:\n        from house.losses import margin\n"
    ),
    "losses/__init__.py": "",
    "losses/margin.py": "import house.losses.circle",
    "losses/circle.py": "from house.losses.margin import m",
    "runs/__init__.py": "from house.runs import early",
    "runs/early.py": "",
    "runs/late.py": "",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, source in FILES.items():
        (tmp_path / "house" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "house" / name).write_text(source)
    return tmp_path / "house"


def names(package: Path, *modules: str, **options) -> set[str]:
    return {path.relative_to(package).as_posix() for path in closure(modules, package=package, **options)}


def test_imports_are_followed_at_the_top_and_inside_functions(house: Path) -> None:
    assert names(house, "house.models.vgg") == {"models/vgg.py", "models/blocks.py", "models/__init__.py"}
    assert names(house, "house.models.resnet") - names(house, "house.models.vgg") == {"models/resnet.py", "storage.py"}
    assert names(house, "house.papers.training") == FILES.keys() - {"__init__.py", "models/vgg.py"}


def test_what_is_left_out_is_not_followed(house: Path) -> None:
    found = names(house, "house.papers.training", without=["house.papers.settings"])

    assert names(house, "house.papers.training") - found == {
        "papers/settings.py",
        "models/__init__.py",
        "models/resnet.py",
        "models/blocks.py",
    }


def test_a_root_that_does_not_exist_is_named(house: Path) -> None:
    for wrong in ("house.models.vgg19", "torch.nn"):
        with pytest.raises(UnknownName, match=wrong):
            closure([wrong], package=house)


def test_the_digest_changes_with_the_files_that_count_and_with_no_other(house: Path, tmp_path: Path) -> None:
    def digest() -> str:
        return code_digest(["house.models.vgg"], package=house)

    before = digest()
    for name in ("storage.py", "__init__.py", "models/resnet.py"):
        (house / name).write_text("changed = 1")
    assert digest() == before

    (house / "models/blocks.py").write_text("import torch  # other bytes")
    assert digest() != before
    (house / "models/blocks.py").write_text(FILES["models/blocks.py"])
    assert digest() == before

    (house / "models/vgg.py").write_text(FILES["models/vgg.py"] + "\nimport house.storage")
    assert digest() != before


def test_the_digest_is_the_same_wherever_the_package_lies(house: Path, tmp_path: Path) -> None:
    before = code_digest(["house.papers.training"], package=house)
    moved = tmp_path / "deep" / "house"
    moved.parent.mkdir()
    house.rename(moved)

    assert code_digest(["house.papers.training"], package=moved) == before


def test_facelib_itself() -> None:
    files = names(PACKAGE, "facelib.models.vgg")

    assert {"models/vgg.py", "models/blocks.py", "errors.py"} <= files
    assert not [name for name in files if name.startswith(("papers/", "report/"))]
