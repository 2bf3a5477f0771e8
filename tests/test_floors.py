"""A module imports only from floors below its own; this reads every import, inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "facelib"
FLOORS: tuple[tuple[str, ...], ...] = (
    ("conventions", "errors", "progress", "storage"),
    ("geometry", "weights"),
    ("models", "losses", "metrics", "faces"),
    ("data", "runs"),
    ("papers",),
    ("report", "benchmarks"),
    ("reconstruction", "reproduction", "bench", "doctor", "explanation"),
    ("landmark_comparison", "face_fitting", "identification", "depth_reconstruction"),
    ("grid", "detector_measurement"),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def violations(package: Path) -> list[str]:
    """Every import of the package that breaks the rule, as "file:line: what is wrong"."""
    return [fault for path in sorted(package.rglob("*.py")) for fault in _violations_of_file(package, path)]


def _violations_of_file(package: Path, path: Path) -> Iterator[str]:
    module = path.relative_to(package.parent).with_suffix("").parts
    parent = module[:-1]  # of a package's __init__ this is the package itself
    room = module[1] if module[-1] != "__init__" or len(module) > 2 else None
    if room is None:
        rooms_allowed: set[str] = set()  # facelib/__init__.py stands below all
    elif room not in FLOOR_OF:
        yield f"{path}: {room} stands on no floor; add it to FLOORS"
        return
    else:
        below = {other for other, floor in FLOOR_OF.items() if floor < FLOOR_OF[room]}
        rooms_allowed = below | {room} | set(FLOORS[0])  # the modules of the ground floor know one another
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        for imported in _imported_modules(node, parent):
            if imported[0] != package.name or len(imported) < 2 or not _is_room(package, imported[1]):
                continue
            if imported[1] not in rooms_allowed:
                yield f"{path}:{node.lineno}: {room or package.name} imports {'.'.join(imported)}"  # type: ignore[attr-defined]


def _imported_modules(node: ast.AST, parent: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, ast.Import):
        yield from (tuple(alias.name.split(".")) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = parent[: len(parent) - node.level + 1] if node.level else ()
        module = (*base, *(node.module.split(".") if node.module else ()))
        yield from ((*module, alias.name) for alias in node.names)


def _is_room(package: Path, name: str) -> bool:
    return (package / name).is_dir() or (package / f"{name}.py").is_file()


def test_every_module_imports_only_from_below() -> None:
    assert len(list(PACKAGE.rglob("*.py"))) > 30  # an empty folder would pass, too

    assert violations(PACKAGE) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    package = tmp_path / "facelib"
    for room in ("geometry", "models", "losses", "papers"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    for name in ("__init__", "errors", "storage"):
        (package / f"{name}.py").write_text("")
    return package


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("models/irnet.py", "from facelib.geometry.camera import project"),
        ("models/irnet.py", "import facelib\nfrom facelib import __version__"),
        ("models/irnet.py", "from facelib.models.blocks import Block"),
        ("models/irnet.py", "from .blocks import Block\nfrom ..geometry import camera"),
        ("papers/jam.py", "import torch, facelib.models.irnet, facelib.losses"),
        ("storage.py", "from facelib.errors import BadInput"),
    ],
)
def test_an_import_from_below_is_fine(house: Path, file: str, source: str) -> None:
    (house / file).write_text(source)

    assert violations(house) == []


@pytest.mark.parametrize(
    ("file", "source", "line"),
    [
        ("models/irnet.py", "import torch\nfrom facelib.losses import margins", 2),
        ("models/irnet.py", "from facelib import losses", 1),
        ("models/irnet.py", "import facelib.papers.jam as jam", 1),
        ("geometry/camera.py", "def f():\n    if True:\n        from facelib.models.irnet import IRNet18", 3),
        ("geometry/camera.py", "from ..models import irnet", 1),
        ("geometry/__init__.py", "from ..models import irnet", 1),
        ("errors.py", "\n\nfrom facelib.geometry.camera import project", 3),
        ("__init__.py", "from facelib.errors import BadInput", 1),
    ],
)
def test_an_import_from_above_or_beside_is_named(house: Path, file: str, source: str, line: int) -> None:
    (house / file).write_text(source)

    faults = violations(house)

    assert len(faults) == 1
    assert f"{house / file}:{line}: " in faults[0]


def test_a_room_on_no_floor_is_named(house: Path) -> None:
    (house / "utils.py").write_text("")

    assert violations(house) == [f"{house / 'utils.py'}: utils stands on no floor; add it to FLOORS"]
