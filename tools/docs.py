"""Write the pages and schemas of docs/ that follow from the code.

docs/cli.md from --help, docs/queries.md from cypher/analyst, docs/models.md from the configurations, docs/schema from
the types of configuration files.

`make docs`; --check says if they are so.
"""

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from graphrec import queries
from graphrec.cli import app
from graphrec.cli.commands import COMMANDS
from graphrec.config.schema import schema_text
from graphrec.config.settings_file import SettingsFile
from graphrec.loading.mapping.file import MappingFile
from graphrec.policy.file import PolicyFile
from graphrec.training.configs import CONFIGS, config_class, settable

DOCS = Path(__file__).resolve().parent.parent / "docs"
COMMANDS_HEAD = "# Commands\n\nWritten by `make docs` from `--help`. Do not edit.\n"
QUERIES_HEAD = """\
# Questions of analysts

Written by `make docs` from `cypher/analyst`. Do not edit.

`graphrec query NAME --param name=value` answers one, on the embedded store and on Neo4j alike; `graphrec query` lists
those that fit the graph. In the Cypher, `:User`, `:Product`, `:HELD` and `:INTERACTION` stand for what the mapping
calls them. A statement of one's own goes in quotes:
`graphrec query "MATCH (p:Product) RETURN p.kind AS kind, count(*) AS products"`.
"""

MODELS_HEAD = """\
# What can be set of a model

Written by `make docs` from the configurations in graphrec/models. Do not edit.

`graphrec train --set TERM.NAME=VALUE`, as often as wanted, fixes a value that no search then changes; `graphrec tune`
takes it too, for every trial. A term is set in the blend (`--set lightgcn.loss=bpr`) and alone (`--model lightgcn`);
`train --final` keeps what was set. The walks of `kernel` are named by `metapaths` of the roles
([settings.md](settings.md)); `popularity` and `text` have nothing to set. The configuration that was chosen is in the
`meta.json` of the model folder.
"""


def help_of(*words: str) -> str:
    """What `graphrec … --help` prints, 100 columns wide."""
    environment = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "LC_ALL": "C.UTF-8"}
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="graphrec", env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def commands_page() -> str:
    """Every command with its help."""
    parts = [COMMANDS_HEAD, f"## graphrec\n\n```\n{help_of()}\n```\n"]
    parts += [f"## graphrec {name}\n\n```\n{help_of(name)}\n```\n" for name in COMMANDS]
    return "\n".join(parts)


def queries_page() -> str:
    """Every query of the library: question, parameters, Cypher."""
    parts = [QUERIES_HEAD]
    for query in queries.library():
        lines = [
            f"* `{one.name}` ({one.kind}" + (f", {one.default}" if one.default else "") + f"): {one.what}"
            for one in query.parameters
        ]
        asked = "\n".join(lines) + "\n\n" if lines else ""
        parts.append(f"## {query.name}\n\n{query.question}\n\n{asked}```cypher\n{_cypher(query.name)}\n```\n")
    return "\n".join(parts)


def _cypher(name: str) -> str:
    """The statement as it is in its file, with the placeholders."""
    statement = queries.text(f"analyst/{name}", {placeholder: placeholder for placeholder in queries.PLACEHOLDERS})
    return statement.replace("`", "")


def models_page() -> str:
    """Every value of every term's configuration: name, default, meaning."""
    parts = [MODELS_HEAD]
    for term in CONFIGS:
        config = config_class(term)
        defaults = {field.name: field.default for field in fields(config)}
        meanings = _meanings(config)
        rows = [f"| `{name}` | `{_text(defaults[name])}` | {meanings[name]} |" for name in settable(term)]
        about = str(sys.modules[config.__module__].__doc__).partition("\n")[0]
        parts.append(f"## {term}\n\n{about}\n\n| name | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _meanings(config: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, in one line."""
    found = {}
    for one in reversed(config.__mro__[:-1]):
        (tree,) = ast.parse(inspect.getsource(one)).body
        assert isinstance(tree, ast.ClassDef), "a configuration is a class"
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                found[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return found


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": commands_page,
    "queries.md": queries_page,
    "models.md": models_page,
    "schema/graphrec.schema.json": partial(schema_text, "graphrec.toml", SettingsFile),
    "schema/mapping.schema.json": partial(schema_text, "a mapping of graphrec", MappingFile),
    "schema/policy.schema.json": partial(schema_text, "policy.toml", PolicyFile),
}


def main() -> None:
    """Write the pages, or check them."""
    for name, render in PAGES.items():
        target, page = DOCS / name, render()
        if "--check" not in sys.argv:
            target.parent.mkdir(exist_ok=True)
            target.write_text(page, encoding="utf-8")
        elif not target.exists() or target.read_text(encoding="utf-8") != page:
            sys.exit(f"error: docs/{name} is not what the code says; run: make docs")


if __name__ == "__main__":
    main()
