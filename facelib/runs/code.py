"""Which source files a run depends on, so that a change of code asks for the right runs again and leaves the others.

A file counts when it is reached by imports from the modules that a run names: imports at the top of a file and inside
functions alike, since what is imported late is run as well. Blocks under TYPE_CHECKING are never run and do not count,
nor does the package's own __init__, which holds the version number.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import facelib
from facelib.errors import UnknownName
from facelib.storage import digest_of, sha256_of

PACKAGE = Path(facelib.__file__).parent


def closure(modules: Iterable[str], *, without: Iterable[str] = (), package: Path = PACKAGE) -> tuple[Path, ...]:
    """The source files that importing some modules can run, of this package only.

    Args:
        modules: dotted names, such as "facelib.models.vgg".
        without: dotted names that are neither counted nor followed.
        package: the package's folder.

    Returns:
        Their paths, sorted.

    Raises:
        UnknownName: when one of `modules` has no source file in the package.
    """
    found: list[Path] = []
    seen = {package.name, *without}
    waiting = list(modules)
    for name in waiting:
        if _source(name, package) is None:
            raise UnknownName(f"module {name!r} has no source file in {package}: expected a dotted name of its modules")
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _source(name, package)
        if path is not None:
            found.append(path)
            waiting += _ancestors(name)
            waiting += _imports(path.read_text(encoding="utf-8"), name, path.name == "__init__.py")
    return tuple(sorted(found))


def code_digest(modules: Iterable[str], *, without: Iterable[str] = (), package: Path = PACKAGE) -> str:
    """A fingerprint of the files of `closure`: their names within the package and their contents, nothing else."""
    files = closure(modules, without=without, package=package)
    return digest_of({path.relative_to(package).as_posix(): sha256_of(path) for path in files})


def _source(module: str, package: Path) -> Path | None:
    if module.split(".")[0] != package.name:
        return None
    base = package.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _ancestors(module: str) -> list[str]:
    """The packages around a module, which are imported before it."""
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


@lru_cache(maxsize=1024)
def _imports(source: str, module: str, is_package: bool) -> tuple[str, ...]:
    """Names that a module's source imports; some are modules, others what modules hold."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    return tuple(name for node in _executed(ast.parse(source)) for name in _names(node, package))


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, without what stands under `if TYPE_CHECKING`."""
    yield node
    typing_only = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
    for child in node.orelse if typing_only else ast.iter_child_nodes(node):  # type: ignore[attr-defined]
        yield from _executed(child)


def _names(node: ast.AST, package: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        yield origin
        yield from (f"{origin}.{alias.name}" for alias in node.names)
