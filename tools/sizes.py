"""List what is longer than it should be, without failing: `make lint` (the limits are those of the house style)."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE, COMMAND, BODY, PARAMETERS, STATEMENT = 350, 120, 50, 8, 60


def python_files() -> list[Path]:
    """Our modules."""
    folders = ("graphrec", "tools", "benchmarks")
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def functions_above(file: Path) -> Iterator[str]:
    """A line for each function with a long body or many parameters."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            count = len(node.args.args) + len(node.args.kwonlyargs)
            if lines > BODY:
                yield f"{node.name}: body of {lines} lines, look again above {BODY}"
            if count > PARAMETERS and "cli" not in file.parts:
                yield f"{node.name}: {count} parameters, look again above {PARAMETERS}"


def main() -> None:
    """Print one line for each thing above its limit."""
    for file in python_files():
        name = file.relative_to(ROOT)
        lines = len(file.read_text(encoding="utf-8").splitlines())
        limit = COMMAND if file.parent.name == "cli" else MODULE
        if lines > limit:
            print(f"{name}: {lines} lines, look again above {limit}")
        for above in functions_above(file):
            print(f"{name}: {above}")
    for file in sorted((ROOT / "cypher").rglob("*.cypher")):
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > STATEMENT:
            print(f"{file.relative_to(ROOT)}: {lines} lines, look again above {STATEMENT}")


if __name__ == "__main__":
    main()
