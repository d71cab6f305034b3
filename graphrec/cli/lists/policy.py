"""graphrec policy: write a first policy, and count what each rule does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.app.jobs import InitPolicy
from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json
from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.errors import PolicyError, UsageError
from graphrec.languages import language_of

if TYPE_CHECKING:
    from graphrec.policy.cases import CaseResult


def command(
    action: Annotated[
        Literal["init", "check", "explain", "test", "diff"],
        typer.Argument(
            help="init: write a first policy; check: count what each rule does; explain: the rules in words; "
            "test CASES.csv: chosen pairs; diff OLD NEW: what is newly allowed."
        ),
    ],
    files: Annotated[list[Path] | None, typer.Argument(help="test: a file of cases; diff: two policies.")] = None,
    force: Annotated[bool, typer.Option("--force", help="init: replace the policy that is there.")] = False,
    as_of: AsOf = None,
    language: Annotated[
        str | None, typer.Option(help="init, explain: language of the sentences (default: that of graphrec.toml).")
    ] = None,
    like: Annotated[
        Literal["bank", "broker", "insurer"] | None,
        typer.Option(help="init: one of the policies that are shipped, in its own names of columns."),
    ] = None,
    json: Json = False,
) -> None:
    """Work on the policy: which products may be shown to whom.

    init writes policy.toml into the home, with the names and values of the columns that are there, and lists what it
    did not find. check counts, for every rule, the users and products it touches, the pairs it refuses in all, before
    any other rule (first) and as the only one (alone), and how many of them because a value is missing; then rules
    that do nothing, texts that no column has, values that no rule names. test reads customer,product,expected from a
    CSV file (expected: allow, refuse, review or warn) and fails where the policy says otherwise.

    Examples: graphrec policy init; graphrec policy check; graphrec policy explain
    """
    given = files or []
    wanted = {"test": 1, "diff": 2}.get(action, 0)
    if len(given) != wanted:
        forms = {"test": "graphrec policy test CASES.csv", "diff": "graphrec policy diff OLD.toml NEW.toml"}
        form = forms.get(action, f"graphrec policy {action}")
        raise UsageError(f"graphrec policy {action} takes {wanted} files and got {len(given)}; want {form}")
    if action == "init":
        _init(InitPolicy(force, as_of, language, like), json=json)
    elif action == "check":
        _check(as_of, json=json)
    elif action == "explain":
        _explain(language, json=json)
    elif action == "test":
        _test(given[0], as_of, json=json)
    else:
        _diff(given[0], given[1], as_of, json=json)


def _explain(language: str | None, *, json: bool) -> None:
    lines = bank().explain_policy(language)
    if json:
        emit_json({"policy": lines[0], "rules": lines[1:]})
        return
    for line in lines:
        say(line)


def _test(cases: Path, as_of: str | None, *, json: bool) -> None:
    from graphrec.app.jobs import CheckCases

    found = bank().check_cases(CheckCases(cases, as_of))
    failed = [one for one in found if not one.is_as_expected]
    if json:
        emit_json({"cases": len(found), "failed": failed})
    elif failed:
        rows = [[str(one.case.line), one.case.customer, one.case.product, _wanted(one), _said(one)] for one in failed]
        table(["line", "customer", "product", "expected", "found"], rows, right=["line"])
    if failed:
        raise PolicyError(
            f"{cases}: {len(failed)} of {len(found)} cases are not as expected; correct the policy, or the cases"
        )
    if not json:
        say(f"{len(found)} cases are as expected")


def _wanted(one: "CaseResult") -> str:
    return f"{one.case.expected} {one.case.rule or ''}".rstrip()


def _said(one: "CaseResult") -> str:
    return " ".join((one.found, *one.rules))


def _diff(old: Path, new: Path, as_of: str | None, *, json: bool) -> None:
    from graphrec.app.jobs import DiffPolicies

    found = bank().diff_policies(DiffPolicies(old, new, as_of))
    if json:
        emit_json(found)
        return
    for what, count, rules in (
        ("newly allowed", found.newly_allowed, found.allowed_by_rule),
        ("newly refused", found.newly_refused, found.refused_by_rule),
    ):
        by_rule = ", ".join(f"{rule} {number:,}" for rule, number in rules.items())
        which = "refused before by" if what == "newly allowed" else "refused now by"
        say(f"{count:,} of {found.pairs:,} pairs are {what}{f' ({which} {by_rule})' if by_rule else ''}")
    if found.examples:
        say(f"{found.users_newly_allowed:,} users may be shown more, such as:")
        table(["user", "product"], [list(pair) for pair in found.examples])


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
    for lead, texts in (("does nothing", found.idle), ("warning", found.warnings), ("remark", found.remarks)):
        for text in texts:
            say(f"{lead}: {text}")


def _init(request: InitPolicy, *, json: bool) -> None:
    written = bank().init_policy(request)
    if json:
        emit_json(written)
        return
    language = language_of(request.language or bank().settings.language, bank().home.languages)
    rules, path = language.text("lists.comma").join(written.rules), str(written.path)
    if len(written.rules) == 1:
        say(language.say("first.written_one", path=path, rules=rules))
    else:
        say(language.say("first.written", path=path, n=str(len(written.rules)), rules=rules))
    if written.left_out:
        say(language.text("first.missing"))
    for text in written.left_out:
        say(f"  {text}")
    for text in written.doubts:
        say(language.say("first.decide", text=text))
    note(language.text("first.next"))
