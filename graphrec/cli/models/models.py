"""graphrec models: which model answers, promote another one, roll back; who validated and approved it; its card."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import Json, NoRecord
from graphrec.cli.output import emit_json, note, progress, say, say_block, table
from graphrec.errors import LimitPassed, UsageError

Action = Literal[
    "list", "promote", "rollback", "follow", "check", "track", "validate", "approve", "retire", "card", "compare",
    "live",
]  # fmt: skip
JUDGED = ("validate", "approve", "retire")
NAMED = (*JUDGED, "promote", "check", "track", "compare", "live")


def command(
    action: Annotated[
        Action,
        typer.Argument(
            help="list; promote NAME, rollback, or follow: the newest model is live again; check NAME; track NAME; "
            "validate, approve or retire NAME; card [NAME]; compare CHALLENGER [CHAMPION]; live DATE."
        ),
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="The model, as the list names it; live: a date.")] = None,
    other: Annotated[str | None, typer.Argument(help="compare: the champion (default: the live model).")] = None,
    k: Annotated[int, typer.Option("-k", help="compare: length of lists.")] = 10,
    customers: Annotated[int, typer.Option(help="compare: customers drawn at random; 0: all.")] = 1000,
    reason: Annotated[str | None, typer.Option(help="validate, approve, retire, promote --force: why.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="promote: although a bound of the mapping's [live] is not kept.")
    ] = False,
    to: Annotated[
        str | None, typer.Option(help="track: address of an MLflow server (default: MLFLOW_TRACKING_URI).")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who does it (default: actor of the settings).")] = None,
    out: Annotated[Path | None, typer.Option(help="card: a new .md or .html file.")] = None,
    verify: Annotated[
        Path | None, typer.Option(help="card: whether this file of --out is as it was written and signed.")
    ] = None,
    no_record: NoRecord = False,
    json: Json = False,
) -> None:
    """List the models of the home, and say which one answers by default: the one that is live.

    The newest model is live until one is promoted. A promoted model stays live whatever is trained after it, and
    `rollback` goes back to what was live before it; without a promotion, to what the last training replaced. A running
    service takes the change with its next answer.

    A model is a draft until somebody validates it, somebody else approves it, and, in the end, it is retired; with
    `require_approval` in graphrec.toml only an approved one is made live. `card` prints what it is, what it was fitted
    on, how good it is, its limits and who approved it.

    Where the mapping has a table `[live]`, a model is made live only if it keeps the bounds there, by `promote` and by
    the training that would replace the live one; `check` prints every bound beside the figure. `--force` with a reason
    promotes all the same, and the record says so.

    `track` sends a model's card, settings, metrics and hashes to an MLflow server, as a run and a registered version.

    `compare` makes the lists of a challenger and of a champion for the same customers: how alike they are, which
    products each of them shows more, and, for two tested models, metrics with a paired test. `live` tells which model
    was live on a date, and which answered.

    Examples: graphrec models compare ease-test blend-test; graphrec models promote blend-final; graphrec models live
    """
    _check(action, name, reason, out, force=force)
    _check_others(action, other, to, verify)
    if action == "list":
        _list(json=json)
    elif action == "card":
        _card(name, out, verify, json=json)
    elif action == "compare":
        _compare(name or "", other, k, customers, record=not no_record, json=json)
    elif action == "live":
        _live(name or "", json=json)
    elif action == "track":
        _track(name or "", to, record=not no_record, json=json)
    elif action == "check":
        _bounds(name or "", record=not no_record, json=json)
    elif action == "validate" or action == "approve" or action == "retire":
        _judge(action, name or "", reason or "", by, record=not no_record, json=json)
    else:
        from graphrec.app.requests import SwitchModel

        asked = SwitchModel(action, name, by, record=not no_record, force=force, reason=reason, measure=True)
        with progress(json=json) as report:
            done = bank().switch_model(asked, progress=report)
        if json:
            emit_json(done)
            return
        for text in done.notes:
            note(f"note: {text}")
        say(f"{done.live} is live; before: {done.before}")


def _check_others(action: Action, other: str | None, to: str | None, verify: Path | None) -> None:
    if verify is not None and action != "card":
        raise UsageError(f"graphrec models {action} takes no --verify; card does")
    if to is not None and action != "track":
        raise UsageError(f"graphrec models {action} takes no --to; track does")
    if other is not None and action != "compare":
        raise UsageError(f"graphrec models {action} takes one name; compare takes two")


def _check(action: Action, name: str | None, reason: str | None, out: Path | None, *, force: bool) -> None:
    if action in NAMED and name is None:
        raise UsageError(f"graphrec models {action} wants {'a DATE' if action == 'live' else 'the NAME of a model'}")
    if action not in (*NAMED, "card") and name is not None:
        raise UsageError(f"graphrec models {action} takes no NAME")
    if force and action != "promote":
        raise UsageError(f"graphrec models {action} takes no --force; promote does")
    if (action in JUDGED or force) != (reason is not None):
        raise UsageError(
            f"graphrec models {action}{' --force' if force else ''} wants a reason: --reason TEXT"
            if reason is None
            else f"graphrec models {action} takes no --reason; validate, approve, retire and promote --force do"
        )
    if out is not None and (action != "card" or out.suffix not in (".md", ".html")):
        raise UsageError(f"--out {out}: graphrec models card writes .md and .html files; no other action writes one")


def _track(name: str, to: str | None, *, record: bool, json: bool) -> None:
    from graphrec.app.jobs import TrackModel

    done = bank().track_model(TrackModel(name, to, record))
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    new = "" if done.is_new else ", which was there"
    say(f"{done.model}: run {done.run}{new}, version {done.version} of {done.registered}, {done.alias}; {done.server}")


def _bounds(name: str, *, record: bool, json: bool) -> None:
    from graphrec.app.jobs import CheckModel

    with progress(json=json) as report:
        done = bank().check_model(CheckModel(name, record), progress=report)
    if json:
        emit_json(done)
    else:
        for text in done.notes:
            note(f"note: {text}")
        if not done.bounds:
            say("the mapping has no [live]: nothing is asked of a model that is made live (docs/mappings.md)")
        else:
            rows = [[one.name, f"{one.bound:g}", "–" if one.value is None else f"{one.value:.4g}",
                     "kept" if one.kept else "not kept", one.about] for one in done.bounds]  # fmt: skip
            table(["bound", "asked", "measured", "state", "of"], rows, right=["asked", "measured"])
    if unkept := [one for one in done.bounds if not one.kept]:
        raise LimitPassed(f"{len(unkept)} bounds of [live] are not kept, first {unkept[0].said}")


def _judge(
    action: Literal["validate", "approve", "retire"],
    name: str,
    reason: str,
    by: str | None,
    *,
    record: bool,
    json: bool,
) -> None:
    from graphrec.app.requests import SetStanding

    done = bank().set_standing(SetStanding(action, name, reason, by, record))
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    say(f"{done.step.model} is {done.step.standing} by {done.step.by}; before: {done.before}")


def _card(name: str | None, out: Path | None, verify: Path | None, *, json: bool) -> None:
    if verify is not None:
        _check_card(verify, json=json)
        return
    from graphrec.app.requests import AskModelCard

    card = bank().model_card(AskModelCard(name))
    if out is not None:
        from graphrec.files import whole_file

        with whole_file(out) as temporary:
            text = card.html if out.suffix == ".html" else card.markdown
            temporary.write_text(bank().sealed_card(card, text), "utf-8")
        note(f"card: {out}")
    if json:
        emit_json(card)
    elif out is None:
        say_block(card.markdown.rstrip("\n"))


def _check_card(file: Path, *, json: bool) -> None:
    from graphrec.app.models.card import check_sealed

    signed = check_sealed(file)
    if json:
        emit_json(signed)
    else:
        say(f"{file} is the card of {signed['model']} as it was written at {signed['at']}; key {signed['public_key']}")


def _compare(challenger: str, champion: str | None, k: int, customers: int, *, record: bool, json: bool) -> None:
    from graphrec.app.jobs import CompareModels

    request = CompareModels(challenger, champion, k, customers, record=record)
    with progress(json=json) as report:
        done = bank().compare_models(request, progress=report)
    if json:
        emit_json(done)
        return
    for text in done.notes:
        note(f"note: {text}")
    say(f"{done.challenger} beside {done.champion}: lists of {done.k} of {done.customers:,} customers")
    found = done.overlap
    say(f"overlap {found.value:.4f} [{found.low:.4f}, {found.high:.4f}], the same lists {done.same:.1%}")
    sure = ["–" if one is None else f"{one:.3f}" for one in done.confidence]
    rows = [[done.champion, f"{done.empty[0]:,}", sure[0]], [done.challenger, f"{done.empty[1]:,}", sure[1]]]
    say()
    table(["model", "without list", "mean confidence"], rows, right=["without list", "mean confidence"])
    heads = [done.champion, done.challenger]
    if done.gained:
        say()
        table(
            ["product", "name", *heads, "more"],
            [[one.product, one.name, f"{one.champion:,}", f"{one.challenger:,}", f"{one.challenger - one.champion:+,}"]
             for one in done.gained],
            right=[*heads, "more"], optional=["name"], title="customers in whose list a product is",
        )  # fmt: skip
    if done.differences:
        say()
        told = [
            [one.metric, f"{one.champion.value:.4f}", f"{one.challenger.value:.4f}",
             f"{one.challenger.value - one.champion.value:+.4f}", f"{one.p:.4f}"]
            for one in done.differences
        ]  # fmt: skip
        table(["metric", *heads, "difference", "p"], told, right=[*heads, "difference", "p"])


def _live(date: str, *, json: bool) -> None:
    found = bank().live_then(date)
    if json:
        emit_json(found)
        return
    by = f" by {found.by}" if found.by else ""
    since = f", since {found.since}{by}" if found.since else ""
    say(f"{found.on}: {found.model or 'a model that is not there any more'} was live ({found.how}{since})")
    for model_hash, lists in found.answered.items():
        say(f"{lists:,} lists of that day in the record are of the model with hash {model_hash[:16]}")


def _list(*, json: bool) -> None:
    models, history = bank().models(), bank().switches()
    if json:
        emit_json({"models": models, "history": history})
        return
    if not models:
        say("there is no model; make one: graphrec train")
        return
    rows = [
        [one.id, one.state, one.standing, one.kind, one.since, one.by, one.hash[:10], one.snapshot[:10]]
        for one in models
    ]
    heads = ["model", "state", "standing", "kind", "since", "by", "hash", "snapshot"]
    table(heads, rows, optional=["by"])
    if history:
        say()
        changes = [[one.at, one.action, one.model or "the newest", one.before, one.by] for one in history]
        table(["at", "action", "live", "before", "by"], changes, optional=["by"])
