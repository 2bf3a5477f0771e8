"""What one module's source defines: what each statement at its top level binds and what it loads.

Comments, layout, docstrings, annotations outside class bodies, and blocks under TYPE_CHECKING never run and are taken
out first; those of class bodies stay, since dataclasses read them. Names bound by `from a import *` cannot be seen.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from facelib.storage import digest_of

EFFECTS = ""  # stands for the name of the statements that bind nothing, which run when the module is imported


class Origin(NamedTuple):
    """What an import binds: a module, or what stands at a path of attributes below it."""

    module: str
    path: tuple[str, ...] = ()


class Statement(NamedTuple):
    """One statement of a module's top level: names are loaded with their attributes, as ("np", "linalg", "norm")."""

    fingerprint: str
    loads: frozenset[tuple[str, ...]]
    imports: Mapping[str, Origin]  # within the statement


@dataclass(frozen=True)
class Definitions:
    """A module's top level."""

    statements: dict[str, list[Statement]] = field(default_factory=lambda: {EFFECTS: []})  # by what they bind
    imports: dict[str, Origin] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)  # the names in `__all__`


@lru_cache(maxsize=1024)
def definitions_of(source: str, module: str, is_package: bool) -> Definitions:
    """The definitions of a module, of this dotted name and source; `is_package` says whether it is an `__init__`."""
    found = Definitions()
    for node in _Stripped().visit(ast.parse(source)).body:
        text = ast.unparse(node)
        imports = dict(_imports(node, module, is_package)) if "import" in text else {}  # as most have none
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.imports.update(imports)
            continue
        binds, taken = _names(text)
        if "__all__" in binds:
            found.exported.update(str(each.value) for each in ast.walk(node) if isinstance(each, ast.Constant))
            continue
        paths = {path for path in _paths(node) if path[0] in taken}
        alone = {(name,) for name in taken - {path[0] for path in paths}}  # such as an import that nothing uses
        statement = Statement(digest_of(text), frozenset(paths | alone), imports)
        for name in binds or {EFFECTS}:
            found.statements.setdefault(name, []).append(statement)
    return found


class _Stripped(ast.NodeTransformer):
    """Takes out what never runs."""

    in_class = False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        checks_types = "TYPE_CHECKING" in (getattr(node.test, "id", None), getattr(node.test, "attr", None))
        return node.orelse if checks_types else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if self.in_class:
            return self.generic_visit(node)
        return node.value and self.generic_visit(ast.Assign([node.target], node.value, lineno=node.lineno))

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        around, self.in_class = self.in_class, isinstance(node, ast.ClassDef)
        if not isinstance(node, ast.ClassDef):
            node.returns = None
        self.generic_visit(node)
        self.in_class = around
        return node

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    # Written with generators, [*(x for x in y)], comprehensions have scopes of their own on all versions of Python.
    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        kind = ast.List if isinstance(node, ast.ListComp) else ast.Set
        return self.generic_visit(kind([ast.Starred(ast.GeneratorExp(node.elt, node.generators))]))

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self.generic_visit(
            ast.Dict([None], [ast.GeneratorExp(ast.Tuple([node.key, node.value]), node.generators)])
        )


def _names(statement: str) -> tuple[set[str], set[str]]:
    """The names that a statement binds, and those that it takes from around it or imports."""
    tables = [symtable.symtable(statement, "statement", "exec")]
    binds = {each.get_name() for each in tables[0].get_symbols() if each.is_assigned() or each.is_imported()}
    taken = set()
    for table in tables:  # which grows meanwhile
        tables += table.get_children()
        for each in table.get_symbols():
            # Outside functions a name may be bound and still be loaded from around, before.
            loaded = each.is_referenced() and not each.is_free()
            if each.is_imported() or (each.is_global() if table.get_type() == "function" else loaded):
                taken.add(each.get_name())
    return binds, taken


def _paths(node: ast.AST) -> Iterator[tuple[str, ...]]:
    """The names in a statement, each with all its attributes."""
    attributes: list[str] = []
    root = node
    while isinstance(root, ast.Attribute):
        attributes.insert(0, root.attr)
        root = root.value
    if isinstance(root, ast.Name):
        yield root.id, *attributes
    else:
        for child in ast.iter_child_nodes(node):
            yield from _paths(child)


def _imports(statement: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, Origin]]:
    """What is imported in a statement, by the names it gets."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                yield alias.asname or first, Origin(alias.name if alias.asname else first)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = parts[: len(parts) + is_package - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                own = origin == module  # a package that imports one of its own modules
                target = Origin(f"{origin}.{alias.name}") if own else Origin(origin, (alias.name,))
                yield alias.asname or alias.name, target
