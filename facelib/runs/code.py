"""Which definitions a run depends on, so that a change of code asks for the right runs again and leaves the others.

A function, class or constant counts when it is reached from the roots that a run names, by the names that the code
loads: through the top level of its module, through imports wherever they stand, and through the packages that pass a
name on, which do not count for that. What importlib imports cannot be seen and has to be a root itself. What is left of
a module by facelib.runs.definitions is compared, so that a comment or a docstring changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import facelib
from facelib.errors import UnknownName, unknown_name
from facelib.runs.definitions import EFFECTS, Definitions, Statement, definitions_of
from facelib.storage import digest_of

PACKAGE = Path(facelib.__file__).parent
VALUE_MODULES = ("settings", "methods")  # last part of modules of values, which are compared themselves, as values
MESSAGE_MODULE = "errors"  # of the package: only words that nobody compares
ALL = "*"  # stands for all that a module defines

Target = tuple[str, str]  # a module, and a name of its top level
State = tuple[tuple[str, int, int], ...]  # name, time of the last change and size of each file


def code_digest(roots: Iterable[str], *, package: Path = PACKAGE) -> str:
    """A fingerprint of all that is reached from the roots (see `reached`), wherever the package lies.

    It is asked for again and again, of every run that stands, so it is kept for as long as no file changes.
    """
    return _digest(tuple(roots), package, _state_of(package))


def reached(roots: Iterable[str], *, package: Path = PACKAGE) -> dict[str, tuple[str, ...]]:
    """The definitions that running the roots can lead to, of this package only.

    Args:
        roots: "facelib.models.vgg" for all that a module defines (and what it passes on by `__all__`), or
            "facelib.models.vgg:Vgg" for one definition.
        package: the package's folder.

    Returns:
        Module -> the names of its top level that are reached, both sorted.

    Raises:
        UnknownName: when a root does not exist.
    """
    found = _Walk(package).fingerprints(roots)
    return {module: tuple(sorted(found[module].keys() - {EFFECTS})) for module in sorted(found)}


def _state_of(package: Path) -> State:
    files = ((path, path.stat()) for path in sorted(package.rglob("*.py")))
    return tuple((str(path), state.st_mtime_ns, state.st_size) for path, state in files)


@lru_cache(maxsize=64)
def _digest(roots: tuple[str, ...], package: Path, state: State) -> str:
    return digest_of(_walk(package, state).fingerprints(roots))


@lru_cache(maxsize=1)
def _walk(package: Path, state: State) -> _Walk:
    """For as long as the files stay in their state."""
    return _Walk(package)


class _Walk:
    """A walk through one package as its files stand now; each is read once."""

    def __init__(self, package: Path) -> None:
        self.package, self.name = package, package.name
        self.modules: dict[str, Definitions | None] = {}

    def fingerprints(self, roots: Iterable[str]) -> dict[str, dict[str, list[Any]]]:
        """Module -> name -> what it consists of and what the names in it stand for, of all that is reached."""
        found: dict[str, dict[str, list[Any]]] = {}
        waiting = {target for root in roots for target in self.root(root)}
        seen = set(waiting)
        while waiting:
            module, name = waiting.pop()
            code = self.counted(module)
            if code is None:
                continue
            if name == ALL:
                new = {(module, each) for each in code.statements}
                new |= {target for each in code.exported & code.imports.keys() for target in self.resolve(module, each)}
            else:
                statements = code.statements[name]
                links = self.links(module, code, statements)
                found.setdefault(module, {})[name] = [[each.fingerprint for each in statements], links]
                new = {(module, EFFECTS), *(target for targets in links.values() for target in targets)}
            waiting |= new - seen
            seen |= new
        return found

    def root(self, root: str) -> Iterator[Target]:
        module, _, name = root.partition(":")
        if self.file(module) is None:
            raise UnknownName(
                f"root {root!r}: no module {module!r} in {self.package}; "
                f"expected a module's dotted name such as '{self.name}.runs.training', or 'module:definition'"
            )
        code = self.counted(module)
        if name and code and name not in code.statements | code.imports:
            raise unknown_name(f"definition of {module}", name, (code.statements | code.imports).keys() - {EFFECTS})
        return self.resolve(module, *filter(None, [name]))

    def links(self, module: str, code: Definitions, statements: list[Statement]) -> dict[str, list[Target]]:
        """What each name that statements load stands for; names of Python itself are left out."""
        links: defaultdict[str, set[Target]] = defaultdict(set)
        for statement in statements:
            for first, *rest in statement.loads:
                name = ".".join([first, *rest])
                if first in statement.imports:
                    origin = statement.imports[first]
                    links[name].update(self.resolve(origin.module, *origin.path, *rest))
                if first in code.statements or first in code.imports:
                    links[name].update(self.resolve(module, first, *rest))
        return {name: sorted(targets) for name, targets in links.items() if targets}

    def resolve(self, module: str, *path: str) -> Iterator[Target]:
        """The definitions that attributes of a module stand for, through modules that only pass them on."""
        code = self.counted(module)
        outside = code is None and module != self.name
        if outside or not path:
            yield module, ".".join(path) if outside else ALL
            return
        code = code or Definitions()
        if path[0] in code.statements:
            yield module, path[0]
        if path[0] in code.imports:
            origin = code.imports[path[0]]
            yield from self.resolve(origin.module, *origin.path, *path[1:])
        elif path[0] not in code.statements:
            below = f"{module}.{path[0]}"
            yield from self.resolve(below, *path[1:]) if self.file(below) else [(module, ALL)]

    def counted(self, module: str) -> Definitions | None:
        """A module's definitions, or None when it is not one of the package or does not count."""
        if module not in self.modules:
            left_out = module in (self.name, f"{self.name}.{MESSAGE_MODULE}")
            path: Any = None if left_out or module.rpartition(".")[2] in VALUE_MODULES else self.file(module)
            self.modules[module] = path and definitions_of(path.read_text("utf-8"), module, path.stem == "__init__")
        return self.modules[module]

    def file(self, module: str) -> Path | None:
        first, *rest = module.split(".")
        if first != self.name:
            return None
        base = self.package.joinpath(*rest)
        return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)
