"""What a result came from, as hashes and versions: of plain values, of the code that computes it, of packages.

The hash of code is of what it computes: comments, docstrings, positions and whatever a model does not import leave it.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
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
    from importlib.metadata import PackageNotFoundError, version

    found = {"graphrec": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _file_of(name: str) -> Path | None:
    """The source of a module, found without importing it; None where the name is no module or has no source."""
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
    tree = ast.parse(file.read_bytes())
    imported = tuple(sorted(set(_imports(tree))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [one for one in node.keywords if one.arg != "sentence"]
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # Strings that stand alone are docstrings, of attributes too.
            node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _imports(tree: ast.AST) -> Iterator[str]:
    """Names of modules that a module imports when it runs, in functions too; those for types alone are left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _imports(node)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
