"""Parts of `benchmarks/damage.py`: together they are the whole, and each says whether its bars hold."""

import importlib.util
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "damage.py"


@pytest.fixture(scope="module")
def damage() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("damage_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["damage_script"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_all_parts_together_try_each_thing_once(damage: ModuleType) -> None:
    things = [f"file{n}" for n in range(31)]
    for of in (1, 2, 7, 31, 40):
        parts = [damage.Share(number, of).of_all(things) for number in range(1, of + 1)]
        assert sorted(one for part in parts for one in part) == sorted(things)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_part_has_a_seed_of_its_own_and_the_whole_that_of_before(damage: ModuleType) -> None:
    seeds = [damage.Share(number, 3).seed(11) for number in (1, 2, 3)]
    assert len({*seeds, 11}) == 4
    assert seeds == [damage.Share(number, 3).seed(11) for number in (1, 2, 3)]
    assert damage.Share().seed(11) == 11


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/", "/2", "a/b", "-1/2"])
def test_what_is_no_part_is_refused(damage: ModuleType, text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="want I/N"):
        damage.Share.read(text)


def test_what_was_counted_is_printed_after_a_signal(damage: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[int] = []
    monkeypatch.setattr(damage, "STOPPED", stopped)
    tried: list[int] = []

    def trial(number: int) -> None:
        tried.append(number)
        if number == 3:
            stopped.append(15)

    trials = (lambda number=number: trial(number) for number in range(1, 9))
    assert list(damage.until(None, trials, "test")) == tried == [1, 2, 3]


def test_a_part_is_run_alone_and_says_its_verdict(
    damage: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for name in ("store/a", "store/b", "models/c"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    tried: list[list[str]] = []

    def deep(home: Path, _rng: object, only: str | None, _budget: float | None, share: object) -> bool:
        tried.append([file.name for file in share.of_all(damage.files_of(home, only))])  # type: ignore[attr-defined]
        return bool(share != damage.Share(2, 2))

    monkeypatch.setattr(damage, "deep", deep)
    monkeypatch.setattr(damage.signal, "signal", lambda *_: None)  # this process keeps its own
    monkeypatch.setattr(damage, "prepared", lambda _folder, _customers: (tmp_path, home))
    for name in ("GRAPHREC_TODAY", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # the script sets them: they are put back
    for number, code, said in ((1, 0, "all bars hold"), (2, 1, "a bar is missed")):
        monkeypatch.setattr(sys, "argv", ["damage.py", "deep", "--part", f"{number}/2"])
        assert damage.main() == code
        assert capsys.readouterr().out == f"deep, part {number}/2: {said}\n"
    assert tried == [["c", "b"], ["a"]]


def test_a_room_that_is_not_there_is_no_verdict(damage: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a").write_text("a")
    assert [file.name for file in damage.files_of(tmp_path, "store")] == ["a"]
    with pytest.raises(SystemExit, match="--only vault/store: a home has store"):
        damage.files_of(tmp_path, "vault/store")
