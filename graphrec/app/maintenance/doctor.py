"""The checks of doctor: each looks at one thing and never fails itself."""

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

WANTED_FREE_GB = 2.0
"""A store, snapshots and models of a mid-sized bank fit into this."""


_EXTRAS = {"torch": "train", "encoder": "text", "store": "embedded"}


def run_checks(open_bank: Callable[[], Bank], *, deep: bool = False) -> Health:
    """All findings, in the order in which one would mend them.

    Args:
        open_bank: gives the bank; what it raises becomes a finding.
        deep: read all rows of the store too, and ask its engine for its own check.
    """
    looks: dict[str, Callable[[Callable[[], Bank]], Check]] = {
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
    return Health(tuple(_guarded(open_bank, name, look) for name, look in looks.items()))


def _guarded(open_bank: Callable[[], Bank], name: str, look: Callable[[Callable[[], Bank]], Check]) -> Check:
    try:
        return look(open_bank)
    except ModuleNotFoundError as error:
        # A bare installation answers; each of these is an extra.
        return Check(
            name, True, f"{error.name} is not installed", f"pip install 'graphrec[{_EXTRAS.get(name, 'all')}]'"
        )
    except (GraphrecError, ImportError, OSError) as error:
        detail, _, advice = str(error).partition("; ")
        return Check(name, False, detail, advice or None)


def _python(_open: Callable[[], Bank]) -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 14)
    return Check("python", ok, f"{found} on {sys.platform}", None if ok else "use Python 3.11 to 3.14")


def _packages(_open: Callable[[], Bank]) -> Check:
    missing = []
    for line in metadata.requires("graphrec") or []:
        requirement, _, marker = line.partition(";")
        name = requirement.split("=")[0].split(">")[0].split("<")[0].strip()
        if "extra" not in marker and not _is_installed(name):
            missing.append(name)
    detail = f"graphrec {__version__}, " + (f"without {', '.join(missing)}" if missing else "all packages installed")
    return Check("packages", not missing, detail, "make install" if missing else None)


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _settings(open_bank: Callable[[], Bank]) -> Check:
    settings = open_bank().settings
    return Check("settings", True, f"from {settings.file or 'defaults and environment'}, seed {settings.seed}")


def _home(open_bank: Callable[[], Bank]) -> Check:
    home = open_bank().home
    if not home.format_file.exists():
        return Check("home", True, f"{home.path} is not there yet", "graphrec demo --run, or graphrec load")
    others = list(wider(home.path))
    if others:
        detail = f"{others[0][0]} and {len(others) - 1:,} more may be read by others" if len(others) > 1 else (
            f"{others[0][0]} may be read by others"
        )  # fmt: skip
        return Check("home", False, detail, "graphrec upgrade")
    return Check("home", True, f"{home.path}, format of this graphrec, for its owner alone")


def _snapshots(open_bank: Callable[[], Bank]) -> Check:
    from graphrec.app.maintenance.retention import why_kept

    kept = why_kept(open_bank().home)
    shown = "; ".join(f"{one.name} ({', '.join(one.reasons) or 'goes with the next one'})" for one in kept)
    return Check("snapshots", True, shown or "none yet")


def _disk(open_bank: Callable[[], Bank]) -> Check:
    folder = Path(open_bank().settings.home).resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    ok = free >= WANTED_FREE_GB
    return Check("disk", ok, f"{free:.1f} GB free", None if ok else f"want {WANTED_FREE_GB:.0f} GB free for the home")


def _torch(_open: Callable[[], Bank]) -> Check:
    from graphrec.features.device import choose_device

    device = choose_device()
    return Check("torch", True, f"{metadata.version('torch')} on {device.name}: {device.reason}")


def _encoder(open_bank: Callable[[], Bank]) -> Check:
    from graphrec.features.sources.text.source import encoder_named

    encoder = encoder_named(open_bank().settings.encoder)
    return Check("encoder", True, f"{encoder.name}, {encoder.dim} numbers a text, {encoder.identity[:8]}")


def _store(open_bank: Callable[[], Bank], *, deep: bool) -> Check:
    from graphrec.store import open_store
    from graphrec.store.checks.check import check

    settings = open_bank().settings
    if "://" not in open_bank().store and not Path(open_bank().store).exists():
        return Check("store", True, "embedded, nothing loaded yet", "graphrec load MAPPING --data DIR")
    with open_store(settings.store, open_bank().home.store, settings.login) as store:
        info = store.info()
        wrong = check(store, deep=deep)
    if wrong:
        detail, _, advice = wrong[0].partition("; ")
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Check("store", False, detail + more, advice or "graphrec doctor --deep; load the mappings again")
    nodes, edges = sum(info.nodes.values()), sum(info.edges.values())
    return Check("store", True, f"{info.kind} {info.version}: {nodes:,} nodes, {edges:,} edges")


def _facts(open_bank: Callable[[], Bank]) -> Check:
    from graphrec.app.data.facts import behind, is_current
    from graphrec.graph.folders.facts import FactsShelf
    from graphrec.graph.folders.shelf import DIGITS
    from graphrec.store import is_server, open_store

    bank = open_bank()
    shelf = FactsShelf(bank.home.facts)
    if not shelf.has_latest():
        return Check("facts", True, "none yet", "graphrec load MAPPING --data DIR")
    facts = shelf.latest()
    facts.verify()
    last = facts.as_of or facts.meta.last
    detail = f"{facts.hash[:DIGITS]}, {'no event has a time' if last is None else f'until {last[:10]}'}"
    if line := behind(bank.home):
        return Check("facts", False, line.partition(";")[0], "graphrec refresh")
    if is_server(bank.settings.store) or Path(bank.store).exists():
        with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
            if store.sources() and not is_current(bank.home, store):
                return Check("facts", False, f"{detail}: older than the store", "graphrec refresh")
    return Check("facts", True, detail)
