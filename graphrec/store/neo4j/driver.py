"""The Neo4j store, and the one import of its driver: sessions, managed transactions, errors as ours."""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, LiteralString, Self, TypeVar
from urllib.parse import urlsplit

from neo4j import READ_ACCESS, Driver, GraphDatabase, ManagedTransaction, unit_of_work
from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    DriverError,
    Forbidden,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)
from neo4j.graph import Entity
from neo4j.graph import Path as GraphPath

from graphrec import queries
from graphrec.config.settings import StoreLogin
from graphrec.errors import NotAuthorised, QueryError, StoreError, Unreachable
from graphrec.graph.rows import Sink
from graphrec.progress import Progress, silent
from graphrec.schema import GraphSchema
from graphrec.store.base import (
    BATCH_ROWS,
    Bounds,
    Hit,
    Index,
    Info,
    Parameters,
    Result,
    SourceInfo,
    Statement,
    Store,
    out_of_time,
)
from graphrec.store.kinds import RESERVED
from graphrec.store.neo4j import versions
from graphrec.store.neo4j.sink import ParallelSink
from graphrec.store.search import search_statement
from graphrec.store.writing.loading import BOOKS

_T = TypeVar("_T")

#: The oldest server whose Cypher is that of cypher/.
OLDEST = (5, 26)
#: Rows that cross from the server at once.
CHUNK_ROWS = 10_000
CONNECT_SECONDS = 10.0
#: How long a transaction is tried again after transient errors.
RETRY_SECONDS = 30.0
#: How long one answer may take; streams may take as long as they need.
QUERY_SECONDS = 600.0
# What the driver says of a connection is in our own message: without a handler it would be a second line.
logging.getLogger("neo4j").addHandler(logging.NullHandler())
#: How long to wait for another load to end.
LOCK_SECONDS = 3.0


class Neo4jStore(Store):
    """A store on a Neo4j server.

    Args:
        uri: `neo4j://host:port`, `bolt://…`, or with `+s` for TLS.
        series_folder: where the series of the home are.
        login: `Settings.login`; None: user neo4j without a password.

    Raises:
        Unreachable: nothing answers there.
        NotAuthorised: the server refuses the login.
        StoreError: the server is too old, or the URI is none.
    """

    def __init__(self, uri: str, series_folder: Path, login: StoreLogin | None = None) -> None:
        self.uri = self.address = uri
        self.is_shared = True
        self.series_folder = series_folder
        self._login = login or StoreLogin()
        self._commit = threading.Lock()
        self._bookmarks = GraphDatabase.bookmark_manager()  # in a cluster, reads follow the writes of this store
        self._sink: ParallelSink | None = None
        self._driver = self._connect()

    def query(
        self, statement: LiteralString, parameters: Parameters | None = None, bounds: Bounds | None = None
    ) -> Result:
        """The rows of a read-only statement; the server ends it at its time."""
        text, values = self._text(statement), dict(parameters or {})
        seconds, limit = (QUERY_SECONDS, None) if bounds is None else (bounds.seconds, bounds.rows)

        @unit_of_work(timeout=seconds)
        def run(transaction: ManagedTransaction) -> Result:
            return _result(transaction, text, values, limit)

        try:
            with self._errors(), self._session() as session:
                found: Result = session.execute_read(run)
        except QueryError as error:
            if bounds is not None and isinstance(error.__cause__, Neo4jError) and _is_timeout(error.__cause__):
                raise out_of_time(bounds) from error
            raise
        return found

    def stream(
        self, statement: LiteralString, parameters: Parameters | None = None
    ) -> Iterator[Sequence[Sequence[Any]]]:
        """Chunks of rows of a read-only statement."""
        text = self._text(statement)
        with self._errors(), self._session(default_access_mode=READ_ACCESS, fetch_size=CHUNK_ROWS) as session:
            answer = session.run(text, dict(parameters or {}))
            while chunk := answer.fetch(CHUNK_ROWS):
                yield chunk

    def write(
        self,
        statement: LiteralString,
        parameters: Parameters | None = None,
        rows: Sequence[Mapping[str, Any]] | None = None,
        batch: int = BATCH_ROWS,
    ) -> Result:
        """The rows of a writing statement; with `rows`, one transaction per batch and no rows."""
        text, values = self._text(statement), dict(parameters or {})
        if rows is None:
            return self._managed(lambda transaction: _result(transaction, text, values))
        for start in range(0, len(rows), batch):
            self.transaction([Statement(text, {**values, "rows": list(rows[start : start + batch])})])
        return Result((), [])

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run these statements in one transaction; unlike the rest, this may be called from several threads."""

        def run(transaction: ManagedTransaction) -> None:
            for statement in statements:
                transaction.run(statement.text, dict(statement.parameters)).consume()

        self._managed(run)

    def ensure_schema(self, schema: GraphSchema) -> None:
        """Create the constraint on ids for every label, and record the files that did."""
        versions.check(self)
        for label in (*sorted(schema.nodes), *(f"{RESERVED}{one}" for one in (*BOOKS, "Schema", "Load"))):
            for name in queries.names("schema"):
                self._alone(queries.text(name, {"Node": label}))
        versions.record(self)

    def sink(self, progress: Progress = silent) -> Sink:
        """Where a load puts its rows; one that was not finished is given up."""
        if self._sink is not None:
            self._sink.give_up()
        self._sink = ParallelSink(self, self._hold, progress)
        return self._sink

    def sources(self) -> tuple[SourceInfo, ...]:
        """The sources that ever began a load here, by name."""
        versions.check(self)
        return super().sources()

    def create_index(self, index: Index) -> str:
        """Create a full-text or vector index unless it is there; its name for `search`."""
        name = f"graphrec {index.label} {index.property}"
        quoted, label, key = queries.quote(name), queries.quote(index.label), queries.quote(index.property)
        if index.dimensions is None:
            text = f"CREATE FULLTEXT INDEX {quoted} IF NOT EXISTS FOR (n:{label}) ON EACH [n.{key}]"
        else:
            # Unquantized, so that a score is the cosine and not near it.
            rule = f"`vector.dimensions`: {index.dimensions:d}, `vector.similarity_function`: 'cosine'"
            rule = f"{{{rule}, `vector.quantization.enabled`: false}}"
            text = (
                f"CREATE VECTOR INDEX {quoted} IF NOT EXISTS FOR (n:{label}) ON (n.{key}) "
                f"OPTIONS {{indexConfig: {rule}}}"
            )
        self._alone(text)  # pyright: ignore[reportArgumentType]
        self._alone("CALL db.awaitIndex($name)", {"name": name})
        return name

    def search(self, index: str, sought: str | Sequence[float], k: int = 10) -> list[Hit]:
        """The k best nodes of an index for a text or a vector, ties by id."""
        return [Hit(*row) for row in self.query(*search_statement(index, sought, k)).rows]

    def info(self) -> Info:
        """What the store is and holds."""
        labels = [name for (name,) in self.query("CALL db.labels() YIELD label RETURN label").rows]
        types = [
            name for (name,) in self.query("CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t").rows
        ]
        # What others wrote into the same database has no sources, or no run.
        nodes = {
            name: self._count(
                f"MATCH (n:{queries.quote(name)}) WHERE n.sources IS NOT NULL AND n.run <> '' RETURN count(n)"
            )
            for name in sorted(labels)
        }
        edges = {
            name: self._count(
                f"MATCH ()-[r:{queries.quote(name)}]->() "
                "WHERE r.run IS NOT NULL AND (r.sources IS NOT NULL OR r.run STARTS WITH 'export-') RETURN count(r)"
            )
            for name in sorted(types)
        }
        return Info(
            kind="neo4j",
            address=self.uri,
            version=self._agent.replace("/", " "),
            nodes={name: count for name, count in nodes.items() if count and not name.startswith(RESERVED)},
            edges={name: count for name, count in edges.items() if count},
            sources=tuple(source.name for source in self.sources()),
        )

    def check_engine(self) -> list[str]:
        """Nothing: a server checks its own files (`neo4j-admin database check`, while it is stopped)."""
        return []

    def close(self) -> None:
        """Close all connections."""
        if self._sink is not None:
            self._sink.give_up()
            self._sink = None
        self._driver.close()

    def _connect(self) -> Driver:
        user, password = self._login.username or "neo4j", self._login.password
        try:
            urlsplit(self.uri)
        except ValueError as error:
            raise StoreError(
                f"store {self.uri} is no address: {error}; want neo4j://HOST:PORT or bolt://HOST:PORT"
            ) from error
        with self._errors():
            driver = GraphDatabase.driver(
                self.uri,
                auth=None if password is None else (user, password),
                connection_timeout=CONNECT_SECONDS,
                connection_acquisition_timeout=CONNECT_SECONDS * 2,
                max_transaction_retry_time=RETRY_SECONDS,
                notifications_min_severity="OFF",
                telemetry_disabled=True,
            )
        try:
            with (
                self._errors(),
                driver.session(database=self._login.database, default_access_mode=READ_ACCESS) as session,
            ):
                self._agent = str(session.run("RETURN 1").consume().server.agent)
            check_version(self._agent, self.uri)
        except BaseException:
            driver.close()
            raise
        return driver

    def _session(self, **settings: Any) -> Any:
        return self._driver.session(database=self._login.database, bookmark_manager=self._bookmarks, **settings)

    def _text(self, statement: LiteralString) -> LiteralString:
        if not queries.is_name(statement):
            return statement
        return queries.text(statement, queries.roles(self.read_schema()))

    def _count(self, text: str) -> int:
        return int(self.query(text).rows[0][0])  # pyright: ignore[reportArgumentType]

    def _alone(self, text: LiteralString, parameters: Parameters | None = None) -> None:
        """Run a statement that changes the schema, in a transaction of its own."""
        with self._errors(), self._session() as session:
            session.run(text, dict(parameters or {})).consume()

    def _managed(self, work: Callable[[ManagedTransaction], _T]) -> _T:
        """Run work in a transaction that is tried again after transient errors, and return its result.

        Commits come one after the other: a commit locks edges that are neighbours in the chains of its nodes, and two
        at once can lock each other out even when they share no node. Everything before the commit runs side by side.
        """
        with self._errors(), _Turn(self._commit) as turn, self._session() as session:

            def run(transaction: ManagedTransaction) -> _T:
                turn.leave()
                found = work(transaction)
                turn.take()
                return found

            return session.execute_write(run)  # type: ignore[no-any-return]

    @contextmanager
    def _hold(self) -> Iterator[None]:
        """Keep other loads out of the graph by an open transaction; a client that dies lets go by itself.

        Raises:
            Unreachable: another load is going on.
        """
        self._alone(queries.text("schema/001_ids", {"Node": f"{RESERVED}Load"}))
        lock = queries.text("load/lock")
        with self._session() as session:
            try:
                with session.begin_transaction(timeout=LOCK_SECONDS) as attempt:
                    attempt.run(lock).consume()
                    attempt.commit()
            except Neo4jError as error:
                if not _is_timeout(error):
                    raise _ours(error, self.uri, self._login) from error
                raise Unreachable(
                    f"another load into {self.uri} is going on; wait for it to end and load again"
                ) from error
            with self._errors():
                transaction = session.begin_transaction(timeout=0)
                transaction.run(lock).consume()
            try:
                yield
            finally:
                with suppress(DriverError, Neo4jError):  # of a server that is gone the load itself has heard
                    transaction.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (DriverError, Neo4jError) as error:
            raise _ours(error, self.uri, self._login) from error


class _Turn:
    """A turn at something that one thread does at a time."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._is_mine = False

    def take(self) -> None:
        self._lock.acquire()
        self._is_mine = True

    def leave(self) -> None:
        if self._is_mine:
            self._is_mine = False
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


def check_version(agent: str, uri: str) -> None:
    """Pass a server that runs the Cypher of this house.

    Raises:
        StoreError: it is older, or no Neo4j.
    """
    found = re.match(r"Neo4j/v?(\d+)\.(\d+)", agent)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        raise StoreError(
            f"{uri} is {agent}; want Neo4j {'.'.join(map(str, OLDEST))} or newer: upgrade it or name another"
        )


def _result(
    transaction: ManagedTransaction, text: LiteralString, parameters: dict[str, Any], limit: int | None = None
) -> Result:
    answer = transaction.run(text, parameters)
    records = answer if limit is None else islice(answer, limit + 1)
    rows = [tuple(_plain(value) for value in record) for record in records]
    return Result(tuple(answer.keys()), rows[:limit], is_cut=limit is not None and len(rows) > limit)


def _plain(value: Any) -> Any:
    """A node or edge of a person's own statement as the map of its properties, a time as text."""
    if isinstance(value, Entity):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, GraphPath):
        return [_plain(node) for node in value.nodes]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.iso_format() if hasattr(value, "iso_format") else value


def _ours(error: DriverError | Neo4jError, uri: str, login: StoreLogin) -> StoreError:
    if isinstance(error, Neo4jError):
        return _of_server(error, uri, login)
    text = _one_line(str(error))
    if isinstance(error, ConfigurationError):
        return StoreError(f"store {uri}: {text}")
    if isinstance(error, ServiceUnavailable | SessionExpired):
        tls = ""
        if "+s" in uri.partition("://")[0]:
            tls = (
                "; the server may not speak TLS, or its certificate is not trusted: try the address without +s, or +ssc"
            )
        return Unreachable(f"no Neo4j server answers at {uri}: {text}; check the address and that it runs{tls}")
    return StoreError(f"{uri}: {text}")


def _of_server(error: Neo4jError, uri: str, login: StoreLogin) -> StoreError:
    text, code, user = _one_line(error.message or str(error)), error.code or "", login.username or "neo4j"
    if isinstance(error, AuthError):
        advice = "set NEO4J_PASSWORD" if login.password is None else "check NEO4J_USERNAME and NEO4J_PASSWORD"
        return NotAuthorised(f"{uri} refuses the login of {user}: {text}; {advice}")
    if "ReadOnly" in code or "read-only" in text:
        return NotAuthorised(f"{uri} takes no writes: {text}; name a database that does with NEO4J_DATABASE")
    if code.endswith("AccessMode"):
        return QueryError("the statement writes, and the query is read-only; repeat it with --write")
    if isinstance(error, Forbidden):
        return NotAuthorised(
            f"{user} may not do this at {uri}: {text}; ask for the right or use another NEO4J_USERNAME"
        )
    if code.endswith("DatabaseNotFound"):
        return StoreError(f"{uri} has no database {login.database}: {text}; check NEO4J_DATABASE")
    return QueryError(text)


def _is_timeout(error: Neo4jError) -> bool:
    return "TimedOut" in (error.code or "") or "LockClientStopped" in (error.code or "")


def _one_line(text: str) -> str:
    """A syntax error's first line, which has the position; any other message in one line."""
    first, _, rest = text.strip().partition("\n")
    return first if "(line " in first else " ".join((first, *rest.split()))
