"""The command line as a whole: start-up, failures, exit codes."""

import errno
import re
import shlex
import signal
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import graphrec
from graphrec import __version__
from graphrec.cli import app
from graphrec.cli.commands import COMMANDS
from graphrec.cli.invocation import bank, current
from graphrec.errors import CheckpointMismatch, GraphrecError, StoreError, UnknownId
from graphrec.home import Home

HEAVY = {"torch", "numpy", "pyarrow", "duckdb", "scipy", "numba", "matplotlib", "networkx", "transformers", "rich"}


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., None]], None]:
    """Puts a function of the test in the place of one command, `probe`."""

    def put(function: Callable[..., None]) -> None:
        module = types.ModuleType("graphrec_probe")
        module.command = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "graphrec_probe", module)
        monkeypatch.setitem(COMMANDS, "probe", ("graphrec_probe", "A probe."))

    return put


def imported_by(*words: str) -> set[str]:
    call = f"try: app({list(words)!r})\nfinally: print(*sys.modules, file=sys.stderr)"
    code = f"import sys\nfrom graphrec.cli import app\n{call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_importtime_of_help_names_no_torch(root: Path) -> None:
    words = [sys.executable, "-X", "importtime", "cli.py", "--help"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in names
    assert not names & HEAVY


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert line.split()[-1] in done.stdout
    names = imported_by("--help")
    assert not {name.partition(".")[0] for name in names} & HEAVY
    assert not {name for name in names if name in {module for module, _ in COMMANDS.values()}}


def test_the_help_of_a_command_imports_that_command_alone() -> None:
    names = imported_by("doctor", "--help")
    assert not {name.partition(".")[0] for name in names} & HEAVY
    assert {name for name in names if name in {module for module, _ in COMMANDS.values()}} == {
        "graphrec.cli.maintenance.doctor"
    }


@pytest.mark.parametrize("name", [*COMMANDS])
def test_every_command_has_a_help_of_its_own(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"], prog_name="graphrec")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: graphrec {name} ")


def test_importing_graphrec_costs_nothing() -> None:
    code = "import sys, graphrec; print(*(name for name in sys.modules if 'graphrec' in name))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in done.stdout.split() if not name.startswith("_")] == ["graphrec"]
    assert graphrec.read_settings.__module__ == "graphrec.config.settings"
    assert set(graphrec.__all__) == set(dir(graphrec))
    assert all(getattr(graphrec, name) for name in graphrec.__all__)
    with pytest.raises(AttributeError, match="module 'graphrec' has no attribute 'recomend'"):
        graphrec.recomend  # noqa: B018


def test_version_and_bare_call() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"graphrec {__version__}\n"
    bare = CliRunner().invoke(app, [])
    assert bare.exit_code == 0
    assert bare.stdout == CliRunner().invoke(app, ["--help"]).stdout


def test_the_shim_in_the_checkout_is_the_same_program(root: Path) -> None:
    done = subprocess.run([sys.executable, "cli.py", "--version"], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == f"graphrec {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (GraphrecError("it broke"), 1, "error: it broke"),
        (UnknownId("user 'x' is not there; nearest: y"), 3, "error: user 'x' is not there; nearest: y"),
        (StoreError("no answer"), 4, "error: no answer"),
        (CheckpointMismatch("two hashes"), 5, "error: two hashes"),
        (typer.BadParameter("7 is too many"), 2, "error: Invalid value: 7 is too many; see graphrec probe --help"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
        (typer.Abort(), 130, "error: interrupted"),
        (
            KeyError("a\nb"),
            1,
            f"error: unexpected KeyError: 'a\\nb' (graphrec {__version__}); run again with --debug for the traceback",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "scores.csv"),
            3,
            "error: scores.csv: No space left on device; free space or give write access there",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_every_failure_is_one_line_and_its_code(
    probe: Callable[..., None], error: BaseException, code: int, line: str
) -> None:
    def fail() -> None:
        raise error

    probe(fail)
    done = CliRunner().invoke(app, ["probe"])
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", line + "\n")


def test_debug_shows_the_traceback_before_the_line(probe: Callable[..., None]) -> None:
    def fail() -> None:
        raise UnknownId("nobody")

    probe(fail)
    done = CliRunner().invoke(app, ["--debug", "probe"])
    assert done.exit_code == 3
    assert done.stderr.startswith("Traceback (most recent call last):\n")
    assert done.stderr.endswith("\nerror: nobody\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["recomend"],
            "error: No such command 'recomend'. Did you mean 'recommend', 'record', 'embed'?; see graphrec --help",
        ),
        (["--hom", "x"], "error: No such option: --hom (Possible options: --home); see graphrec --help"),
        (["doctor", "--fast"], "error: No such option: --fast; see graphrec doctor --help"),
        (["doctor", "now"], "error: Got unexpected extra argument(s) (now); see graphrec doctor --help"),
    ],
)
def test_wrong_usage_is_one_line_and_2(words: list[str], line: str) -> None:
    done = CliRunner().invoke(app, words, prog_name="graphrec")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", line + "\n")


def test_bad_settings_end_with_3_but_help_still_works(
    probe: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "graphrec.toml").write_text("sed = 1")
    monkeypatch.chdir(tmp_path)
    probe(lambda: bank().settings)
    assert CliRunner().invoke(app, ["probe", "--help"]).exit_code == 0
    done = CliRunner().invoke(app, ["probe"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == "error: graphrec.toml line 1: unknown key sed; the nearest known one is seed\n"


def test_a_command_sees_the_options_before_it(
    probe: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[object] = []
    probe(lambda: seen.extend([bank().home.path, bank().store, current().options.quiet, bank().settings.log_level]))
    assert CliRunner().invoke(app, ["--home", "bank", "-q", "probe"]).exit_code == 0
    assert CliRunner().invoke(app, ["--store", "bolt://h", "-v", "probe"]).exit_code == 0
    assert seen == [Path("bank"), "bank/vault/store", True, "error", Path(".graphrec"), "bolt://h", False, "info"]
    wrong = CliRunner().invoke(app, ["--log-level", "loud", "probe"])
    assert wrong.stderr.startswith("error: Invalid value for '--log-level': 'loud' is not one of 'debug', ")
    assert wrong.exit_code == 2


WRITES_FOR_LONG = """
import sys, time, types
from pathlib import Path
from graphrec.cli import app, commands
from graphrec.files import whole_file

def command() -> None:
    with whole_file(Path(sys.argv[1])) as temporary:
        temporary.write_text("half")
        print("writing", flush=True)
        time.sleep(60)

sys.modules["probe"] = types.SimpleNamespace(command=command)
commands.COMMANDS["probe"] = ("probe", "Write for long.")
app(["probe"])
"""


@pytest.mark.parametrize(
    ("sent", "code", "line"),
    [(signal.SIGINT, 130, "error: interrupted\n"), (signal.SIGTERM, 143, "error: terminated\n")],
    ids=["ctrl-c", "sigterm"],
)
def test_a_signal_ends_with_its_code_and_leaves_nothing_half_written(
    tmp_path: Path, sent: signal.Signals, code: int, line: str
) -> None:
    words = [sys.executable, "-c", WRITES_FOR_LONG, str(tmp_path / "scores.csv")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "writing\n"
        running.send_signal(sent)
        _, err = running.communicate()
    assert (running.returncode, err) == (code, line)
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_silent(root: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} cli.py --help | true", shell=True, cwd=root, capture_output=True, check=False
    )
    assert done.stderr == b""


@pytest.mark.parametrize("words", [("recommend", "C1"), ("find", "wind"), ("export", "--out", "lists.csv")])
def test_a_home_that_is_not_there_is_said_with_those_that_are(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Home(tmp_path / "bank").prepare()
    done = CliRunner().invoke(app, ["--home", "bnak", *words])
    assert done.exit_code == 3
    assert done.stderr == (
        "error: there is no home bnak; homes beside it: bank; name one with --home, or load into a new one: "
        "graphrec --home bnak load MAPPING\n"
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_help_has_an_example_that_the_command_line_takes(name: str) -> None:
    """What stands after `Example:` names the command, and options and arguments that it has."""
    from typer.main import get_command

    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).stdout
    text = " ".join(shown.partition("Example")[2].partition("Arguments:")[0].partition("Options:")[0].split())
    examples = [one.strip() for one in re.split(r"; | and ", text.partition(":")[2])]
    examples = [one for one in examples if one.startswith("graphrec ")]
    assert examples, f"graphrec {name} --help shows no example"
    command = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    for example in examples:
        words = shlex.split(example)
        assert words[:2] == ["graphrec", name]
        try:
            command.make_context(name, words[2:])
        except Exception as error:  # noqa: BLE001 - whatever the parser says
            pytest.fail(f"{example}: {error}")
