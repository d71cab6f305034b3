"""`forget --downdate`: models from sums without the persons are those of a new fit; the certificate says which way."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.cli import app
from graphrec.config.settings import Settings
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.terms.folder import read_meta
from graphrec.training.downdate import Held
from graphrec.training.split import split_of
from graphrec.training.stages import graph_of

FIRST, SECOND = "KUNDE-008", "KUNDE-021"
KINDS = ("popularity", "itemknn", "ease")


def bank_of(home: Path) -> Bank:
    return Bank(Settings(home=home, policy="none"))


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with models that are functions of sums, and one that is not: its attributes have rare values."""
    home = shutil.copytree(people / "home", tmp_path_factory.mktemp("counted") / "home")
    bank = bank_of(home)
    for kind in KINDS:
        overrides = ("ease.attributes=false",) if kind == "ease" else ()
        bank.train(jobs.Train(kind, fixed=True, overrides=overrides))
    return Path(home)


def tables(home: Path) -> dict[str, np.ndarray[Any, Any]]:
    from safetensors.numpy import load_file

    return {
        f"{folder.name}/{name}": values
        for folder in sorted(Home(home).models.glob("[!.]*"))
        if folder.is_dir()
        for name, values in load_file(folder / "model.safetensors").items()
    }


def ways(home: Path, number: int) -> dict[str, str]:
    document = json.loads((home / "records" / "certificates" / f"{number:06}.json").read_text("utf-8"))
    return {one["model"]: one["way"] for one in document["models"]}


@pytest.mark.slow
def test_a_downdate_through_the_command_is_a_refit(trained: Path, tmp_path: Path) -> None:
    less, again = (Path(shutil.copytree(trained, tmp_path / name / "home")) for name in ("less", "again"))
    for number, user in enumerate((FIRST, SECOND), 1):
        for home, more in ((less, ["--downdate"]), (again, [])):
            words = ["--home", str(home), "--policy", "none", "forget", user, *more, "--json"]
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, done.output
        ours, theirs = tables(less), tables(again)
        assert ours.keys() == theirs.keys()
        for name, values in theirs.items():
            assert np.abs(ours[name].astype(float) - values.astype(float)).max(initial=0) <= 1e-9, name
        sums = "counted" if number == 1 else "kept"
        said = ways(less, number)
        assert [said[f"{kind}-test"] for kind in KINDS] == [f"downdate of {sums} sums"] * 3
        assert said["ease-final"] == (
            "refit: WORKS_AS leads to nodes of fewer than 2 customers, which a fit takes for one"
        )
        assert set(ways(again, number).values()) == {"refit"}
    snapshot = SnapshotShelf(Home(less).snapshots).latest()
    meta = read_meta(Home(less).models / "itemknn-test")
    whole = Held.of(snapshot, graph_of(snapshot, split_of(snapshot), meta.fitted)).sums()
    with np.load(Home(less).sums / "itemknn-test.npz") as kept:
        assert np.array_equal(kept["sums"], whole), "nothing of the persons is in them"
    # A forget without --downdate leaves no sums that count the person.
    bank_of(less).forget(jobs.Forget(("KUNDE-030",)))
    assert not Home(less).sums.exists()
    assert set(ways(less, 3).values()) == {"refit"}


@pytest.mark.slow
def test_what_is_no_function_of_sums_is_fitted_again(trained: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(trained, tmp_path / "home"))
    bank = bank_of(home)
    bank.train(jobs.Train("kernel", fixed=True))
    bank.train(jobs.Train("ease", fixed=True, overrides=("ease.user_power=0.5",)))
    bank.forget(jobs.Forget((FIRST,), downdate=True))
    said = ways(home, 1)
    assert said["kernel-test"] == "refit: kernel is no function of whole-number sums"
    assert said["ease-test"] == "refit: ease with user_power 0.5 weighs customers by what they hold"
