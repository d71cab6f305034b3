"""A trained home of a bank whose customers have names of their own; tests take copies of it."""

from pathlib import Path

import pytest

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from tests.privacy.people import write_people


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `home`, a store with a tested and a final model, and `data`, the files that were loaded."""
    folder = tmp_path_factory.mktemp("people")
    bank = Bank(Settings(home=folder / "home", policy="none"))
    bank.load(jobs.Load(str(write_people(folder / "data"))))
    bank.train(jobs.Train("ease", fixed=True))
    bank.train(jobs.Train("ease", fixed=True, final=True))
    return folder
