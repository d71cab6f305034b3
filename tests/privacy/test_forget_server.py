"""A customer is forgotten in a bank whose store is a Neo4j server."""

from pathlib import Path

import pytest

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings, StoreLogin
from graphrec.privacy.search import search
from graphrec.store.checks.check import check
from graphrec.store.neo4j.driver import Neo4jStore
from tests.privacy.people import name_of, write_people

GONE, ALONE = "KUNDE-008", "KUNDE-007"


@pytest.mark.slow
def test_nothing_of_them_is_on_the_server(neo4j_login: tuple[str, StoreLogin], tmp_path: Path) -> None:
    uri, login = neo4j_login
    with Neo4jStore(uri, tmp_path / "home" / "vault" / "series", login) as store:
        store.write("MATCH (n) DETACH DELETE n")
        bank = Bank(Settings(home=tmp_path / "home", policy="none", store=uri, login=login))
        bank.load(jobs.Load(str(write_people(tmp_path / "data", customers=12, products=6))))
        customers, jobs_before = "MATCH (c:Customer) RETURN count(c)", "MATCH (j:Job) RETURN count(j)"
        before = [store.query(text).rows[0][0] for text in (customers, jobs_before)]
        done = bank.forget(jobs.Forget((GONE, ALONE)))
        assert [store.query(text).rows[0][0] for text in (customers, jobs_before)] == [before[0] - 2, before[1] - 1]
        assert (done.removed["store: Customer"], done.removed["store: Job"]) == (2, 1)
        assert done.removed["series rows"] == 4
        assert any(one.place == "store" and "neo4j-admin database copy" in one.until for one in done.kept)
        told = store.query(
            "MATCH (n) RETURN properties(n) AS held UNION ALL MATCH ()-[r]->() RETURN properties(r) AS held"
        ).rows
        for text in (GONE, ALONE, name_of(8), "q07@mail.example", "T008-", "Lighthouse keeper 7"):
            assert text not in repr(told)
        assert check(store, deep=True) == []
        assert not search(tmp_path / "home", (GONE, ALONE, name_of(8), "q07@mail.example")).found
        mapping = write_people(tmp_path / "data", customers=13, products=6)
        again = bank.load(jobs.Load(str(mapping)))
        assert again.report.nodes["Customer"].suppressed == 2
        assert store.query(customers).rows == [(before[0] - 1,)]
        store.write("MATCH (n) DETACH DELETE n")
