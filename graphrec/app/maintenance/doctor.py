"""The checks of doctor: each looks at one thing and never fails itself; what it says is in the home's language."""

import shutil
import sys
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

from graphrec import __version__
from graphrec.app.bank import Bank
from graphrec.app.results import Check, Health
from graphrec.errors import GraphrecError
from graphrec.files import wider
from graphrec.languages import LANGUAGES, Language, language_of

WANTED_FREE_GB = 2.0
"""A store, snapshots and models of a mid-sized bank fit into this."""


_EXTRAS = {"torch": "train", "encoder": "text", "store": "embedded"}


def run_checks(open_bank: Callable[[], Bank], *, deep: bool = False) -> Health:
    """All findings, in the order in which one would mend them.

    Args:
        open_bank: gives the bank; what it raises becomes a finding.
        deep: read all rows of the store too, and ask its engine for its own check.
    """
    looks: dict[str, Callable[[Callable[[], Bank], Language], Check]] = {
        "python": _python,
        "packages": _packages,
        "settings": _settings,
        "home": _home,
        "snapshots": _snapshots,
        "disk": _disk,
        "torch": _torch,
        "encoder": _encoder,
        "store": partial(_store, deep=deep),
        "facts": _facts,
    }
    told = language_here(open_bank)
    return Health(tuple(_guarded(open_bank, name, told, look) for name, look in looks.items()))


def language_here(open_bank: Callable[[], Bank]) -> Language:
    """The language of the settings; English where they cannot be read, which a check says."""
    try:
        bank = open_bank()
        return language_of(bank.settings.language, bank.home.languages)
    except (GraphrecError, OSError):
        return language_of(LANGUAGES[0])


def _guarded(
    open_bank: Callable[[], Bank], name: str, told: Language, look: Callable[[Callable[[], Bank], Language], Check]
) -> Check:
    try:
        return look(open_bank, told)
    except ModuleNotFoundError as error:
        # A bare installation answers; each of these is an extra.
        return Check(
            name,
            True,
            told.say("doctor.not_installed", package=str(error.name)),
            f"pip install 'graphrec[{_EXTRAS.get(name, 'all')}]'",
        )
    except (GraphrecError, ImportError, OSError) as error:
        detail, _, advice = str(error).partition("; ")
        return Check(name, False, detail, advice or None)


def _python(_open: Callable[[], Bank], told: Language) -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 14)
    return Check(
        "python",
        ok,
        told.say("doctor.python", version=found, system=sys.platform),
        None if ok else told.text("doctor.use_python"),
    )


def _packages(_open: Callable[[], Bank], told: Language) -> Check:
    missing = []
    for line in metadata.requires("graphrec") or []:
        requirement, _, marker = line.partition(";")
        name = requirement.split("=")[0].split(">")[0].split("<")[0].strip()
        if "extra" not in marker and not _is_installed(name):
            missing.append(name)
    gone = told.say("doctor.without", packages=told.joined(missing)) if missing else told.text("doctor.all_installed")
    detail = f"graphrec {__version__}{told.texts['lists.comma']}{gone}"
    return Check("packages", not missing, detail, "make install" if missing else None)


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _settings(open_bank: Callable[[], Bank], told: Language) -> Check:
    settings = open_bank().settings
    source = str(settings.file) if settings.file else told.text("doctor.defaults")
    return Check("settings", True, told.say("doctor.settings", source=source, seed=str(settings.seed)))


def _home(open_bank: Callable[[], Bank], told: Language) -> Check:
    home = open_bank().home
    if not home.format_file.exists():
        return Check("home", True, told.say("doctor.no_home", home=str(home.path)), told.text("doctor.begin"))
    others = list(wider(home.path))
    if others:
        key = "doctor.wide_files" if len(others) > 1 else "doctor.wide_file"
        detail = told.say(key, file=str(others[0][0]), n=told.number(len(others) - 1))
        return Check("home", False, detail, "graphrec upgrade")
    return Check("home", True, told.say("doctor.home", home=str(home.path)))


def _snapshots(open_bank: Callable[[], Bank], told: Language) -> Check:
    from graphrec.app.maintenance.retention import why_kept

    kept = why_kept(open_bank().home)
    goes = told.text("doctor.goes")
    shown = "; ".join(f"{one.name} ({', '.join(one.reasons) or goes})" for one in kept)
    return Check("snapshots", True, shown or told.text("doctor.none_yet"))


def _disk(open_bank: Callable[[], Bank], told: Language) -> Check:
    folder = Path(open_bank().settings.home).resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    ok = free >= WANTED_FREE_GB
    want = None if ok else told.say("doctor.want_free", n=told.number(WANTED_FREE_GB))
    return Check("disk", ok, told.say("doctor.free", n=told.number(free, 1)), want)


def _torch(_open: Callable[[], Bank], told: Language) -> Check:
    from graphrec.features.device import choose_device

    device = choose_device()
    return Check(
        "torch",
        True,
        told.say("doctor.torch", version=metadata.version("torch"), device=device.name, why=device.reason),
    )


def _encoder(open_bank: Callable[[], Bank], told: Language) -> Check:
    from graphrec.features.sources.text.source import encoder_named

    encoder = encoder_named(open_bank().settings.encoder)
    return Check(
        "encoder",
        True,
        told.say("doctor.encoder", name=encoder.name, n=told.number(encoder.dim), identity=encoder.identity[:8]),
    )


def _store(open_bank: Callable[[], Bank], told: Language, *, deep: bool) -> Check:
    from graphrec.store import open_store
    from graphrec.store.checks.check import check

    settings = open_bank().settings
    if "://" not in open_bank().store and not Path(open_bank().store).exists():
        return Check("store", True, told.text("doctor.empty_store"), "graphrec load MAPPING --data DIR")
    with open_store(settings.store, open_bank().home.store, settings.login) as store:
        info = store.info()
        wrong = check(store, deep=deep)
    if wrong:
        detail, _, advice = wrong[0].partition("; ")
        more = told.say("doctor.more", n=told.number(len(wrong) - 1)) if len(wrong) > 1 else ""
        return Check("store", False, detail + more, advice or told.text("doctor.deep"))
    nodes, edges = sum(info.nodes.values()), sum(info.edges.values())
    return Check(
        "store",
        True,
        told.say(
            "doctor.store", store=f"{info.kind} {info.version}", nodes=told.number(nodes), edges=told.number(edges)
        ),
    )


def _facts(open_bank: Callable[[], Bank], told: Language) -> Check:
    from graphrec.app.data.facts import behind, is_current
    from graphrec.graph.folders.facts import FactsShelf
    from graphrec.graph.folders.shelf import DIGITS
    from graphrec.store import is_server, open_store

    bank = open_bank()
    shelf = FactsShelf(bank.home.facts)
    if not shelf.has_latest():
        return Check("facts", True, told.text("doctor.none_yet"), "graphrec load MAPPING --data DIR")
    facts = shelf.latest()
    facts.verify()
    last = facts.as_of or facts.meta.last
    until = told.text("doctor.undated") if last is None else told.say("doctor.until", date=last[:10])
    detail = f"{facts.hash[:DIGITS]}{told.texts['lists.comma']}{until}"
    if line := behind(bank.home):
        return Check("facts", False, line.partition(";")[0], "graphrec refresh")
    if is_server(bank.settings.store) or Path(bank.store).exists():
        with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
            if store.sources() and not is_current(bank.home, store):
                return Check("facts", False, told.say("doctor.older", facts=detail), "graphrec refresh")
    return Check("facts", True, detail)
