"""What one module's source defines, by its syntax tree: what each statement at its top level binds and what it loads.

Comments, layout, docstrings, annotations outside class bodies, and blocks under TYPE_CHECKING never run and are taken
out first; those of class bodies stay, since dataclasses read them. Names bound by `from a import *` cannot be seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from facelib.storage import digest_of

EFFECTS = ""  # stands for the name of the statements that bind nothing, which run when the module is imported


class Origin(NamedTuple):
    """What an import binds: a module, or what stands at a path of attributes below it."""

    module: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """One statement of a module's top level.

    Attributes:
        fingerprint: of its syntax tree.
        loads: the names that it takes from around it, with their attributes: ("np", "linalg", "norm").
        imports: what is imported within it.
    """

    fingerprint: str
    loads: frozenset[tuple[str, ...]]
    imports: Mapping[str, Origin]


@dataclass(frozen=True)
class Definitions:
    """A module's top level.

    Attributes:
        statements: name -> the statements that bind it, imports left out; EFFECTS -> those that bind nothing.
        imports: name -> where it comes from.
        exported: the names in `__all__`.
    """

    statements: dict[str, list[Statement]] = field(default_factory=lambda: {EFFECTS: []})
    imports: dict[str, Origin] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)


@lru_cache(maxsize=1024)
def definitions_of(source: str, module: str, is_package: bool) -> Definitions:
    """The definitions of a module, of this dotted name and source; `is_package` says whether it is an `__init__`."""
    found = Definitions()
    for node in _run(ast.parse(source).body):
        reader = _Reader(module, is_package)
        text = reader.read(node)
        names, loads, imports = reader.scope.binds, reader.scope.loads, reader.imports
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.imports.update(imports)
        elif "__all__" in names:
            found.exported.update(str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant))
        elif text:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names |= imports.keys()  # an import under `if` or `try`: whoever uses the name needs the statement
                loads |= {(name,) for name in imports}
            loads |= {(name,) for name in imports.keys() - {path[0] for path in loads}}
            statement = Statement(digest_of(text), frozenset(loads), imports)
            for name in names or {EFFECTS}:
                found.statements.setdefault(name, []).append(statement)
    return found


def _run(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements without the blocks under TYPE_CHECKING."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in (getattr(node.test, key, None) for key in ("id", "attr")):
            yield from _run(node.orelse)
        else:
            yield node


@dataclass
class _Scope:
    kind: type[ast.AST]
    loads: set[tuple[str, ...]] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)
    not_its_own: set[str] = field(default_factory=set)


class _Reader:
    """One walk through a statement: writes its syntax tree as text and notes what it loads, binds and imports.

    The text holds no places in the file and no empty fields, which differ between Python versions. Nodes with a method
    of their name are treated by it, all others by `fields`.
    """

    def __init__(self, module: str, is_package: bool) -> None:
        self.module = module
        self.package = module.split(".") if is_package else module.split(".")[:-1]
        self.scope = _Scope(ast.Module)
        self.imports: dict[str, Origin] = {}

    def read(self, node: ast.AST) -> str:
        special = getattr(self, type(node).__name__, None)
        return special(node) if special else self.fields(node)

    def fields(self, node: ast.AST) -> str:
        parts = []
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                if value:
                    parts.append(f"{name}=[{self.all(value)}]")
            elif isinstance(value, ast.AST):
                if name != "ctx":
                    parts.append(f"{name}={self.read(value)}")
            elif value is not None:
                parts.append(f"{name}={value!r}")
        return f"{type(node).__name__}({','.join(parts)})"

    def all(self, nodes: list[Any]) -> str:
        if nodes and isinstance(nodes[0], ast.stmt):
            nodes = list(_run(nodes))
        return ",".join(filter(None, (self.read(each) if isinstance(each, ast.AST) else repr(each) for each in nodes)))

    def inside(self, node: ast.AST) -> str:
        """The fields of a node that is a scope of its own; what it loads and does not bind is loaded around it."""
        around, self.scope = self.scope, _Scope(type(node))
        text = self.fields(node)
        own = set() if isinstance(node, ast.ClassDef) else self.scope.binds - self.scope.not_its_own
        around.loads |= {path for path in self.scope.loads if path[0] not in own}
        self.scope = around
        return text

    def Name(self, node: ast.Name) -> str:
        if isinstance(node.ctx, ast.Load):
            self.scope.loads.add((node.id,))
        else:
            self.scope.binds.add(node.id)
        return f"<{node.id}>"

    def Attribute(self, node: ast.Attribute) -> str:
        path: list[str] = []
        value: ast.expr = node
        while isinstance(value, ast.Attribute):
            path.insert(0, value.attr)
            value = value.value
        if not isinstance(value, ast.Name):
            return self.fields(node)
        self.scope.loads.add((value.id, *path))
        return f"<{'.'.join((value.id, *path))}>"

    def FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        self.scope.binds.add(node.name)
        node.returns = None
        decorators, node.decorator_list = self.all(node.decorator_list), []
        return f"[{decorators}]{self.Lambda(node)}"

    AsyncFunctionDef = FunctionDef

    def Lambda(self, node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        defaults = f"[{self.all(node.args.defaults)}][{self.all(node.args.kw_defaults)}]"
        node.args.defaults, node.args.kw_defaults = [], []
        return defaults + self.inside(node)

    def arg(self, node: ast.arg) -> str:
        self.scope.binds.add(node.arg)
        return f"<{node.arg}>"

    def ClassDef(self, node: ast.ClassDef) -> str:
        self.scope.binds.add(node.name)
        return self.inside(node)

    def ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> str:
        first = self.read(node.generators[0].iter)  # is evaluated around it
        node.generators[0].iter = ast.Constant(None)
        return first + self.inside(node)

    SetComp = DictComp = GeneratorExp = ListComp

    def ExceptHandler(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> str:
        if node.name:
            self.scope.binds.add(node.name)
        return self.fields(node)

    MatchAs = MatchStar = ExceptHandler

    def Global(self, node: ast.Global) -> str:
        self.scope.loads |= {(name,) for name in node.names}
        self.scope.not_its_own |= set(node.names)
        return self.fields(node)

    def AnnAssign(self, node: ast.AnnAssign) -> str:
        if self.scope.kind is ast.ClassDef:
            return self.fields(node)
        target = self.read(node.target)
        return f"Assign(targets=[{target}],value={self.read(node.value)})" if node.value else ""

    def Expr(self, node: ast.Expr) -> str:
        return "" if isinstance(node.value, ast.Constant) else self.fields(node)

    def Pass(self, node: ast.Pass) -> str:
        return ""

    def Import(self, node: ast.Import) -> str:
        for alias in node.names:
            name = alias.asname or alias.name.split(".")[0]
            self.imports[name] = Origin(alias.name if alias.asname else name)
        return self.fields(node)

    def ImportFrom(self, node: ast.ImportFrom) -> str:
        base = self.package[: len(self.package) - node.level + 1] if node.level else []
        origin = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            own = origin == self.module  # a package that imports one of its own modules
            target = Origin(f"{origin}.{alias.name}") if own else Origin(origin, (alias.name,))
            self.imports[alias.asname or alias.name] = target
        return self.fields(node)
