"""The guard of a person's own Cypher, on a corpus: what reads the graph passes, what reads anything else does not."""

from collections.abc import Callable

import pytest

from graphrec.errors import QueryError
from graphrec.store.base import Store
from graphrec.store.questions.guard import check_statement, tokens

from .feed import feed, source

PASSES = (
    "MATCH (n) RETURN count(n)",
    "match (n:Customer) return n.id order by n.id limit 3",
    "MATCH (n:Customer {id: 'LOAD CSV'}) RETURN n",
    "MATCH (n) WHERE n.id = \"CALL apoc.load.json('x')\" RETURN n",
    "MATCH (n) // LOAD CSV FROM 'x' AS row\nRETURN n",
    "MATCH (n) /* CALL dbms.listConfig() */ RETURN n",
    "MATCH (n) /* ' */ RETURN n.id /* ' */",
    "MATCH (`LOAD CSV`:Customer) RETURN `LOAD CSV`.id",
    "MATCH (load:Customer) RETURN load.csv",
    "RETURN 'it\\'s // no comment' AS text",
    'RETURN "a \\" LOAD CSV " AS text',
    "RETURN 'a /* b' AS x, 'c */ d' AS y",
    "MATCH (c:Customer) CALL (c) { MATCH (c)-[r:BOUGHT]->() RETURN count(r) AS n } RETURN c.id, n",
    "MATCH (c:Customer) CALL { WITH c MATCH (c)-[r:BOUGHT]->() RETURN count(r) AS n } RETURN c.id, n",
    "CALL { MATCH (n:Customer) RETURN n.id AS id UNION MATCH (n:Product) RETURN n.id AS id } RETURN id",
    "CALL db.labels() YIELD label RETURN label",
    "CALL db.labels()",
    "CALL `db`.`labels`()",
    "CALL db.index.fulltext.queryNodes($index, $text) YIELD node, score RETURN node.id, score",
    "MATCH (c:Customer)-[:BOUGHT*1..3]-(p:Product) RETURN p.id, count(*)",
    "MATCH (a:Customer), (b:Product) MATCH p = shortestPath((a)-[*..3]-(b)) RETURN length(p)",
    "MATCH (n) WHERE NOT (n)--() RETURN n",
    "MATCH (n) WHERE exists((n)-[:BOUGHT]->()) RETURN n",
    "MATCH (n) WHERE EXISTS { (n)-[:BOUGHT]->() } RETURN n",
    "MATCH (n) RETURN COUNT { (n)--() } AS degree",
    "MATCH (n) WHERE any(x IN n.sources WHERE x = 'bank') RETURN n",
    "RETURN [x IN range(1, 10) WHERE x % 2 = 0 | x * (x + 1)] AS xs",
    "RETURN reduce(s = 0, x IN [1, 2] | s + x) AS s",
    "RETURN CASE WHEN (1 < 2) THEN (3) ELSE (4) END AS x",
    "RETURN date('2024-01-01') AS d, datetime.fromEpoch(0, 0) AS e, duration.between(date(), date()) AS f",
    "RETURN toUpper(left('abc', 2)) AS x, TOLOWER('X') AS y",
    "RETURN 1.5e3 AS x, 0x1F AS y, 1..2 AS z",
    "WITH 1 AS x RETURN x",
    "UNWIND [1, 2] AS x RETURN x",
    "OPTIONAL MATCH (n:None) RETURN n",
    "EXPLAIN MATCH (n) RETURN n",
    "MATCH (n) RETURN n.id AS `load csv`",
    "MATCH (n:Customer) USING INDEX n:Customer(id) WHERE n.id = 'c1' RETURN n",
    "MATCH (n) RETURN n;",
    "MATCH (größe:Customer) RETURN größe.id",
    "RETURN '\\u00e4' AS umlaut",
    "RETURN point({x: 1, y: 2}) AS p, point.distance(point({x: 1, y: 2}), point({x: 2, y: 2})) AS d",
    "CREATE (n:Customer {id: 'x'})",  # it writes, which is for the store to refuse
)
REFUSED = {
    "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row": "begins with LOAD",
    "MATCH (n) LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row": "LOAD CSV",
    "UNWIND [1] AS x load\tcsv WITH HEADERS FROM 'http://169.254.169.254' AS row RETURN row": "LOAD CSV",
    "WITH 1 AS x LOAD /* */ CSV FROM 'file:///etc/passwd' AS row RETURN row": "LOAD CSV",
    "WITH 1 AS x LOAD // a\nCSV FROM 'file:///etc/passwd' AS row RETURN row": "LOAD CSV",
    "WITH '\\'' AS x LOAD CSV FROM 'x' AS row RETURN row": "LOAD CSV",
    "CALL { LOAD CSV FROM 'x' AS row RETURN row } RETURN row": "LOAD CSV",
    "CALL apoc.load.json('file:///etc/passwd')": "procedure apoc.load.json",
    "CALL apoc.load.json('file:///etc/passwd') YIELD value RETURN value": "procedure apoc.load.json",
    "call `apoc`.`load`.`csv`('x') yield map return map": "procedure apoc.load.csv",
    "CALL apoc . load . xml ('x')": "procedure apoc.load.xml",
    "CALL /* db.labels() */ apoc.load.json('x')": "procedure apoc.load.json",
    "OPTIONAL CALL apoc.load.json('x') YIELD value RETURN value": "procedure apoc.load.json",
    "CALL dbms.listConfig()": "procedure dbms.listConfig",
    "CALL dbms.components": "procedure dbms.components",
    "CALL apoc.cypher.run('LOAD CSV FROM \"x\" AS r RETURN r', {})": "procedure apoc.cypher.run",
    "MATCH (n) CALL apoc.export.csv.all('x', {}) YIELD file RETURN file": "procedure apoc.export.csv.all",
    "RETURN apoc.load.json('x')": "function apoc.load.json",
    "RETURN apoc.util.md5(['x'])": "function apoc.util.md5",
    "RETURN {a: apoc.static.get('x')} AS m": "function apoc.static.get",
    "MATCH (n) WHERE apoc.text.join(['a'], '') = 'a' RETURN n": "function apoc.text.join",
    "RETURN `apoc`.`util`.`md5`(['x'])": "function apoc.util.md5",
    "RETURN gds.version() AS v": "function gds.version",
    "RETURN file() AS f": "function file",
    "RETURN linenumber() AS n": "function linenumber",
    "RETURN graph.names() AS g": "function graph.names",
    "RETURN date.apoc('x') AS d": "function date.apoc",
    "USE system MATCH (n) RETURN n": "begins with USE",
    "SHOW SETTINGS": "begins with SHOW",
    "SHOW USERS": "begins with SHOW",
    "CYPHER 25 MATCH (n) RETURN n": "begins with CYPHER",
    "ALTER USER neo4j SET PASSWORD 'x'": "begins with ALTER",
    "SELECT * FROM Customer": "begins with SELECT",
    "MATCH (n) RETURN n; MATCH (m) RETURN m": "second statement",
    "MATCH (n) RETURN n; LOAD CSV FROM 'x' AS row RETURN row": "second statement",
    "\\u004COAD CSV FROM 'x' AS row RETURN row": "escape",
    "MATCH (n) \\u004c\\u004fAD CSV FROM 'x' AS row RETURN row": "escape",
    "RETURN '\\u0027 AS x LOAD CSV FROM \\u0027x' AS row": "escape",
    "RETURN '\\uu0027 + 1' AS x": "escape",
    "MATCH (n) RETURN 'open": "without its end",
    "MATCH (n) RETURN n /* open": "without its end",
    "MATCH (`n) RETURN n": "without its end",
    "": "empty",
    " // nothing": "empty",
}


@pytest.mark.parametrize("text", PASSES)
def test_passes(text: str) -> None:
    check_statement(text)


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(QueryError) as refused:
        check_statement(text)
    assert REFUSED[text] in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(QueryError):
        check_statement(text, write=True)


def test_corpus_is_large() -> None:
    assert len(PASSES) + len(REFUSED) >= 60


def test_says_where_and_what_is_near() -> None:
    with pytest.raises(QueryError) as refused:
        check_statement("MATCH (n)\nRETURN toUper(n.id)")
    assert str(refused.value) == (
        "line 2:8: the function toUper is not allowed here: it is on no list of what only reads the graph; "
        "the nearest there is toupper"
    )


def test_tokens() -> None:
    found = tokens("MATCH (`a``b`:X) WHERE a.x >= 1.5 RETURN 'q' // end")
    assert [one.value for one in found] == [
        "MATCH", "(", "a`b", ":", "X", ")", "WHERE", "a", ".", "x", ">=", "1.5", "RETURN", "'q'",
    ]  # fmt: skip


def test_both_stores_answer_what_passes(store: Store) -> None:
    feed(store.sink(), source())
    for text in ("MATCH (n:Customer) RETURN count(n) AS c", PASSES[12], PASSES[14], PASSES[27]):
        check_statement(text)
        assert store.query(text).rows  # type: ignore[arg-type]


def test_a_file_that_would_be_read(neo4j_store: Callable[[], Store]) -> None:
    store = neo4j_store()
    # The server itself would run it: nothing but the guard stands before it.
    with pytest.raises(QueryError, match=r"(?i)couldn't load|cannot load|url"):
        store.query("LOAD CSV FROM 'file:///no_such_file.csv' AS row RETURN row")
