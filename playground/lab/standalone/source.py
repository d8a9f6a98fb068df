"""Python source as a stand-alone script needs it: a file's definitions and imports, and the names that a piece of it uses."""

import ast
import builtins
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from playground.user_errors import UserError

OURS = "playground"
"""This package, whose imports are followed."""
Key = tuple[str, str]
"""A module and a name at its top level."""


class NoSource(UserError):
    """The source of a class cannot be written into a script."""


@dataclass
class Scan:
    """What a piece of source refers to.

    Attributes:
        uses: the names it needs, each with the bytes that name it.
        attributes: the names of attributes that it reads.
        strings: its strings, docstrings left out.
    """

    uses: list[tuple[Key, int, int]] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)


class Module:
    """A source file, by its top-level definitions and imports."""

    def __init__(self, name: str) -> None:
        self.name = name
        path = _path(name)
        if path is None or not path.is_file():
            raise NoSource(f"The source of {name} is missing, so no stand-alone script can be written: install by pip.")
        self.source = path.read_bytes()
        self.tree = ast.parse(self.source)
        self._lines = [0]
        for line in self.source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.definitions: dict[str, ast.stmt] = {}
        self.imports: dict[str, tuple[str, str]] = {}
        for statement in self.tree.body:
            self._add(statement)

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            self.definitions[statement.name] = statement
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(name, ast.Name):
                        self.definitions[name.id] = statement
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            self.imports.update(imported(statement))
        elif isinstance(statement, ast.If):  # TYPE_CHECKING, and what depends on the platform
            for inner in statement.body:
                self._add(inner)

    def at(self, line: int, column: int) -> int:
        """The offset in bytes of a place of the syntax tree."""
        return self._lines[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.arg) -> tuple[int, int]:
        """The first byte of a node and that after its last."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def rows(self, node: ast.stmt) -> tuple[int, int]:
        """The same for whole lines, decorators included."""
        first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        assert node.end_lineno is not None
        return self._lines[first - 1], self._lines[node.end_lineno]

    def remark(self, node: ast.stmt) -> ast.stmt | None:
        """The string that documents an assignment."""
        after = self.tree.body[self.tree.body.index(node) + 1 :] if node in self.tree.body else []
        if after and isinstance(after[0], ast.Expr) and isinstance(after[0].value, ast.Constant):
            return after[0]
        return None


def _path(name: str) -> Path | None:
    """The source file of a module. In a frozen program it lies beside the compiled one that the module states."""
    loaded = sys.modules.get(name)
    spec = importlib.util.find_spec(name) if loaded is None else None
    origin = loaded.__file__ if loaded is not None else None if spec is None else spec.origin
    return None if origin is None else Path(origin).with_suffix(".py")


def imported(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str]]]:
    """The names that an import binds, each with its module and its name there ("" for the module itself)."""
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            yield alias.asname or alias.name.split(".")[0], (alias.name, "")
        else:
            yield alias.asname or alias.name, (statement.module or "", alias.name)


@dataclass(frozen=True)
class Annotation:
    """A type that is stated: for a function's result if `returned`; something must stand there if `kept`."""

    node: ast.expr
    returned: bool = False
    kept: bool = False


@cache
def walk(node: ast.AST) -> tuple[ast.AST, ...]:
    """All parts of a node, itself included."""
    return tuple(ast.walk(node))


@cache
def annotations(node: ast.AST) -> tuple[Annotation, ...]:
    """The annotations in a node."""
    return tuple(_annotated(node))


def _annotated(node: ast.AST) -> Iterator[Annotation]:
    for inner in walk(node):
        if isinstance(inner, ast.arg) and inner.annotation is not None:
            yield Annotation(inner.annotation)
        elif isinstance(inner, ast.FunctionDef) and inner.returns is not None:
            yield Annotation(inner.returns, returned=True)
        elif isinstance(inner, ast.AnnAssign):
            yield Annotation(inner.annotation, kept=inner.value is None)


def executed(function: ast.FunctionDef) -> list[ast.AST]:
    """The parts of a function that are evaluated when it is defined."""
    return [*function.decorator_list, *function.args.defaults, *filter(None, function.args.kw_defaults)]


def named(node: ast.expr) -> str:
    """The last name of an expression such as ``abc.ABC``, or ""."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class _Reader(ast.NodeVisitor):
    """Finds the names of a module that a piece of it uses, by Python's rules of scope; annotations are skipped."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._local: list[set[str]] = []
        self._imports = dict(module.imports)
        self.scan = Scan()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in executed(node):
            self.visit(part)
        self._inner(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inner(node, [node.body])

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self._local.append(
            {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        )
        self.generic_visit(node)
        self._local.pop()

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def _inner(self, node: ast.FunctionDef | ast.Lambda, body: Sequence[ast.AST]) -> None:
        arguments = node.args
        names = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        names |= {one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None}
        for part in body:
            for one in ast.walk(part):
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                    names.add(one.id)
                elif isinstance(one, ast.FunctionDef) or (isinstance(one, ast.ExceptHandler) and one.name):
                    names.add(str(one.name))
                elif isinstance(one, ast.Import | ast.ImportFrom):
                    self._imports.update(imported(one))
        self._local.append(names - {name for part in body for one in ast.walk(part)
                                    if isinstance(one, ast.Import | ast.ImportFrom) for name, _ in imported(one)})  # fmt: skip
        for part in body:
            if not _is_docstring(part):
                self.visit(part)
        self._local.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.body):
            if not _is_docstring(part):
                self.visit(part)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        for part in (node.target, node.value):
            if part is not None:
                self.visit(part)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not _is_docstring(node):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.scan.strings.add(node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        place = self._imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
        local = isinstance(node.value, ast.Name) and self._is_local(node.value.id)
        if place is not None and not local and place[0].split(".")[0] == OURS:
            module = ".".join(filter(None, place))
            if _is_module(module):
                self.scan.uses.append(((module, node.attr), *self._module.span(node)))
                return
        self.scan.attributes.add(node.attr)
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        name = node.id
        if self._is_local(name) or not isinstance(node.ctx, ast.Load):
            return
        if name in self._module.definitions:
            self.scan.uses.append(((self._module.name, name), *self._module.span(node)))
        elif name in self._imports:
            place, own = self._imports[name]
            if place.split(".")[0] == OURS:
                self.scan.uses.append(((place, own), *self._module.span(node)))
        elif not hasattr(builtins, name) and name not in ("__file__", "__name__"):
            raise NoSource(f"{self._module.name} uses {name}, whose source is not found.")

    def _is_local(self, name: str) -> bool:
        return any(name in names for names in self._local)


@cache
def module_of(name: str) -> Module:
    """The module of this name.

    Raises:
        NoSource: its file is missing.
    """
    return Module(name)


@cache
def read(module: Module, node: ast.AST) -> Scan:
    """What a piece of a module refers to; annotations do not count, unless the piece is one.

    Raises:
        NoSource: it uses a name that is not found.
    """
    reader = _Reader(module)
    reader.visit(node)
    return reader.scan


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError):
        return False
