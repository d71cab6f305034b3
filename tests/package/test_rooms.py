"""Who may import whom, who may print, and where torch and the driver may be named: read from the source."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VOCABULARY = {
    "__init__",
    "errors",
    "files",
    "frozen",
    "home",
    "languages",
    "log",
    "package_data",
    "progress",
    "queries",
    "schema",
    "shown",
    "config",
    "extras",
    "times",
}
ROOMS = [
    "graph",
    "store",
    "loading",
    "features",
    "extract",
    "terms",
    "models",
    "metrics",
    "policy",
    "training",
    "serving",
    "evaluation",
    "records",
    "delivery",
    "events",
    "outcomes",
    "demo",
    "campaigns",
    "finance",
    "privacy",
    "monitoring",
    "app",
    "ask",
    "service",
    "cli",
]
TORCH_ROOMS = {"models", "training"}
TORCH_MODULES = {"graphrec.features.sources.text.encoder", "graphrec.features.device"}
NOT_FOR_ONE_USER = {"torch", "transformers", "pandas", "scipy", "duckdb", "networkx", "numba", "arcadedb", "neo4j"}


def python_files() -> list[Path]:
    return sorted(file for file in (ROOT / "graphrec").rglob("*.py") if "__pycache__" not in file.parts)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


FILES = {module_of(file): file for file in python_files()}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(node: ast.AST, *, late: bool) -> Iterator[str]:
    """Names of the modules imported below `node`; late: in functions too. `from a import b` gives a and a.b."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative import"
            yield child.module or ""
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not is_for_types(child) and (late or not isinstance(child, ast.FunctionDef)):
            yield from imports(child, late=late)


@cache
def all_imports(module: str) -> frozenset[str]:
    return frozenset(imports(tree_of(module), late=True))


@pytest.mark.slow
def test_rooms_import_only_from_rooms_above() -> None:
    unknown = [module for module in FILES if room_of(module) not in VOCABULARY and room_of(module) not in ROOMS]
    assert not unknown, "these are in no room that tests/package/test_rooms.py knows"
    above = [
        (module, name)
        for module in FILES
        for name in all_imports(module)
        if name.startswith("graphrec.") and room_of(name) in ROOMS
        if room_of(module) not in ROOMS or ROOMS.index(room_of(name)) > ROOMS.index(room_of(module))
    ]
    assert not above, "the first of each pair imports the second, a room below it; the vocabulary imports no room"


@pytest.mark.slow
def test_torch_and_the_driver_have_their_rooms() -> None:
    torch, driver, none = {"torch", "torch_geometric", "transformers"}, {"neo4j"}, {"pandas", "sklearn", "pickle"}
    found = []
    for module in FILES:
        names = {name.partition(".")[0] for name in all_imports(module)}
        refused = none if module == "graphrec.store.neo4j.driver" else none | driver
        has_torch = room_of(module) in TORCH_ROOMS or module in TORCH_MODULES
        found += [(module, name) for name in names & (refused if has_torch else refused | torch)]
    assert not found


@pytest.mark.slow
def test_only_the_command_line_prints() -> None:
    printing = {"print", "echo", "write"}
    found = [
        f"{module} {node.lineno}"
        for module in FILES
        if room_of(module) != "cli"
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) or getattr(node.func, "attr", None)) in printing
        and ast.unparse(node.func) in {"print", "typer.echo", "sys.stdout.write", "sys.stderr.write"}
    ]
    assert not found


def test_every_room_is_a_package() -> None:
    for folder in {file.parent for file in FILES.values()}:
        assert (folder / "__init__.py").exists(), f"{folder.relative_to(ROOT)} has no __init__.py"


def closure(module: str, seen: set[str]) -> set[str]:
    """All that importing a module of ours imports, by the statements at the top of modules."""
    if module not in seen:
        seen.add(module)
        parents = [module.rpartition(".")[0]] if "." in module else []
        names = [*parents, *imports(tree_of(module), late=False)] if module in FILES else []
        for name in names:
            if name in FILES:
                closure(name, seen)
            elif name.partition(".")[0] not in {"graphrec", *sys.stdlib_module_names}:
                seen.add(name.partition(".")[0])
    return seen


def test_serving_one_user_imports_little() -> None:
    found = {module: closure(module, set()) for module in FILES if room_of(module) == "serving"}
    heavy = {
        module: refused
        for module, names in found.items()
        if (refused := names & NOT_FOR_ONE_USER | {name for name in names if name.startswith("graphrec.store")})
    }
    assert found
    assert not heavy


def forms_of_term() -> set[str]:
    """The names of `Term` and of every class below it."""
    parents = {
        node.name: {ast.unparse(base).partition("[")[0] for base in node.bases}
        for module in FILES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    }
    found = {"Term"}
    while more := {name for name, bases in parents.items() if bases & found} - found:
        found |= more
    return found


@pytest.mark.slow
def test_nobody_asks_which_form_a_term_has() -> None:
    """A term answers for itself, by its protocol: a bank's own form is asked the same as those that are here."""
    forms = forms_of_term()
    assert {"FactorTerm", "TableTerm", "PortfolioTerm", "WalkTerm"} <= forms
    asked = [
        f"{module} {node.lineno}"
        for module in FILES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass")
        if {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)} & forms
    ]
    assert not asked
