"""graphrec policy: write a first policy, and count what each rule does."""

from typing import Annotated, Literal

import typer

from graphrec.cli.as_of import AsOf, look_back
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.cli.state import state
from graphrec.errors import UsageError


def command(
    action: Annotated[
        Literal["check", "init"], typer.Argument(help="check: count what each rule does; init: write a first policy.")
    ],
    force: Annotated[bool, typer.Option("--force", help="init: replace the policy that is there.")] = False,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the policy: which products may be shown to whom.

    check counts, for every rule, the users and products it touches, the pairs it refuses in all, before any other rule
    (first) and as the only one (alone), and how many of them for want of a value. init writes policy.toml into the
    home: the shipped rules that the loaded graph has columns for, the others as comments.
    """
    look_back(as_of)
    if action == "init":
        _init(force=force, json=json)
    else:
        _check(json=json)


def _check(*, json: bool) -> None:
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.policy.check import check_policy
    from graphrec.policy.read import home_policy
    from graphrec.serving.eligible import compiled_policy

    snapshot = SnapshotShelf(state.home.snapshots).latest()
    if snapshot.uncut:
        note(f"note: {snapshot.uncut}")
    compiled = compiled_policy(snapshot, home_policy(state.home, snapshot))
    with progress(json=json) as report:
        found = check_policy(compiled, progress=report)
    if json:
        emit_json({**found.__dict__, "rules": [rule.__dict__ for rule in found.rules]})
        return
    columns = ["users", "products", "pairs", "first", "alone", "missing"]
    rows = [[rule.id, rule.severity, *(f"{getattr(rule, name):,}" for name in columns)] for rule in found.rules]
    title = f"{found.source or 'built-in rules'} · version {found.version} · {found.hash[:16]}"
    table(["rule", "severity", *columns], rows, title=title, right=columns)
    share = found.pairs_left / max(found.users * found.products, 1)
    say(f"{found.pairs_left:,} pairs are left ({share:.0%}) of {found.users:,} users and {found.products:,} products")
    say(f"{found.users_without_product:,} users are left with no product")


def _init(*, force: bool, json: bool) -> None:
    from graphrec.files import whole_file
    from graphrec.graph.shelf import SnapshotShelf
    from graphrec.policy.example import example_policy
    from graphrec.serving.eligible import date_of

    file = state.home.policy
    if file.exists() and not force:
        raise UsageError(f"{file} is there already; graphrec policy init --force replaces it")
    snapshot = SnapshotShelf(state.home.snapshots).latest()
    example = example_policy(snapshot, date_of(snapshot))
    with whole_file(file) as temporary:
        temporary.write_text(example.text, encoding="utf-8")
    if json:
        emit_json({"path": file, "rules": example.kept, "left_out": example.left_out})
        return
    say(f"{file}: {len(example.kept)} rules ({', '.join(example.kept)})")
    if example.left_out:
        say(f"not in force, for want of columns: {', '.join(example.left_out)}")
    note("next: graphrec policy check")
