"""Fixtures that every room's tests share."""

import gc
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

pytest_plugins = ["tests.served", "tests.neo4j.fixture", "tests.kafka.fixture"]

ROOT = Path(__file__).resolve().parent.parent
# Settings of the person who runs the tests have no say in them, not in fixtures of a whole module either.
for _name in list(os.environ):
    if _name == "COLUMNS" or (_name.startswith("GRAPHREC_") and not _name.startswith("GRAPHREC_TEST_")):
        del os.environ[_name]
#: The date of answers: a day after the events of all banks here, so that answers are the same tomorrow.
os.environ["GRAPHREC_TODAY"] = "2026-01-02"
#: GRAPHREC_TEST_ENGINE=jvm runs the tests on the other engine of the embedded store.
if os.environ.get("GRAPHREC_TEST_ENGINE"):
    os.environ["GRAPHREC_ENGINE"] = os.environ["GRAPHREC_TEST_ENGINE"]
#: One thread per library: tests run beside each other, and sums come out in one order.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("MPLBACKEND", "agg")
# Bytecode is kept, whatever the image says: asserts are rewritten once, and commands in processes start sooner.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Nothing that is imported while tests are collected ever goes: looking for it is for nothing.
gc.disable()
# A shell starts background jobs with Ctrl-C ignored, and what is ignored stays so in children: tests that interrupt
# something would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


#: Fixtures that take long to make: a broker, a wheel, an installation.
_LONG = {"kafka_broker", "wheel", "bare"}
#: Seconds of processor above which a test is slow and has the mark.
SLOW_SECONDS = 0.5


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs Neo4j or a long preparation; a process beside others begins with the files that take long."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        given = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "neo4j_login" in fixtures or any(isinstance(one, str) and one == "neo4j" for one in given):
            item.add_marker(pytest.mark.neo4j)
        if _LONG.intersection(fixtures):
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        first = {item.path for item in items if any(item.iter_markers("neo4j"))}
        long = Counter(item.path for item in items if any(item.iter_markers("slow")))
        items.sort(key=lambda item: (item.path not in first, -long[item.path]))


def pytest_collection_finish() -> None:
    """From now on garbage is looked for among what tests make, and not so often: a twelfth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Where several processes run the tests, those of a file stay together, since they share what its fixtures made.

    So do all that speak of Neo4j: the first starts the only server of the session; and all of the package, which is
    built once. Files are begun in the order of the collection, not by their number of tests.
    """
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            if file.startswith("tests/package/"):
                return "package"
            return "neo4j" if _speaks_of_neo4j(ROOT / file) else file

    return ByFile(config, log)


@cache
def _speaks_of_neo4j(file: Path) -> bool:
    near = [one for one in (file, file.with_name("conftest.py")) if one.is_file() and one.parent != ROOT / "tests"]
    return any("neo4j_" in one.read_text(encoding="utf-8") for one in near)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure the seconds of processor of a test, with those of its processes: they do not depend on other work."""
    before = sum(os.times()[:4])
    try:
        return (yield)
    finally:
        item.user_properties.append(("processor", sum(os.times()[:4]) - before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count at the end what was skipped, and why: in CI only tests of real data may be. Name what is newly slow."""
    is_quick = "not slow" in terminalreporter.config.option.markexpr
    reports = terminalreporter.stats.get("passed", []) if is_quick else []
    seconds = {one.nodeid: dict(one.user_properties).get("processor", 0.0) for one in reports}
    # Twice the bound: a machine with other work takes more processor for the same.
    above = sorted((one for one in seconds if seconds[one] > 2 * SLOW_SECONDS), key=lambda one: -seconds[one])
    if above:
        terminalreporter.section("slow tests in the quick loop: quicken them, or mark them: @pytest.mark.slow")
    for nodeid in above[:20]:
        terminalreporter.line(f"{seconds[nodeid]:.1f} s of processor: {nodeid}")
    skipped = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    if skipped:
        terminalreporter.section("skipped tests")
    for reason, count in skipped.most_common():
        terminalreporter.line(f"{count} x {reason.removeprefix('Skipped: ')}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A skip in CI that is not for want of real data fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return
    reasons = [str(report.longrepr[2]) for report in reporter.stats.get("skipped", [])]
    if any("../shared/data" not in reason for reason in reasons):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed is as wide as for a file, whatever runs the tests."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def no_log_goes_on() -> Iterator[None]:
    """A command of one test sets up a log; what later tests do is not appended to it."""
    yield
    log = logging.getLogger("graphrec")
    log.handlers, log.propagate = [logging.NullHandler()], True
    log.setLevel(logging.NOTSET)


@pytest.fixture
def no_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of the test go without a policy."""
    monkeypatch.setenv("GRAPHREC_POLICY", "none")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Callable[[str], Path]:
    """A function from the name of a real data set to its folder; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        folder = ROOT.parent / "shared" / "data" / name
        if not folder.is_dir():
            pytest.skip(f"skipped: ../shared/data/{name} is not there")
        return folder

    return find
