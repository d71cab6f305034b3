"""graphrec policy: write a first policy, and count what each rule does."""

from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json
from graphrec.cli.output import emit_json, note, progress, say, table


def command(
    action: Annotated[
        Literal["check", "init"], typer.Argument(help="check: count what each rule does; init: write a first policy.")
    ],
    force: Annotated[bool, typer.Option("--force", help="init: replace the policy that is there.")] = False,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Check the policy: which products may be shown to whom.

    check counts, for every rule, the users and products it touches, the pairs it refuses in all, before any other rule
    (first) and as the only one (alone), and how many of them because a value is missing. init writes policy.toml into
    the home: the shipped rules that the loaded graph has columns for, the others as comments.
    """
    if action == "init":
        _init(force=force, as_of=as_of, json=json)
    else:
        _check(as_of, json=json)


def _check(as_of: str | None, *, json: bool) -> None:
    from graphrec.app.jobs import CheckPolicy

    with progress(json=json) as report:
        checked = bank().check_policy(CheckPolicy(as_of), progress=report)
    for text in checked.notes:
        note(f"note: {text}")
    found = checked.report
    if json:
        emit_json(found)
        return
    columns = ["users", "products", "pairs", "first", "alone", "missing"]
    rows = [[rule.id, rule.severity, *(f"{getattr(rule, name):,}" for name in columns)] for rule in found.rules]
    title = f"{found.source or 'built-in rules'} · version {found.version} · {found.hash[:16]}"
    table(["rule", "severity", *columns], rows, title=title, right=columns)
    share = found.pairs_left / max(found.users * found.products, 1)
    say(f"{found.pairs_left:,} pairs are left ({share:.0%}) of {found.users:,} users and {found.products:,} products")
    say(f"{found.users_without_product:,} users are left with no product")


def _init(*, force: bool, as_of: str | None, json: bool) -> None:
    from graphrec.app.jobs import InitPolicy

    written = bank().init_policy(InitPolicy(force, as_of))
    if json:
        emit_json(written)
        return
    say(f"{written.path}: {len(written.rules)} rules ({', '.join(written.rules)})")
    if written.left_out:
        say("not found, and not in force:")
    for text in written.left_out:
        say(f"  {text}")
    for text in written.doubts:
        say(f"to decide: {text}")
    note("next: read the file, then: graphrec policy check")
