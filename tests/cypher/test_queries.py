"""Reading, quoting and describing the texts of cypher/."""

import pytest

from graphrec import queries
from graphrec.errors import QueryError, UnknownId, UsageError
from tests.banks import SCHEMA


def test_placeholders_become_quoted_labels() -> None:
    text = queries.text("read/edges", {"Source": "My `label`", "EDGE": "GEKAUFT", "Target": "Produkt"})
    assert text.startswith("MATCH (s:`My ``label```)-[r:`GEKAUFT`]->(t:`Produkt`)\nWHERE r.sources")


def test_several_types_stand_side_by_side() -> None:
    text = queries.text("analyst/popular", {"User": "Customer", "Product": "Product", "HELD": ("BOUGHT", "HOLDS")})
    assert "MATCH (p:`Product`)<-[:`BOUGHT`|`HOLDS`]-(u:`Customer`)" in text


def test_roles_of_a_schema() -> None:
    assert queries.roles(SCHEMA) == {
        "User": "Customer",
        "Product": "Product",
        "HELD": ("BOUGHT",),
        "INTERACTION": ("BOUGHT", "VIEWED"),
    }


def test_statement_of_a_person_stays_as_it_is() -> None:
    assert queries.text("MATCH (u:User) RETURN u.id // :HELD") == "MATCH (u:User) RETURN u.id // :HELD"


def test_missing_label() -> None:
    with pytest.raises(QueryError, match="query read/nodes speaks of :Node, and the graph has none; load a mapping"):
        queries.text("read/nodes")


def test_unknown_query_names_the_nearest() -> None:
    with pytest.raises(UnknownId, match="no query populer; the nearest are: popular"):
        queries.describe("populer")
    with pytest.raises(UnknownId, match="no query x; the nearest are: none"):
        queries.text("nowhere/x")


@pytest.mark.parametrize("name", ["", "a\0b"])
def test_names_that_cannot_be_quoted(name: str) -> None:
    with pytest.raises(QueryError, match="is no name for a label or an edge type; give it at least one character"):
        queries.quote(name)


def test_description() -> None:
    query = queries.describe("most_alike")
    assert query.name == "most_alike"
    assert query.question == "Which customers hold most of what a customer holds?"
    assert [(one.name, one.kind, one.default) for one in query.parameters] == [
        ("user", "text", None),
        ("k", "integer", "10"),
    ]
    assert query.values({"user": "7"}) == {"user": "7", "k": 10}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "query most_alike needs --param user=…: id of the customer"),
        ({"user": "7", "n": "1"}, "query most_alike has no parameter n; it takes user, k"),
        ({"user": "7", "k": "ten"}, "--param k=ten: not a whole number; how many"),
    ],
)
def test_parameters_that_do_not_fit(given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        queries.describe("most_alike").values(given)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [("real", "0.5", 0.5), ("boolean", "True", True), ("list", "a, b,", ["a", "b"]), ("text", "1E10", "1E10")],
)
def test_kinds_of_parameters(kind: queries.ParameterKind, given: str, value: object) -> None:
    assert queries.Parameter("x", kind, "what").value(given) == value


def test_boolean_is_no_number() -> None:
    with pytest.raises(UsageError, match="--param x=1: not true or false; what"):
        queries.Parameter("x", "boolean", "what").value("1")


def test_library_lists_what_fits() -> None:
    everything = queries.library()
    assert [query.name for query in queries.library(SCHEMA)] == [
        query.name
        for query in everything
        if set(query.labels) <= set(SCHEMA.nodes) and set(query.types) <= set(SCHEMA.edges)
    ]
    query = queries.Query("x", "?", (), ("Issuer",), ())
    assert not query.fits(SCHEMA)


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("MATCH (n) RETURN n.id AS id, count(*) ORDER BY id LIMIT 3", ("id", "count(*)")),
        ("RETURN DISTINCT [1, 2] AS a, {b: 1, c: 2} AS `b c`;", ("a", "b c")),
        ("MATCH (n) RETURN *", ()),
        ("MATCH (n) SET n.x = 1", ()),
        ("UNWIND [1] AS a return a as x SKIP 1", ("x",)),
    ],
)
def test_columns_of_a_statement(statement: str, columns: tuple[str, ...]) -> None:
    assert queries.columns(statement) == columns
