"""The source of the classes and functions that a script uses, in one text without imports of this program.

Definitions are taken from the files as they are, with comments and docstrings. Left out are methods that no line of the script
calls, entries of tables that no string of it names, and annotations of what is not there. Names that two files give to different
things get the file's name as a suffix.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from playground.lab.standalone.source import (
    OURS,
    Annotation,
    Key,
    Module,
    NoSource,
    Scan,
    annotations,
    executed,
    imported,
    module_of,
    named,
    read,
    walk,
)

PLAIN = "playground.lab.standalone.plain"
"""The module whose definitions stand in for others of the same name."""
REPLACED = frozenset(
    {
        ("playground.theory.fused", "group_means"),
        ("playground.theory.fused", "adam_with_average"),
        ("playground.theory.samplers.brownian", "Randomness"),
        ("playground.theory.samplers.brownian", "StepRandomness"),
        ("playground.theory.samplers.brownian", "over"),
        ("playground.theory.samplers.brownian", "others"),
        ("playground.theory.samplers.brownian", "area"),
        ("playground.theory.samplers.base", "normal"),
        ("playground.user_errors", "UserError"),
    }
)
"""Fast code, and code for what a script does not do, with a plain twin in :data:`PLAIN`."""
FAST = "playground.theory.fused"
"""The beginning of the modules whose code only repeats other code faster. Methods that need it are left out."""
KEPT_METHODS = frozenset({"forward"})
"""Methods that torch calls."""
Edit = tuple[int, int, bytes]


class Bundle:
    """Definitions that a script needs, found from the names it uses.

    Args:
        reserved: names that the script uses for other things.
    """

    def __init__(self, reserved: Sequence[str] = ()) -> None:
        self._keys: list[Key] = []
        self._scans: dict[Key, Scan] = {}
        self._methods: dict[Key, dict[str, Scan]] = {}
        self._kept: dict[Key, set[str]] = {}
        self._entries: dict[Key, set[str]] = {}
        self._reserved = set(reserved)
        self._main = Scan()
        self._attributes: set[str] = set()
        self._strings: set[str] = set()

    def need(self, module: str, name: str) -> str:
        """Add a definition and all that it needs; return its name in the script."""
        key = self._resolved(module, name)
        if key not in self._scans:
            self._keys.append(key)
            self._scans[key] = Scan()
        return self.name(key)

    def name(self, key: Key) -> str:
        """The name of a definition in the script."""
        place = self._keys.index(key) if key in self._keys else len(self._keys)
        earlier = [other for other in self._keys[:place] if other[1] == key[1]]
        if not earlier and key[1] not in self._reserved:
            return key[1]
        return f"{key[1]}_{key[0].rpartition('.')[2]}"

    def complete(self, main: str) -> None:
        """Find everything that is needed.

        Args:
            main: the script's own code, whose attributes and strings count as used.
        """
        for node in ast.walk(ast.parse(main)):
            if isinstance(node, ast.Attribute):
                self._main.attributes.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self._main.strings.add(node.value)
        while self._grow():
            pass
        self._aliases()

    def _grow(self) -> bool:
        before = self._size()
        self._attributes = set().union(self._main.attributes, *(scan.attributes for scan in self._used_scans()))
        self._strings = set().union(self._main.strings, *(scan.strings for scan in self._used_scans()))
        for key in [*self._keys]:
            self._look_at(key)
        return self._size() != before

    def _size(self) -> tuple[int, int, int]:
        return len(self._keys), sum(map(len, self._kept.values())), sum(map(len, self._entries.values()))

    def _used_scans(self) -> Iterator[Scan]:
        yield from self._scans.values()
        for key, methods in self._methods.items():
            for name in self._kept.get(key, ()):
                yield methods[name]

    def _look_at(self, key: Key) -> None:
        module, node = self._found(key)
        if isinstance(node, ast.ClassDef):
            self._look_at_class(key, module, node)
            return
        entries = self._table(module, node)
        if entries is None:
            self._scans[key] = self._scan(module, [node])
        else:
            kept = self._entries.setdefault(key, set())
            kept |= entries.keys() & self._strings
            self._scans[key] = self._scan(module, [entries[name] for name in kept])
        self._follow(self._scans[key])

    def _look_at_class(self, key: Key, module: Module, node: ast.ClassDef) -> None:
        if key not in self._methods:
            functions = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
            rest = [part for part in node.body if not isinstance(part, ast.FunctionDef)]
            self._scans[key] = self._scan(module, [*node.decorator_list, *node.bases, *rest])
            self._methods[key] = {name: self._scan(module, [function]) for name, function in functions.items()}
            self._follow(self._scans[key])
        kept = self._kept.setdefault(key, set())
        attributes, protocol = self._attributes, any(named(base) == "Protocol" for base in node.bases)
        for name, scan in self._methods[key].items():
            special = name.startswith("__") and name.endswith("__")
            wanted = special or protocol or name in attributes or name in KEPT_METHODS
            if name in kept or not wanted or (not special and self._repeats(key, node, name, scan)):
                continue
            kept.add(name)
            self._follow(scan)

    def _repeats(self, key: Key, node: ast.ClassDef, name: str, scan: Scan) -> bool:
        """Whether a method only does faster what an inherited one does."""
        fast = any(used[0].startswith(FAST) and used not in REPLACED for used, _, _ in scan.uses)
        return fast and self._inherits(key[0], node, name)

    def _inherits(self, module: str, node: ast.ClassDef, name: str) -> bool:
        for base in map(named, node.bases):
            try:
                found = self._resolved(module, base)
            except NoSource:
                continue
            _, inner = self._found(found)
            if isinstance(inner, ast.ClassDef):
                methods = {part.name for part in inner.body if isinstance(part, ast.FunctionDef)}
                if name in methods or self._inherits(found[0], inner, name):
                    return True
        return False

    def _follow(self, scan: Scan) -> None:
        for (module, name), _, _ in scan.uses:
            self.need(module, name)

    def _found(self, key: Key) -> tuple[Module, ast.stmt]:
        module = module_of(key[0])
        return module, module.definitions[key[1]]

    def _resolved(self, module: str, name: str) -> Key:
        """The place of a definition, through modules that only import it."""
        if (module, name) in REPLACED:
            return PLAIN, name
        found = module_of(module)
        if name in found.definitions:
            return module, name
        if name in found.imports:
            return self._resolved(*found.imports[name])
        raise NoSource(f"{name} is not defined in {module}, so no stand-alone script can be written of it.")

    def _table(self, module: Module, node: ast.stmt) -> dict[str, ast.expr] | None:
        """The entries of a table of classes or functions by name; None if the node is none."""
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if not isinstance(value, ast.Dict):
            return None
        pairs = list(zip(value.keys, value.values, strict=True))
        entries = {
            key.value: one
            for key, one in pairs
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(one, ast.Name)
        }
        return {**entries} if entries and len(entries) == len(pairs) else None

    @staticmethod
    def _scan(module: Module, nodes: Sequence[ast.AST]) -> Scan:
        whole = Scan()
        for node in nodes:
            scan = read(module, node)
            whole.uses += scan.uses
            whole.attributes |= scan.attributes
            whole.strings |= scan.strings
        return whole

    # Writing

    def text(self, key: Key) -> str:
        """The source of a definition for the script."""
        module, node = self._found(key)
        edits = [*self._edits(key, module, node)]
        start, end = module.rows(node)
        remark = module.remark(node) if not isinstance(node, ast.ClassDef | ast.FunctionDef) else None
        if remark is not None:
            end = module.rows(remark)[1]
        edits = [edit for edit in edits if not any(_inside(edit, other) for other in edits)]
        source = module.source
        for first, last, new in sorted(set(edits), reverse=True):
            source = source[:first] + new + source[last:]
            end += len(new) - (last - first)
        text = source[start:end].decode()
        if isinstance(node, ast.ClassDef) and not _has_body(text):
            text = text.rstrip() + "\n    pass\n"
        text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def _edits(self, key: Key, module: Module, node: ast.stmt) -> Iterator[Edit]:
        scans = [self._scans[key], *(self._methods.get(key, {})[name] for name in self._kept.get(key, ()))]
        for scan in scans:
            for used, first, last in scan.uses:
                yield first, last, self.name(self._resolved(*used)).encode()
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and self.name(key) != node.name:
            word = b"class " if isinstance(node, ast.ClassDef) else b"def "
            at = module.source.index(word, module.at(node.lineno, 0)) + len(word)
            yield at, at + len(node.name.encode()), self.name(key).encode()
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for name in ast.walk(node):  # one statement may assign to two names
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield *module.span(name), self.name((key[0], name.id)).encode()
        yield from self._without_methods(key, module, node)
        yield from self._without_entries(key, module, node)
        for inner in walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                first, last = module.rows(inner)
                yield first, last + (module.source[last : last + 1] == b"\n"), b""
        for annotation in self._annotations(key, node):
            yield from self._annotation(module, annotation)

    def _annotations(self, key: Key, node: ast.stmt) -> Iterator["Annotation"]:
        """The annotations of what is kept of a definition."""
        if not isinstance(node, ast.ClassDef):
            yield from annotations(node)
            return
        for part in node.body:
            if isinstance(part, ast.AnnAssign):
                yield Annotation(part.annotation, kept=True)
            elif not isinstance(part, ast.FunctionDef) or part.name in self._kept[key]:
                yield from annotations(part)

    def _without_methods(self, key: Key, module: Module, node: ast.stmt) -> Iterator[Edit]:
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name not in self._kept[key]:
                    yield *module.rows(part), b""

    def _without_entries(self, key: Key, module: Module, node: ast.stmt) -> Iterator[Edit]:
        entries = self._table(module, node)
        if entries is None:
            return
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        assert isinstance(node.value, ast.Dict)
        names = {name: self.name(self._resolved(module.name, one.id)) for name, one in entries.items()
                 if name in self._entries[key] and isinstance(one, ast.Name)}  # fmt: skip
        listed = ", ".join(f'"{name}": {one}' for name, one in names.items())
        yield *module.span(node.value), f"{{{listed}}}".encode()

    def _annotation(self, module: Module, place: "Annotation") -> Iterator[Edit]:
        if self.shown(module, place.node) is not None:
            for used, first, last in read(module, place.node).uses:
                yield first, last, self.name(self._resolved(*used)).encode()
            return
        start, end = module.span(place.node)
        if place.kept:
            yield start, end, b"object"
        elif place.returned:
            yield module.source.rindex(b"->", 0, start) - 1, module.source.index(b":", end), b""
        else:
            yield module.source.rindex(b":", 0, start), end, b""

    def shown(self, module: Module, node: ast.expr) -> Scan | None:
        """What an annotation names, if all of it is in the script."""
        try:
            scan = read(module, node)
            known = {self._resolved(*used) for used, _, _ in scan.uses}
        except NoSource:
            return None
        return scan if known <= set(self._keys) and not scan.strings else None

    def _aliases(self) -> None:
        """Add the names of types that annotations use, if nothing else is needed for them."""
        for key in [*self._keys]:
            module, node = self._found(key)
            for place in self._annotations(key, node):
                for used, _, _ in read(module, place.node).uses:
                    found = self._resolved(*used)
                    inner_module, inner = self._found(found)
                    if not isinstance(inner, ast.Assign):
                        continue
                    scan = self._scan(inner_module, [inner.value])
                    if all(self._resolved(*other) in self._keys for other, _, _ in scan.uses):
                        self.need(*found)
                        self._scans[found] = scan

    def ordered(self, rank: "Mapping[str, int]") -> list[Key]:
        """The definitions in order: by the rank of their module, but each after what it needs when it is executed."""
        places = {key: place for place, key in enumerate(self._by_place(rank))}
        done: dict[Key, None] = {}

        def add(key: Key) -> None:
            if key in done:
                return
            for other in sorted(self._at_once(key), key=lambda one: places[one]):
                if other != key:
                    add(other)
            done[key] = None

        for key in places:
            add(key)
        return list(done)

    def _by_place(self, rank: "Mapping[str, int]") -> list[Key]:
        def place(key: Key) -> tuple[int, str, int]:
            _, node = self._found(key)
            best = max((name for name in rank if key[0].startswith(name)), key=len, default="")
            return rank.get(best, len(rank)), key[0], node.lineno

        unique: dict[int, Key] = {}
        for key in self._keys:  # an assignment to two names is one statement
            unique.setdefault(id(self._found(key)[1]), key)
        return sorted(unique.values(), key=place)

    def _at_once(self, key: Key) -> set[Key]:
        """The definitions that must be executed before this one."""
        module, node = self._found(key)
        parts: list[ast.AST] = []
        if isinstance(node, ast.FunctionDef):
            parts = executed(node)
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list, *node.bases]
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    parts += executed(part) if part.name in self._kept[key] else []
                else:
                    parts.append(part)
        else:
            table = self._table(module, node)
            parts = [node] if table is None else [table[name] for name in self._entries[key]]
        found = {self._resolved(*used) for used, _, _ in self._scan(module, parts).uses}
        statements = {id(self._found(one)[1]): one for one in self._by_statement}
        return {statements[id(self._found(one)[1])] for one in found if id(self._found(one)[1]) in statements}

    @cached_property
    def _by_statement(self) -> list[Key]:
        unique: dict[int, Key] = {}
        for key in self._keys:
            unique.setdefault(id(self._found(key)[1]), key)
        return list(unique.values())

    def imports(self, texts: Sequence[str]) -> list[str]:
        """The import statements that the definitions and the script's own texts need."""
        wanted: set[tuple[str, str, str]] = set()
        names = {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        for key in self._keys:
            module, node = self._found(key)
            bound = dict(module.imports)
            for inner in walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    bound.update(imported(inner))
            for name, (place, own) in bound.items():
                if name in names and place.split(".")[0] != OURS:
                    wanted.add((place, own, name))
        return _import_lines(wanted)


def _import_lines(wanted: set[tuple[str, str, str]]) -> list[str]:
    lines, taken = [], dict[str, list[str]]()
    for place, own, name in sorted(wanted):
        if own:
            taken.setdefault(place, []).append(own if own == name else f"{own} as {name}")
        else:
            lines.append(f"import {place}" + ("" if name in (place, place.split(".")[0]) else f" as {name}"))
    return [*lines, *(f"from {place} import {', '.join(names)}" for place, names in taken.items())]


def _inside(edit: Edit, other: Edit) -> bool:
    return other is not edit and other[0] <= edit[0] and edit[1] <= other[1] and other[1] - other[0] > edit[1] - edit[0]


def _has_body(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
