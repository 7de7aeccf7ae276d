"""Every error that the source can raise, with its HTTP status: read from the calls that make one."""

import ast
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import consent
from consent.errors import Problem
from consent.web.protocol import Refused

Found = tuple[str, int | None]


def declared() -> dict[str, set[int | None]]:
    """Statuses by code; None for one that is computed. Raises AssertionError for a code that is no literal."""
    kinds = {kind.__name__: kind for kind in _kinds()}
    found: dict[str, set[int | None]] = defaultdict(set)
    for path in sorted(Path(str(consent.__file__)).parent.rglob("*.py")):
        for code, status in _in_file(ast.parse(path.read_text("utf-8")), kinds):
            found[code].add(status)
    return dict(found)


def _kinds() -> list[type[Problem]]:
    """Problem and every kind of it, wherever it is defined."""
    for module in pkgutil.walk_packages(consent.__path__, "consent."):
        importlib.import_module(module.name)
    kinds: list[type[Problem]] = [Problem]
    for kind in kinds:
        kinds += kind.__subclasses__()
    return kinds


def _in_file(tree: ast.Module, kinds: dict[str, type[Problem]]) -> Iterator[Found]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in kinds:
            yield from _fixed(node, kinds[node.name])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = kinds.get(node.func.id)
            if node.func.id == Refused.__name__:
                yield _text(node.args[1]), _number(node.args[0])
            elif kind and "code" in inspect.signature(kind).parameters and not _is_handed_on(node.args[0]):
                yield _text(node.args[0]), _status(node, kind)


def _fixed(made: ast.ClassDef, kind: type[Problem]) -> Iterator[Found]:
    """The code that a kind gives itself: it hands a literal to `super().__init__`."""
    for node in ast.walk(made):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__" and kind is not Problem:
            first = node.args[0]
            if isinstance(first, ast.Constant):
                yield _text(first), _status(node, kind)


def _is_handed_on(node: ast.expr) -> bool:
    """Whether a code came as the argument `code`: then it is a literal where that was called."""
    return isinstance(node, ast.Name) and node.id == "code"


def _status(call: ast.Call, kind: type[Problem]) -> int | None:
    given = [word.value for word in call.keywords if word.arg == "status"]
    return _number(given[0]) if given else kind.status


def _number(node: ast.expr) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _text(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), f"a code is to be a literal: {ast.unparse(node)}"
    return str(node.value)
