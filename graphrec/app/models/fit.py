"""Models fitted, searched and measured."""

from collections.abc import Sequence
from dataclasses import replace

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.data.prepare import latest_snapshot
from graphrec.app.jobs import Evaluate, EvaluateDates, EvaluateNew, EvaluateProfit, Train, Tune, TuneEncoder
from graphrec.app.models import in_force
from graphrec.app.models.live import keep_live, pass_gate
from graphrec.app.results import Evaluated, TunedModels
from graphrec.errors import NotApproved, UsageError
from graphrec.evaluation.cold.evaluate import ColdStart
from graphrec.evaluation.profit import ProfitCurve
from graphrec.evaluation.rolling import Rolling
from graphrec.features.blocks import Sources
from graphrec.features.registry import sources_of
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.models.inputs import Inputs
from graphrec.models.registry import models
from graphrec.progress import Progress
from graphrec.terms.folder import latest, newest, read_meta
from graphrec.terms.live import read_live
from graphrec.training.encoder import TunedEncoder
from graphrec.training.job import TrainReport

REPORTED_USERS = 200
"""Users whose explanations a report evaluates unless the request says otherwise: seconds."""


def train(bank: Bank, request: Train, progress: Progress) -> TrainReport:
    """A model fitted on the latest snapshot."""
    from graphrec.app.models.shards import working
    from graphrec.training.fit import TrainOptions
    from graphrec.training.fit import train as fit
    from graphrec.training.overrides import read_overrides

    bank.home.need_vault("graphrec train")
    home = bank.home_at(request.as_of)
    spec = models().get(request.model)  # None: a blend
    is_counted = spec is not None and spec.is_counted
    is_fixed = request.fixed or is_counted
    options = TrainOptions(
        model=request.model,
        fixed=is_fixed,
        final=request.final,
        seed=bank.settings.seed if request.seed is None else request.seed,
        use_protected=request.use_protected,
        path_share=request.path_share,
        overrides=read_overrides(request.overrides),
        device=request.device,
        thorough=request.thorough,
    )
    snapshot = latest_snapshot(bank, home, progress)
    needed = () if spec is None else tuple(dict.fromkeys(name for name, _ in spec.needs))
    blocks = needed if is_counted else () if is_fixed else request.blocks
    sources = _sources(bank, blocks, progress)
    if request.as_of is None:
        keep_live(bank)
    with log.stage("train", model=request.model, final=request.final, fixed=request.fixed) as stage:
        with working(request.on, request.workers):
            done = fit(snapshot, home.prepare(), options, sources=sources, log_dir=request.log_dir, progress=progress)
        stage.count(is_new=done.is_new, users=snapshot.count(snapshot.schema.roles.user))
    live = read_live(home)
    if done.is_new and request.final and (promoted := live.model) and not live.is_gated:
        bank.on_note(f"note: {promoted} stays live, as it was promoted; graphrec models promote {done.path.name}")
    in_force.observe(home)
    if request.as_of is None and request.final:
        done = _gated(bank, done, progress)
    if done.is_new and spec is not None:
        config = spec.configure(done.configuration.terms.get(spec.name, {}), Inputs())
        if (warning := spec.warning(config)) is not None:
            bank.on_note(f"note: {warning}")
    return done


def _gated(bank: Bank, done: TrainReport, progress: Progress) -> TrainReport:
    """What a training says where the mappings have bounds for what is live; the model that was live stays otherwise."""
    is_live = done.hash == read_meta(latest(bank.home)).hash and read_live(bank.home).model is not None
    if is_live or newest(bank.home).name != done.path.name:
        return done
    try:
        passed = pass_gate(bank, done.path.name, progress)
    except NotApproved as error:
        live = latest(bank.home)
        is_only = read_live(bank.home).model is None
        stays = f"there is no other model, so {live.name} answers" if is_only else f"{live.name} stays live"
        bank.on_note(f"note: {stays}: {error}")
        return replace(done, unkept=f"{stays}: {error}")
    return done if passed is None else replace(done, notes=(*done.notes, f"{passed.live} keeps the bounds and is live"))


def _sources(bank: Bank, names: Sequence[str], progress: Progress) -> Sources:
    """The sources of feature blocks of the home by their names."""
    return sources_of(names, bank.home, bank.settings.encoder, progress=progress)


def tune(bank: Bank, request: Tune, progress: Progress) -> TunedModels:
    """Configurations of a model, searched on the validation part."""
    from graphrec.training.overrides import read_overrides
    from graphrec.training.tune import TuneOptions
    from graphrec.training.tune import tune as search

    bank.home.need_vault("graphrec tune")
    home = bank.home_at(request.as_of)
    options = TuneOptions(
        model=request.model,
        trials=request.trials,
        timeout=request.timeout,
        seed=bank.settings.seed if request.seed is None else request.seed,
        use_protected=request.use_protected,
        overrides=read_overrides(request.overrides),
    )
    snapshot = latest_snapshot(bank, home, progress)
    sources = _sources(bank, request.blocks, progress)
    with log.stage("tune", model=request.model) as stage:
        found = search(snapshot, home.prepare(), options, sources=sources, progress=progress)
        stage.count(trials=sum(one.trials for one in found), new=sum(one.new for one in found))
    return TunedModels(tuple(found), snapshot.hash)


def tune_encoder(bank: Bank, request: TuneEncoder, progress: Progress) -> TunedEncoder:
    """An encoder that learns from what customers of the latest snapshot hold together, in a folder of its own."""
    from graphrec.training.encoder import EncoderOptions
    from graphrec.training.encoder import tune_encoder as learn

    bank.home.need_vault("graphrec tune-encoder")
    seed = bank.settings.seed if request.seed is None else request.seed
    options = EncoderOptions(request.encoder or bank.settings.encoder, request.epochs, request.rank, seed)
    snapshot = latest_snapshot(bank, bank.home, progress)
    with log.stage("tune-encoder") as stage:
        found = learn(snapshot, request.out, options, progress=progress)
        stage.count(products=found.products, epochs=len(found.epochs), best=found.best)
    return found


def evaluate(bank: Bank, request: Evaluate, progress: Progress) -> Evaluated:
    """A tested model on the hidden part; the page is written where one is asked for."""
    from graphrec.evaluation.details import Wanted
    from graphrec.evaluation.evaluate import evaluate as measure

    home = bank.home_at(request.as_of)
    folder = latest(home, request.model, prefer_final=False)
    meta = read_meta(folder)
    snapshot = SnapshotShelf(home.snapshots).of_hash(meta.snapshot)
    wanted = None
    if request.report is not None or request.explain_users or request.ablation:
        # A refit reads the feature blocks that the model read.
        names = meta.block_names if request.ablation else ()
        users = REPORTED_USERS if request.explain_users is None else request.explain_users
        wanted = Wanted(
            users, ablation=request.ablation, sources=_sources(bank, names, progress),
            min_confidence=bank.settings.min_confidence,
        )  # fmt: skip
    with log.stage("evaluate", model=folder.name) as stage:
        done = measure(
            snapshot, folder, ks=request.ks, baselines=request.baselines, seed=bank.settings.seed, home=home,
            wanted=wanted, progress=progress,
        )  # fmt: skip
        stage.count(users=int(done.split.users))
    if request.report is not None:
        from graphrec.evaluation.report.words import people
        from graphrec.evaluation.report.write import write_report

        write_report(done, folder, request.report, users=people(snapshot.schema.roles.user))
    return Evaluated(done, request.report)


def evaluate_new(bank: Bank, request: EvaluateNew, progress: Progress) -> ColdStart:
    """New products or new customers on the latest snapshot."""
    from graphrec.evaluation.cold.evaluate import evaluate_cold

    snapshot = latest_snapshot(bank, bank.home_at(request.as_of), progress)
    sources = _sources(bank, ("text",), progress)
    with log.stage("evaluate new", side=request.side, model=request.model) as stage:
        done = evaluate_cold(
            snapshot, request.side, kind=request.model, ks=request.ks, sources=sources, seed=bank.settings.seed,
            progress=progress,
        )  # fmt: skip
        stage.count(users=done.users, held_out=done.held_out)
    return done


def evaluate_dates(bank: Bank, request: EvaluateDates, progress: Progress) -> Rolling:
    """A protocol of rolling dates on the files of its mapping."""
    from graphrec.evaluation.rolling import Prices, check_protocol, evaluate_rolling
    from graphrec.graph.folders.build import write_snapshot
    from graphrec.graph.memory import MemorySink
    from graphrec.loading import load_mapping, run_load
    from graphrec.loading.sources.database import scratch_folder

    check_protocol(request.protocol)
    with log.stage("evaluate dates", protocol=request.protocol) as stage, scratch_folder(bank.home.spare()) as folder:
        sink = MemorySink()
        run_load(
            load_mapping(request.protocol),
            request.data,
            sink,
            scratch=folder,
            sql_seconds=bank.settings.sql_seconds,
        )
        snapshot = write_snapshot(folder / "snapshot", sink.schema, sink.nodes, sink.edges, sink.series, {})
        prices = Prices.of(sink.series["price"], list(snapshot.nodes(sink.schema.roles.product).ids))
        done = evaluate_rolling(
            snapshot, prices, request.protocol, kind=request.model, sources=_sources(bank, ("text",), progress),
            seed=bank.settings.seed, progress=progress,
        )  # fmt: skip
        stage.count(dates=len(done.dates))
    return done


def evaluate_profit(bank: Bank, request: EvaluateProfit, progress: Progress) -> ProfitCurve:
    """nDCG beside monthly return of the tested model's lists, by the weight of the profit term."""
    from graphrec.config.market import MARKET_FILE, read_market
    from graphrec.evaluation.profit import profit_curve
    from graphrec.features.sources.portfolio import prices_of, stood_in

    home = bank.home
    home.need_vault("graphrec evaluate --profit")
    meta = read_meta(latest(home, None, prefer_final=False))
    snapshot, file = SnapshotShelf(home.snapshots).of_hash(meta.snapshot), read_market(home.path / MARKET_FILE)
    product = snapshot.schema.roles.product
    rule = snapshot.schema.series.get(file.series)
    if rule is None or rule.of != product:
        raise UsageError(
            f"there is no series {file.series} of {product}, and returns are of prices; bring one by "
            "[series.NAME] of the mapping (docs/mappings.md), load it, name it by: graphrec market --init"
        )
    with log.stage("evaluate profit", model=meta.kind) as stage:
        prices = prices_of(home.series, rule, file.value_of(rule), progress=progress)
        prices = stood_in(prices, snapshot, file, list(snapshot.nodes(product).ids))
        done = profit_curve(
            snapshot, meta, prices, _sources(bank, meta.block_names, progress), learner=request.learner,
            seed=bank.settings.seed, progress=progress,
        )  # fmt: skip
        stage.count(dates=done.dates, lists=done.lists)
    return done
