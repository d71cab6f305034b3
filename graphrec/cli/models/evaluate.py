"""graphrec evaluate: a model on the hidden part, next to baselines."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from graphrec.cli.invocation import bank
from graphrec.cli.options import AsOf, Json, parse_lengths, parse_names
from graphrec.cli.output import emit_json, note, progress, say, say_wrapped, table
from graphrec.errors import UsageError

if TYPE_CHECKING:
    from graphrec.evaluation.cold.evaluate import ColdStart
    from graphrec.evaluation.evaluate import Evaluation
    from graphrec.evaluation.profit import ProfitCurve
    from graphrec.evaluation.rolling import Rolling
    from graphrec.metrics.intervals import Interval

BASELINES = "popularity,itemknn"
FEW_SHOWN = ("recall", "ndcg")
SHOWN = ("recall", "ndcg", "precision", "hit_rate", "mrr", "coverage", "novelty")

LOOKED_FOR = {
    "new": "new ones, ranked among the new ones",
    "all": "everything hidden, ranked among all products",
    "all: new": "of these lists: the new products",
    "all: known": "of these lists: the known products",
}


def command(
    k: Annotated[str, typer.Option("-k", "--k", help="Lengths of the list, such as 1,3,10,20.")] = "1,3,10,20",
    baselines: Annotated[
        str, typer.Option(help="Kinds of model with commas between them, or none; tuned on validation as ours is.")
    ] = BASELINES,
    model: Annotated[str | None, typer.Option(help="Kind of model (default: the blend).")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page to FILE.html: metrics, segments, explanations, plots.")
    ] = None,
    explain_users: Annotated[
        int | None,
        typer.Option(
            min=0, help="Sampled users whose explanations are evaluated [default: 200 with --report, else 0]."
        ),
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Refit without, and with shuffled, attributes and product knowledge.")
    ] = False,
    cold: Annotated[
        Literal["items", "users"] | None,
        typer.Option(help="Hide a tenth of them whole, fit, and evaluate the new ones."),
    ] = None,
    rolling: Annotated[
        str | None, typer.Option(help="far-trans: its 61 dates, nDCG@10 and monthly ROI@10, from the files in --data.")
    ] = None,
    profit: Annotated[
        Literal["ridge", "boosting"] | None,
        typer.Option(help="nDCG and monthly return on rolling dates of your prices, by the profit term's weight."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files that --rolling reads.")] = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """Measure a tested model on the test part, which neither fit nor choice has seen.

    Every product that the user does not hold is ranked; a user without a list counts 0. The intervals hold 95 % of
    bootstrap samples of users. `--report` measures much more and draws it on one page that needs nothing but itself;
    `--json` then prints that too, under `details`.

    Examples: graphrec evaluate -k 5,10; graphrec evaluate --report report.html; graphrec evaluate --profit ridge
    """
    mode = "--cold" if cold else "--rolling" if rolling else "--profit" if profit else None
    if mode:
        others = {"--rolling": cold and rolling, "--profit": (cold or rolling) and profit,
                  "--as-of": not cold and as_of, "--model": profit and model, "--report": report is not None,
                  "--ablation": ablation, "--explain-users": explain_users is not None,
                  "--baselines": baselines != BASELINES}  # fmt: skip
        _refuse_with(mode, others)
    if cold:
        _evaluate_new(cold, k, model or "blend", as_of, json=json)
    elif rolling:
        _evaluate_dates(rolling, data, model or "blend", json=json)
    elif profit:
        _evaluate_profit(profit, json=json)
    else:
        from graphrec.app.jobs import Evaluate

        request = Evaluate(parse_lengths(k), parse_names(baselines), model, report, explain_users, ablation, as_of)
        with progress(json=json) as tell:
            done = bank().evaluate(request, progress=tell)
        if done.report is not None:
            note(f"report: {done.report}")
        if json:
            emit_json(done.evaluation)
        else:
            _print(done.evaluation)


def _refuse_with(mode: str, others: Mapping[str, object]) -> None:
    """Raise for options that do not go with --cold or --rolling."""
    refused = [name for name, is_set in others.items() if is_set]
    if refused:
        raise UsageError(f"{mode} fits models of its own, so that {', '.join(refused)} cannot go with it; leave it out")


def _evaluate_new(side: Literal["items", "users"], k: str, kind: str, as_of: str | None, *, json: bool) -> None:
    from graphrec.app.jobs import EvaluateNew

    with progress(json=json) as report:
        done = bank().evaluate_new(EvaluateNew(side, parse_lengths(k), kind, as_of), progress=report)
    if json:
        emit_json(done)
    else:
        _print_cold(done)


def _evaluate_dates(name: str, data: Path | None, kind: str, *, json: bool) -> None:
    from graphrec.app.jobs import EvaluateDates

    if data is None:
        raise UsageError(f"--rolling {name} reads the files of the data set; name their folder with --data DIR")
    with progress(json=json) as report:
        done = bank().evaluate_dates(EvaluateDates(name, data, kind), progress=report)
    if json:
        emit_json(done)
    else:
        _print_rolling(done)


def _evaluate_profit(learner: Literal["ridge", "boosting"], *, json: bool) -> None:
    from graphrec.app.jobs import EvaluateProfit

    with progress(json=json) as report:
        done = bank().evaluate_profit(EvaluateProfit(learner), progress=report)
    if json:
        emit_json(done)
    else:
        _print_profit(done)


def _print(done: "Evaluation") -> None:
    split = done.split
    for text in (*split.notes, *done.notes):
        note(f"note: {text}")
    rows = []
    for metric in SHOWN:
        for k in done.k:
            name = f"{metric}@{k}"
            if name in done.metrics:
                others = [_cell(found[name]) for found in done.baselines.values()]
                rows.append([name, _cell(done.metrics[name]), *others])
    columns = ["", done.model, *done.baselines]
    title = (
        f"test part: {split.users:,} users, {split.test_interactions:,} interactions; split {split.name} "
        f"{split.hash[:16]}"
    )
    table(columns, rows, title=title, right=columns[1:])
    say(f"full ranking, fitted on {split.fitted}, candidates without {split.masked}; {done.seconds:.1f} s")
    for line in done.verdict:
        say_wrapped(line)


def _cell(found: "Interval") -> str:
    return f"{found.value:.4f} ({found.low:.4f}-{found.high:.4f})"


def _print_cold(done: "ColdStart") -> None:
    say(
        f"{done.held_out:,} {done.side} held out with all their interactions; {done.users:,} users have "
        f"{done.interactions:,} hidden products to find"
    )
    if not done.metrics:
        say("no figures: fewer users than the role min_group have something to find")
    for candidates, models in done.metrics.items():
        names = [f"{metric}@{k}" for metric in FEW_SHOWN for k in done.k]
        rows = []
        for name in names:
            cells = [
                f"{found[name].value:.4f} ({found[name].low:.4f}-{found[name].high:.4f})" for found in models.values()
            ]
            rows.append([name, *cells])
        table(["", *models], rows, title=LOOKED_FOR[candidates], right=list(models))
    say("chosen on validation: " + ", ".join(f"{weight:g} x {name}" for name, weight in done.weights.items()))


def _print_rolling(done: "Rolling") -> None:
    def cells(values: Mapping[str, float]) -> list[str]:
        return [f"{values[model]:.4f}" if model in values else "" for model in done.roi]

    rows = [["nDCG@10", *cells(done.ndcg)], ["monthly ROI@10", *cells(done.roi)]]
    first, last = done.dates[0].date, done.dates[-1].date
    say(f"{done.protocol}: means over {len(done.dates)} dates, {first} to {last}")
    table(["", *done.roi], rows, right=list(done.roi))
    say("chosen before the first date: " + ", ".join(f"{weight:g} x {name}" for name, weight in done.weights.items()))


def _print_profit(done: "ProfitCurve") -> None:
    if done.without:
        note(f"note: {', '.join(done.without)} is left out: a network is not fitted anew for every date")
    if done.left_out:
        note(f"note: {done.left_out} dates are left out: fewer customers than the role min_group")
    say_wrapped(
        f"{done.lists:,} lists of {done.k} on {done.dates} dates, {done.first} to {done.last}; monthly returns of "
        f"the half year after each; learner {done.learner}"
    )
    rows = []
    for one in done.points:
        lost, over = one.ndcg_change, f"{one.over_market:+.2%}"
        rows.append(
            [
                f"{one.weight:g}{' (the model)' if one.weight == done.own else ''}", f"{one.ndcg:.4f}",
                "" if lost is None else f"{lost.low:+.4f} to {lost.high:+.4f}", f"{one.monthly:+.2%}",
                over if one.low is None else f"{over} ({one.low:+.2%} to {one.high:+.2%})",
            ]
        )  # fmt: skip
    rows.append(["market", "", "", f"{done.market:+.2%}", ""])
    rows.append(["chance", f"{done.random_ndcg:.4f}", "", f"{done.random_monthly:+.2%}", ""])
    heads = ["profit.weight", f"nDCG@{done.k}", "against 0, 95 %", "monthly return", "above the market"]
    table(heads, rows, right=heads[1:])
    if done.points[0].low is None:
        say_wrapped(f"{done.dates} dates, whose half years overlap, are too few for intervals of returns.")
    say_wrapped("What prices did is no promise.")
