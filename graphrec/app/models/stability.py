"""How much the lists of a model change where nothing should, beside bounds."""

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.jobs import AskStability
from graphrec.app.recording import record_event
from graphrec.app.results import StabilityOf
from graphrec.errors import UsageError
from graphrec.evaluation.stability import Stability, stability
from graphrec.features.registry import sources_of
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.progress import Progress
from graphrec.terms.folder import latest, read_meta


def ask_stability(bank: Bank, request: AskStability, progress: Progress) -> StabilityOf:
    """The stability of a model on its snapshot, and the bounds that it does not keep."""
    if request.k < 1 or request.pushed < 1:
        raise UsageError(f"-k {request.k}, --pushed {request.pushed}: want at least 1 of each")
    if not (0 <= request.lost < 1 and 0 < request.fakes < 1):
        raise UsageError(f"--lost {request.lost:g}, --fakes {request.fakes:g}: want shares between 0 and 1")
    home = bank.home
    folder = latest(home, request.model, prefer_final=False)
    meta = read_meta(folder)
    snapshot = SnapshotShelf(home.snapshots).of_hash(meta.snapshot)
    sources = sources_of(meta.block_names, home, bank.settings.encoder, progress=progress)
    with log.stage("stability", model=folder.name) as stage:
        found = stability(
            snapshot, folder, sources=sources, k=request.k,
            lost=request.lost, fakes=request.fakes, pushed=request.pushed, seed=bank.settings.seed, progress=progress,
        )  # fmt: skip
        stage.count(customers=found.customers)
    beyond = tuple(_beyond(found, request))
    content = {"did": "stability", "model": folder.name, "k": found.k, "beyond": list(beyond)}
    number, notes = record_event(bank, "stability", content, wanted=request.record)
    return StabilityOf(found, beyond, number, notes)


def _beyond(found: Stability, request: AskStability) -> list[str]:
    beyond = []
    lost = found.after_loss
    if request.min_overlap is not None and lost.overlap.value < request.min_overlap:
        beyond.append(f"{lost.case}: overlap {lost.overlap.value:.3f} is below {request.min_overlap:g}")
    own, plain = found.attacked
    if request.max_damage is not None and own.damage > request.max_damage * max(plain.damage, 0.0):
        beyond.append(
            f"fake customers: damage {own.damage:.3%} is more than {request.max_damage:g} of {plain.damage:.3%}, that "
            "of plain item-kNN"
        )
    return beyond
