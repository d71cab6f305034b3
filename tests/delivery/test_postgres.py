"""Lists in a real PostgreSQL: upsert by key, whole runs, and nothing of others overwritten."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from graphrec.app.bank import Bank
from graphrec.app.jobs import Export
from graphrec.config.settings import Settings
from graphrec.delivery import postgres, sinks
from graphrec.delivery.journal import Journal
from graphrec.delivery.postgres import POSTGRES
from graphrec.errors import DeliveryError, UsageError
from graphrec.home import Home
from tests.postgres.server import running


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.fixture
def address(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the database, the password in the environment."""
    parts = urlsplit(server)
    monkeypatch.setenv("PGPASSWORD", str(parts.password))
    return server.replace(f":{parts.password}@", "@")


@pytest.mark.slow
def test_lists_are_upserted_and_a_killed_export_goes_on(
    own_home: Home, server: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    small = sinks.SinkSpec("postgresql", POSTGRES.open, schemes=POSTGRES.schemes, chunk=20, resumes=True)
    monkeypatch.setattr(postgres, "POSTGRES", small)
    bank = Bank(Settings(home=own_home.path, policy="none"))
    wanted = Export(to=address, k=3, record=False)

    class Killed(BaseException):
        """As a kill between two batches."""

    def kill(self: Journal, number: int, one: object, add: object = Journal.add) -> None:
        add(self, number, one)  # type: ignore[operator]
        if number == 1:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Journal, "add", kill)
        bank.export(wanted)
    with psycopg.connect(server) as connection:
        before = connection.execute('SELECT count(DISTINCT "user") FROM graphrec_lists').fetchall()
        assert before == [(40,)]
        assert connection.execute("SELECT count(*) FROM graphrec_runs").fetchall() == [(0,)]
    done = bank.export(wanted)
    assert done.notes[0] == "2 batches had arrived before and were not sent again"
    with psycopg.connect(server) as connection:
        rows = connection.execute(
            "SELECT run, \"user\", product, rank, reasons->0->>'text', reason FROM graphrec_lists"
        )
        found = rows.fetchall()
        assert len(found) == len({row[:3] for row in found}) == done.report.rows
        assert {row[3] for row in found} == {1, 2, 3}
        assert all(row[4] == row[5] for row in found)
        without = connection.execute('SELECT "user" FROM graphrec_without').fetchall()
        assert without == [("C059",)]
        runs = connection.execute("SELECT run, users, rows, finished_at IS NOT NULL FROM graphrec_runs").fetchall()
        assert runs == [(found[0][0], 60, done.report.rows, True)]
    for file in (own_home.vault / "exports").glob("to-*.jsonl"):
        file.unlink()
    bank.export(wanted)  # the same rows once more
    with psycopg.connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM graphrec_lists").fetchall() == [(done.report.rows,)]
        connection.execute("DROP TABLE graphrec_without")
        connection.execute("CREATE TABLE graphrec_without (theirs text)")
    with pytest.raises(DeliveryError, match="graphrec_without of .* has no column user"):
        bank.export(Export(to=address, k=2, record=False))
    with pytest.raises(UsageError, match="holds a password; take it out") as caught:
        bank.export(Export(to=server, k=2, record=False))
    assert str(urlsplit(server).password) not in str(caught.value)
