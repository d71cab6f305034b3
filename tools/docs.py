"""Write the pages and schemas of docs/ that follow from the code.

docs/cli.md from --help, docs/queries.md from cypher/analyst, docs/models.md from the configurations, docs/schema from
the types of configuration files.

`make docs`; --check says if they are so.
"""

import ast
import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path

from typer.testing import CliRunner

from graphrec import queries
from graphrec.campaigns.file import CampaignFile
from graphrec.cli import app
from graphrec.cli.commands import COMMANDS
from graphrec.config.market import MarketFile
from graphrec.config.schema import schema_text
from graphrec.config.settings_file import SettingsFile
from graphrec.delivery.alerts import schema as alert_schema
from graphrec.delivery.rows import schema as export_schema
from graphrec.events.event import Event
from graphrec.finance.alerts.file import AlertsFile
from graphrec.finance.credit.file import RiskModel
from graphrec.finance.credit.loan_file import PlanFile
from graphrec.finance.needs import NeedsFile
from graphrec.finance.portrait_file import PortraitFile
from graphrec.finance.statement.file import StatementFile
from graphrec.loading.mapping.file import MappingFile
from graphrec.models.registry import OWN
from graphrec.monitoring.limits import MonitorFile
from graphrec.monitoring.quality_file import QualityFile
from graphrec.outcomes.file import ExperimentsFile
from graphrec.policy.file import PolicyFile
from graphrec.service.access.tokens import OidcFile

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
# Models

Written by `make docs` from the registry of models (graphrec/models/registry.py). Do not edit.

`graphrec train --model NAME` fits one; `blend`, the default, adds those that help together. `graphrec train --set
NAME.KEY=VALUE`, as often as wanted, fixes a value that no search then changes; `graphrec tune` takes it too, for every
trial. A model is set in the blend (`--set lightgcn.loss=bpr`) and alone (`--model lightgcn`); `train --final` keeps
what was set. The walks of the kernels are chosen by every training, or named by `metapaths` of the roles
([settings.md](settings.md)). The configuration that was chosen is in the `meta.json` of the model folder.

Feature blocks are what models read besides edges: `train --blocks text,columns,series,portfolio,vector`; `text` alone
is the default. `text` has the vectors of an encoder, `columns` the numbers and categories of nodes in bins that are
fitted on what the fit may see (never personal or protected columns, nor names), `series` what a price did up to the
date that the fit may see, `portfolio` daily returns before that date and what market.toml says of positions, for
diversification, `vector` the vectors of images or recordings that a mapping names; they were made elsewhere, so that
only who made them knows what they have seen.

A distribution of its own adds a model by an entry point of the group `graphrec.models` that names a `ModelSpec`, and a
source of feature blocks by one of the group `graphrec.features`; train, tune and help then know them. Serving needs no
plug-in.
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
    """Every model: what it does, what it reads, and every value of its configuration with default and meaning."""
    parts = [MODELS_HEAD]
    for spec in OWN:
        if not spec.is_alone:
            continue
        facts = [
            "part of the blend" if spec.in_blend else "not part of the blend",
            *([f"reads the feature blocks {', '.join(spec.blocks())}"] if spec.blocks() else []),
            *(["tuned by `graphrec tune`"] if spec.space else []),
            *(["fitted with torch"] if spec.uses_torch else []),
        ]
        parts.append(f"## {spec.name}\n\n{spec.sentence}\n\n{'; '.join(facts).capitalize()}.\n")
        if spec.settable():
            defaults = {field.name: field.default for field in fields(spec.config)}
            meanings = _meanings(spec.config)
            rows = [f"| `{name}` | `{_text(defaults[name])}` | {meanings[name]} |" for name in spec.settable()]
            parts.append("| name | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n")
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
    "schema/campaign.schema.json": partial(schema_text, "a campaign of graphrec", CampaignFile),
    "schema/market.schema.json": partial(schema_text, "market.toml", MarketFile),
    "schema/quality.schema.json": partial(schema_text, "quality.toml", QualityFile),
    "schema/needs.schema.json": partial(schema_text, "needs.toml", NeedsFile),
    "schema/plan.schema.json": partial(schema_text, "plan.toml", PlanFile),
    "schema/alerts.schema.json": partial(schema_text, "alerts.toml", AlertsFile),
    "schema/statement.schema.json": partial(schema_text, "statement.toml", StatementFile),
    "schema/monitor.schema.json": partial(schema_text, "monitor.toml", MonitorFile),
    "schema/portrait.schema.json": partial(schema_text, "portrait.toml", PortraitFile),
    "schema/risk.schema.json": partial(schema_text, "risk models of graphrec", dict[str, RiskModel]),
    "schema/oidc.schema.json": partial(schema_text, "oidc.toml", OidcFile),
    "schema/policy.schema.json": partial(schema_text, "policy.toml", PolicyFile),
    "schema/experiments.schema.json": partial(schema_text, "experiments.toml", ExperimentsFile),
    "schema/event.json": partial(schema_text, "an event of graphrec", Event),
    "schema/alert.json": lambda: json.dumps(alert_schema(), indent=2) + "\n",
    "schema/export.schema.json": lambda: json.dumps(export_schema(), indent=2) + "\n",
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
