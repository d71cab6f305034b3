"""Names that the graph does not have are refused with the nearest, as no rows would read like an answer."""

import pytest

from graphrec import queries
from graphrec.errors import QueryError, UsageError
from graphrec.schema import Column, EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.store.base import Bounds, Store
from graphrec.store.questions.ask import ask
from graphrec.store.questions.guard import check_statement
from graphrec.store.questions.names import check_names

from .feed import feed, source

SCHEMA = GraphSchema(
    Roles("Kunde", "Produkt", ("KAUFT",), relevant=("KAUFT",)),
    {
        "Kunde": NodeSchema(
            "Kunde", (Column("vorname", "text"), Column("einwilligung", "text")), "vorname", (), ("vorname",)
        ),
        "Produkt": NodeSchema("Produkt", (Column("bezeichnung", "text"), Column("art", "text")), "bezeichnung"),
        "Branche": NodeSchema("Branche", (Column("titel", "text"),), "titel"),
    },
    {
        "KAUFT": EdgeSchema("KAUFT", "Kunde", "Produkt", (Column("betrag", "real"),)),
        "IN_BRANCHE": EdgeSchema("IN_BRANCHE", "Produkt", "Branche"),
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (k:Kunde) WHERE k.einwilligung = 'J' RETURN k.id, k.sources",
        "MATCH (k:Kunde {id: 'K1'})-[r:KAUFT]->(p:Produkt) RETURN p.bezeichnung, r.betrag, r.at, r.weight",
        "MATCH (k:Kunde)-[r:KAUFT|IN_BRANCHE]->(n) RETURN n.titel, r.betrag",
        "MATCH (n) WHERE n.art = 'x' RETURN count(n)",
        "MATCH (k:Kunde)-[r:RECOMMENDED]->(p) RETURN r.rank, p.id",
        "UNWIND [{nichts: 1}] AS row RETURN row.nichts",
        "WITH {a: 1} AS map RETURN map.a",
        "RETURN [x IN [1, 2] WHERE x > 1 | x] AS xs",
        "MATCH (f:Fremd) RETURN f.anything",
        "RETURN 'MATCH (k:Nobody) WHERE k.nothing' AS text",
        "MATCH (k:Kunde)-[:KAUFT*1..2]-(p) WHERE NOT (p)-[:IN_BRANCHE]->() RETURN p.art",
        "CREATE (n:Neu {nichts: 1})",
        "MATCH (k:Kunde) SET k.neu = 1",
    ],
)
def test_names_that_are_there_pass(text: str) -> None:
    check_names(text, SCHEMA, lambda: {"Fremd"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "MATCH (k:Kunde)\nWHERE k.einwiligung = 'J' RETURN count(k)",
            "line 2:9: Kunde has no property einwiligung; the nearest is einwilligung",
        ),
        ("MATCH (k:Kunden) RETURN k", "line 1:7: there is no label Kunden; the nearest is Kunde"),
        ("MATCH (set:Kunden) RETURN set", "line 1:7: there is no label Kunden; the nearest is Kunde"),
        ("MATCH (:Kunde)-[:KAUFTE]->(p) RETURN p", "line 1:16: there is no edge type KAUFTE; the nearest is KAUFT"),
        ("MATCH (:Kunde {vornam: 'x'}) RETURN 1", "line 1:16: Kunde has no property vornam; the nearest is vorname"),
        ("MATCH ()-[r:KAUFT]->() RETURN sum(r.betrg)", "line 1:37: KAUFT has no property betrg; the nearest is betrag"),
        ("MATCH (n) RETURN n.consent", "line 1:20: nothing has a property consent; there are art, at, betrag"),
        ("MATCH (p:Produkt) WHERE p.einwilligung = 'J' RETURN p", "Produkt has no property einwilligung; "),
        ("MATCH (n) WHERE EXISTS { (n)-[:KAUF]->() } RETURN n", "there is no edge type KAUF; the nearest is KAUFT"),
        ("MATCH (`k`:`Kunde`) RETURN `k`.`einwiligung`", "Kunde has no property einwiligung"),
    ],
)
def test_names_that_are_not_there_are_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        check_names(text, SCHEMA, set)
    assert message in str(caught.value)


def test_a_store_refuses_what_it_would_answer_with_nothing(store: Store) -> None:
    feed(store.sink(), source())
    with pytest.raises(QueryError, match="Customer has no property consent_given"):
        ask(store, "MATCH (c:Customer) WHERE c.consent_given RETURN c.id", {}, Bounds(20.0, 10))
    with pytest.raises(QueryError, match="there is no label Custmer; the nearest is Customer"):
        ask(store, "MATCH (c:Custmer) RETURN c.id", {}, Bounds(20.0, 10))
    with pytest.raises(UsageError, match=r"--param attribute=consnt: there is no such user column; "):
        ask(store, "holders", {"product": "p1", "attribute": "consnt", "value": "J"}, Bounds(20.0, 10))
    with pytest.raises(UsageError, match=r"--param relation=NOWHERE: there is no such relation; "):
        ask(store, "coverage", {"relation": "NOWHERE"}, Bounds(20.0, 10))


def test_every_query_of_the_library_reads_the_name_of_the_mapping() -> None:
    for query in queries.library(SCHEMA):
        text = queries.analyst(query.name, SCHEMA)
        assert ".name" not in text, query.name
        check_names(text, SCHEMA, set)
        assert "vorname" not in text, "a name of a person is nobody's to read"
    assert "p.`bezeichnung` AS name" in queries.analyst("popular", SCHEMA)
    assert "coalesce(n.`bezeichnung`, n.`titel`) AS name" in queries.analyst("neighbourhood", SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "CALL apoc.cypher.runWrite('CREATE (n)', {})",
        "CALL apoc.cypher.doIt('CREATE (n)', {}) YIELD value RETURN value",
        "CALL apoc.periodic.commit('MATCH (n) DETACH DELETE n', {})",
        "MATCH (n) CALL { WITH n CALL apoc.create.setProperty(n, 'x', 1) YIELD node RETURN node } RETURN n",
        "RETURN apoc.cypher.runFirstColumnSingle('MATCH (n) DETACH DELETE n', {}) AS n",
        "CALL apoc.refactor.mergeNodes([])",
        "CALL apoc.trigger.add('x', 'y', {})",
    ],
)
def test_no_procedure_of_apoc_is_on_the_list(text: str) -> None:
    for write in (False, True):
        with pytest.raises(QueryError, match="it is on no list of what only reads the graph"):
            check_statement(text, write=write)
