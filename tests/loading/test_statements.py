"""The SQL of a mapping is one SELECT over its own files: every way out is refused with one line, and nothing runs."""

import errno
import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.errors import SourceError, Unwritable
from graphrec.loading import check, load_mapping
from graphrec.loading.run.select import only_select
from graphrec.loading.sources.database import lock_database, open_database, run_limited, scratch_folder
from graphrec.loading.sources.files import find_files, read_files
from graphrec.loading.sources.sql import LETTERS
from graphrec.progress import silent
from tests.loading.conftest import Bank

KEYS = ("nodes.AgeBand.sql", "edges.VIEWED.sql", "series.price.sql", "split.test", "split.valid", "split.refit")
SQL_OF = {
    "nodes.AgeBand.sql": "SELECT DISTINCT age_band AS band FROM customers",
    "edges.VIEWED.sql": "SELECT customer, product, viewed_at FROM views",
    "series.price.sql": "SELECT isin, day, close, volume FROM prices",
    "split.test": "SELECT 'C2' AS customer_id, 'P1' AS isin",
    "split.valid": "SELECT customer_id, isin FROM holdout",
    "split.refit": "SELECT count(*) = 0 FROM holdout",
}
WRITES = {
    "COPY (SELECT 1) TO 'trades.csv'": "holds a COPY",
    "SELECT 1; COPY (SELECT 1) TO 'trades.csv'": "holds 2 statements",
    "SELECT 1) TO 'trades.csv'; COPY (SELECT 1": "Parser Error",
    "SELECT age_band AS band FROM customers); COPY (SELECT 1) TO 'trades.csv' --": "Parser Error",
    "/* SELECT */ DELETE FROM customers": "holds a DELETE",
    "DELETE FROM customers": "holds a DELETE",
    "DELETE FROM customers RETURNING age_band": "holds a DELETE",
    "INSERT INTO customers SELECT * FROM customers": "holds an INSERT",
    "UPDATE customers SET age_band = 'x'": "holds an UPDATE",
    "TRUNCATE customers": "holds a DELETE",
    "MERGE INTO customers USING customers c ON true WHEN MATCHED THEN DELETE": "holds a MERGE INTO",
    "CREATE TABLE t AS SELECT 1": "holds a CREATE",
    "CREATE MACRO f() AS 1": "holds a CREATE",
    "CREATE SECRET s (TYPE s3)": "holds a CREATE",
    "DROP TABLE customers": "holds a DROP",
    "ALTER TABLE customers ADD COLUMN x INT": "holds an ALTER",
    "WITH gone AS (DELETE FROM customers RETURNING *) SELECT age_band AS band FROM gone": "holds a DELETE",
    "WITH more AS (INSERT INTO customers FROM customers RETURNING *) FROM more": "holds an INSERT",
    "WITH other AS (UPDATE customers SET age_band = 'x' RETURNING *) FROM other": "holds an UPDATE",
    "EXPORT DATABASE 'out'": "holds an EXPORT",
    "IMPORT DATABASE 'out'": "holds a PRAGMA",
    "ATTACH 'other.db'": "holds an ATTACH",
    "DETACH memory": "holds a DETACH",
    "USE memory": "holds a SET",
    "INSTALL httpfs": "holds a LOAD",
    "LOAD httpfs": "holds a LOAD",
    "SET threads = 1": "holds a SET",
    "RESET threads": "holds a SET",
    "PRAGMA database_list": "holds a PRAGMA",
    "CALL pragma_version()": "holds a CALL",
    "CHECKPOINT": "holds a CALL",
    "VACUUM": "holds a VACUUM",
    "BEGIN": "holds a TRANSACTION",
    "PREPARE p AS SELECT 1": "holds a PREPARE",
    "EXECUTE p": "holds an EXECUTE",
    "EXPLAIN SELECT 1": "holds an EXPLAIN",
    "SELECT 1; SELECT 2": "holds 2 statements",
    "": "= '' is not a text",
    "-- SELECT 1": "holds no statement",
    ";": "holds no statement",
}
READS = {
    "FROM read_text('trades.csv')": "reads read_text(…)",
    "SELECT * FROM READ_BLOB('trades.csv')": "reads read_blob(…)",
    "FROM read_csv('trades.csv')": "reads read_csv(…)",
    "FROM read_json('views/2024-01.jsonl')": "reads read_json(…)",
    "FROM read_parquet('x.parquet')": "reads read_parquet(…)",
    "FROM parquet_metadata('x.parquet')": "reads parquet_metadata(…)",
    "FROM sniff_csv('trades.csv')": "reads sniff_csv(…)",
    "FROM read_duckdb('other.db')": "reads read_duckdb(…)",
    "FROM glob('*')": "reads glob(…)",
    "FROM 'trades.csv'": "reads 'trades.csv'",
    "FROM customers, (SELECT * FROM customers, LATERAL (FROM glob('*')))": "reads glob(…)",
    "SELECT (SELECT max(content) FROM read_text('trades.csv')) AS band FROM customers": "reads read_text(…)",
    "SELECT age_band FROM customers WHERE age_band IN (SELECT file FROM glob('*'))": "reads glob(…)",
    "SELECT age_band FROM customers UNION ALL FROM read_text('trades.csv')": "reads read_text(…)",
    "WITH a AS (WITH b AS (FROM read_text('x')) FROM b) FROM a": "reads read_text(…)",
    "FROM query('COPY customers TO ''trades.csv''')": "reads query(…)",
    "FROM query_table('customers')": "reads query_table(…)",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))": "reads json_execute_serialized_sql(…)",
    "FROM enable_profiling(save_location := 'trades.csv')": "reads enable_profiling(…)",
    "FROM enable_logging(storage := 'file', storage_path := 'out')": "reads enable_logging(…)",
    "FROM checkpoint()": "reads checkpoint(…)",
    "FROM duckdb_settings()": "reads duckdb_settings(…)",
    "FROM duckdb_secrets()": "reads duckdb_secrets(…)",
    "FROM duckdb_settings": "reads 'duckdb_settings'",
    "FROM information_schema.tables": "reads 'information_schema.tables'",
    "FROM sqlite_master": "reads 'sqlite_master'",
    "FROM memory.main.customers": "reads 'memory.main.customers'",
    "SELECT getenv('HOME') AS band": "calls getenv(…)",
    "SELECT main.GETENV('HOME') AS band": "calls getenv(…)",
    "SELECT current_setting('temp_directory') AS band": "calls current_setting(…)",
    "SELECT getvariable('x') AS band": "calls getvariable(…)",
    "SELECT write_log('x') AS band": "calls write_log(…)",
    "SELECT nextval('s') AS band": "calls nextval(…)",
    "SHOW TABLES": "holds a DESCRIBE, SHOW or SUMMARIZE",
    "FROM (DESCRIBE customers)": "holds a DESCRIBE, SHOW or SUMMARIZE",
    "SUMMARIZE customers": "holds a DESCRIBE, SHOW or SUMMARIZE",
    "PIVOT customers ON age_band": "has a PIVOT without its values",
}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("sql", [*WRITES, *READS])
def test_every_way_out_is_refused(bank: Bank, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.edit("bank.toml", SQL_OF["nodes.AgeBand.sql"], sql)
    before = content(bank.folder)
    monkeypatch.chdir(bank.folder)
    messages = []
    for run in (bank.load, bank.check):
        with pytest.raises(SourceError) as caught:
            run()
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert messages[0].startswith(f"{bank.mapping} line 36: nodes.AgeBand.sql")
    assert {**WRITES, **READS}[sql] in messages[0]
    assert "\n" not in messages[0]
    assert content(bank.folder) == before
    assert bank.sink.nodes == {}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "sql", ["COPY (SELECT 1) TO 'trades.csv'", "DELETE FROM customers", "FROM read_text('trades.csv')"]
)
def test_every_key_with_sql_is_checked(bank: Bank, key: str, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.edit("bank.toml", SQL_OF[key], sql)
    before = content(bank.folder)
    monkeypatch.chdir(bank.folder)
    for run in (bank.load, bank.check):
        with pytest.raises(SourceError) as caught:
            run()
        assert re.match(rf"{bank.mapping} line \d+: {key} ", str(caught.value))
    assert content(bank.folder) == before


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT age_band AS band FROM customers -- all of them", None),
        ("SELECT age_band AS band FROM customers; -- all of them", "SELECT age_band AS band FROM customers"),
        ("/* ä; */ FROM Customers ;;", "/* ä; */ FROM Customers "),
        ("WITH a AS (FROM customers), b AS (FROM a) SELECT ';' FROM b", None),
        ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) FROM t", None),
        ("SELECT * FROM range(3) AS r, unnest([1, 2]) AS u", None),
        ("VALUES ('18-29'), ('30-39')", None),
        ("SELECT * FROM (PIVOT customers ON sex IN ('F', 'M'))", None),
        ("UNPIVOT customers ON sex, age_band", None),
        ("SELECT age_band FROM customers c WHERE EXISTS (FROM trades t WHERE t.customer_id = c.customer_id)", None),
        ("SELECT list_transform([1], x -> x + 1), now() FROM customers ASOF JOIN trades USING (customer_id)", None),
        ("FROM customers TABLESAMPLE 10%", None),
    ],
)
def test_what_a_select_may_say(sql: str, text: str | None) -> None:
    with duckdb.connect() as parser:
        assert only_select(parser, sql, ["customers", "trades"], "my.toml: nodes.A.sql") == (text or sql)


def test_an_unknown_table_names_the_nearest() -> None:
    with duckdb.connect() as parser, pytest.raises(SourceError) as caught:
        only_select(parser, "FROM custommers", ["customers", "trades"], "my.toml: nodes.A.sql")
    assert str(caught.value) == (
        "my.toml: nodes.A.sql reads 'custommers', which is no table of [source.files]; did you mean 'customers'?"
    )


def test_sql_that_is_nested_deep(bank: Bank) -> None:
    bank.edit("bank.toml", SQL_OF["nodes.AgeBand.sql"], "SELECT " + "(" * 400 + "'18-29'" + ")" * 400 + " AS band")
    assert bank.check(max_rejected=9).nodes["AgeBand"].read == 1
    bank.edit("bank.toml", "SELECT ((((", "SELECT " + "1 + " * 20_000 + "((((")
    with pytest.raises(SourceError) as caught:
        bank.check()
    assert str(caught.value) == (
        f"{bank.mapping} line 36: nodes.AgeBand.sql: Parser Error: Max expression depth limit of 1000 exceeded; "
        "correct its SQL"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_text('/etc/passwd')",
        "FROM glob('/*')",
        "FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '/tmp/graphrec-out.csv'",
        "ATTACH '/tmp/graphrec-out.db'",
        "EXPORT DATABASE '/tmp/graphrec-out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT getenv('HOME')",
        "SET memory_limit = '1GB'",
        "SET enable_external_access = true",
        "SET allowed_configs = ['memory_limit']",
        "RESET lock_configuration",
        "FROM enable_profiling(save_location := '/tmp/graphrec-out.json')",
    ],
)
def test_a_locked_database_refuses_by_itself(tmp_path: Path, statement: str) -> None:
    """The second wall: were such a statement not refused before, it would fail."""
    with (
        scratch_folder(tmp_path) as scratch,
        open_database(scratch, blame="test", advice="none") as database,
    ):
        lock_database(database)
        with pytest.raises(duckdb.Error):
            database.execute(statement).fetchall()
    assert not list(Path("/tmp").glob("graphrec-out*"))


def test_the_tables_of_a_locked_database_are_copies(bank: Bank, tmp_path: Path) -> None:
    """Nothing in it refers to a file, a decoded copy or a link to one: Parquet files are tables too."""
    pq.write_table(pa.table({"band": ["x", "y"]}), bank.folder / "bands.parquet")
    bank.edit("bank.toml", "[source.files]", '[source.files]\nbands = "bands.parquet"')
    mapping = load_mapping(bank.mapping)
    with (
        scratch_folder(tmp_path / "home") as scratch,
        open_database(scratch, blame="test", advice="none") as database,
    ):
        read_files(database, mapping, find_files(mapping, bank.folder), bank.folder, scratch, silent)
        (bank.folder / "bands.parquet").unlink()
        lock_database(database)
        assert [path.name for path in scratch.iterdir() if path.name not in {"spill", "lock"}] == []
        assert database.execute("SELECT band FROM bands ORDER BY band").fetchall() == [("x",), ("y",)]
        assert database.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_sql_that_never_ends_has_a_limit_of_time(bank: Bank) -> None:
    endless = "SELECT CAST(sum(hash(a.range + b.range)) AS VARCHAR) AS band FROM range(10000000) a, range(10000000) b"
    bank.edit("bank.toml", SQL_OF["nodes.AgeBand.sql"], endless)
    with pytest.raises(SourceError) as caught:
        check(load_mapping(bank.mapping), bank.folder, sql_seconds=0.5)
    assert str(caught.value) == (
        f"{bank.mapping} line 36: nodes.AgeBand.sql ran for more than 0.5 seconds, the limit of one statement; "
        "correct its SQL, or raise the limit: sql_seconds in graphrec.toml or GRAPHREC_SQL_SECONDS"
    )


def test_a_refit_that_never_ends_has_the_same_limit(bank: Bank) -> None:
    endless = "SELECT count(*) = 0 FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = -1"
    bank.edit("bank.toml", SQL_OF["split.refit"], endless)
    with pytest.raises(SourceError, match=r"split\.refit ran for more than 0.5 seconds, the limit of one statement"):
        check(load_mapping(bank.mapping), bank.folder, sql_seconds=0.5)


def test_the_database_prints_nothing(tmp_path: Path) -> None:
    """DuckDB writes a progress bar to stdout after two seconds, in the middle of what --json prints."""
    with (
        scratch_folder(tmp_path) as scratch,
        open_database(scratch, blame="test", advice="none") as database,
    ):
        assert database.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        duckdb.OutOfMemoryException("failed to offload data block (1 MB/1 MB used): max_temp_directory_size"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_full_disk_names_the_folder(tmp_path: Path, error: Exception) -> None:
    with (
        pytest.raises(Unwritable) as caught,
        scratch_folder(tmp_path) as scratch,
        open_database(scratch, blame="my.toml", advice="correct its SQL"),
    ):
        raise error
    assert str(caught.value) == (
        f"folder {tmp_path} cannot be written: No space left on device; "
        "free space there, or name another home with --home"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_limit_that_is_kept_changes_nothing(tmp_path: Path) -> None:
    with (
        scratch_folder(tmp_path) as scratch,
        open_database(scratch, blame="test", advice="none") as database,
    ):
        assert run_limited(database, "SELECT 1", 60, "test") == [(1,)]
        assert database.execute("SELECT 2").fetchall() == [(2,)]


def test_letters_are_those_of_unicode_in_the_scripts_of_banks() -> None:
    """What `LETTERS` stands for: its classes are compiled in a twentieth of the time of \\pL, and say the same here."""
    signs = "aZäßéŁżяЖΩ中国あカ한ก" + "09 .,;:!?-–—_%/()[]（）。、「」€£¥$°§©×÷\u00a0\u202f"
    with duckdb.connect() as database:
        for sign in signs:
            found = database.execute(
                "SELECT regexp_matches(?, ?), regexp_matches(?, '\\pL')", [sign, f"[{LETTERS}]", sign]
            )
            ours, theirs = found.fetchall()[0]
            assert ours == theirs == sign.isalpha(), sign
