"""What a result came from, as hashes and versions: of plain values, of the code that computes it, of packages.

The hash of code is of what it computes: comments, docstrings, positions and whatever a model does not import leave it.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from graphrec import __version__

NOTHING_COMPUTED = (
    "graphrec.models.registry", "graphrec.config", "graphrec.errors", "graphrec.progress", "graphrec.log",
    "graphrec.files", "graphrec.home",
)  # fmt: skip
"""What lists, checks, reports and keeps: no number of a model comes from there."""


def digest(value: Any) -> str:
    """The first 16 digits of the sha256 of a plain value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def code_digest(modules: Sequence[str]) -> str:
    """The sha256 of what some modules compute, with all modules of their own distribution that they import.

    Args:
        modules: names such as `graphrec.models.tables.ease`; of a package all its modules count.

    Returns:
        64 hex digits; equal where every syntax tree is equal but for docstrings and positions.
    """
    found: dict[str, str] = {}
    waiting = [*modules, *(f"{name}.{one.stem}" for name in modules for one in _inside(name))]
    own = {"graphrec", *(name.partition(".")[0] for name in modules)}
    while waiting:
        name = waiting.pop()
        known = name in found or name == "graphrec" or name.startswith(NOTHING_COMPUTED)
        file = None if known else _file_of(name)
        if file is not None:
            found[name], imported = _read(file, file.stat().st_mtime_ns)
            waiting += [one for one in imported if one.partition(".")[0] in own]
    whole = hashlib.sha256()
    for name, tree in sorted(found.items()):
        whole.update(f"{name} {tree} ".encode())
    return whole.hexdigest()


def _inside(name: str) -> list[Path]:
    """The other modules of a package."""
    file = _file_of(name)
    if file is None or file.name != "__init__.py":
        return []
    return sorted(one for one in file.parent.glob("*.py") if one != file)


def versions(packages: Iterable[str]) -> dict[str, str]:
    """The version of graphrec, of Python and of those of the packages that are installed."""
    # Here, since a reader of a model folder reads this module and needs none of it.
    import platform

    found = {"graphrec": __version__, "python": platform.python_version()}
    return found | {name: version for name in packages if (version := _version(name)) is not None}


@cache
def _version(package: str) -> str | None:
    """What is installed, which does not change while a process runs; None where the package is not there."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@cache
def _file_of(name: str) -> Path | None:
    """The source of a module, found without importing it; None where the name is no module or has no source.

    Kept, since each training asks of a thousand names, and most are no modules.
    """
    root, _, rest = name.partition(".")
    folder = _root(root)
    if folder is None:
        return None
    path = folder.joinpath(*rest.split(".")) if rest else folder
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.exists():
            return file
    return None


@cache
def _root(name: str) -> Path | None:
    """The folder of a package, or the path without its ending of a module that is in none."""
    spec = find_spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin)
    return path.parent if path.name == "__init__.py" else path.with_suffix("")


@cache
def _read(file: Path, _changed: int) -> tuple[str, tuple[str, ...]]:
    """The hash of a module's syntax tree without docstrings, and the names that it imports."""
    told: list[str] = []
    imported: set[str] = set()
    _tell(ast.parse(file.read_bytes()), told, imported)
    return hashlib.sha256(" ".join(told).encode()).hexdigest(), tuple(sorted(imported))


def _tell(node: ast.AST, told: list[str], imported: set[str]) -> None:
    """Add the words of a syntax tree, in order, and the modules that it imports when it runs, in functions too.

    One pass instead of `ast.dump` beside walks: every command that trains waits for it.

    Args:
        node: of a tree that a parser made.
        told: gets names of nodes and values of fields.
        imported: gets names of modules, but those that are imported for types alone.
    """
    told.append(type(node).__name__)
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        imported = set()
    imported.update(_imports(node))
    for name in type(node)._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            _tell(value, told, imported)
        elif isinstance(value, list):
            told.append("[")
            for one in _without_texts(value) if name == "body" else value:
                if not isinstance(one, ast.AST):
                    told.append(repr(one))
                elif not (isinstance(one, ast.keyword) and one.arg == "sentence"):
                    _tell(one, told, imported)
            told.append("]")
        else:
            told.append(repr(value))


def _imports(node: ast.AST) -> list[str]:
    """Names of modules that a statement may import; none where it is another one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _without_texts(body: list[ast.stmt]) -> list[ast.stmt]:
    """Statements without strings that stand alone: docstrings, of attributes too."""
    return [one for one in body if not _is_text(one)] or [ast.Pass()]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
