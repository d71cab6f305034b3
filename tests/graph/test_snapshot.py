"""Snapshots: exact values, and what was written or a line that names the file."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import Damaged, GraphrecError, SchemaOutdated
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.find import find
from graphrec.graph.folders.arrays import CHECKSUMS, read_sealed, seal
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import FORMAT, REMEDY, Snapshot, content_hash
from graphrec.graph.memory import MemorySink
from graphrec.loading import load_mapping, run_load
from graphrec.schema import Kind
from graphrec.store import open_store
from graphrec.store.read import take_snapshot
from tests.banks import bank_snapshot
from tests.policy.graphs import compiled, rule, snapshot_of
from tests.served import rewrite_meta
from tests.training import bank

KINDS: dict[str, Kind] = {"account": "integer", "rate": "real", "wants": "boolean", "since": "time"}
LARGE = [2**53 + 1, 2**53 + 2, -(2**53) - 1, 2**63 - 1, -(2**63), -(2**63) + 1, None]
NOON = datetime(2024, 2, 29, 12, 0, 0, 123457, tzinfo=UTC)


def rows() -> list[dict[str, object]]:
    values: list[dict[str, object]] = [
        {"account": account, "rate": 0.1 + n, "wants": n % 2 == 0, "since": NOON} for n, account in enumerate(LARGE)
    ]
    return [{name: value for name, value in row.items() if value is not None} for row in values] + [{}]


def test_values_of_every_kind_are_kept_exactly(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path / "s", rows(), [{}], kinds=KINDS)
    users = [{name: snapshot.value("User", name, n) for name in KINDS} for n in range(len(LARGE) + 1)]
    assert [user["account"] for user in users] == [*LARGE, None]
    assert [type(user["account"]) for user in users[:3]] == [int, int, int]
    assert [user["rate"] for user in users] == [0.1 + n for n in range(len(LARGE))] + [None]
    assert [user["wants"] for user in users] == [True, False, True, False, True, False, True, None]
    since = (NOON - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    assert [user["since"] for user in users] == [since] * len(LARGE) + [None]
    assert snapshot.nodes("User").column("account").values.dtype == np.int64  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("condition", "users"),
    [
        ("user.account == 9007199254740993", [0]),
        ("user.account == -9007199254740993", [2]),
        ("user.account in [9007199254740993, 0.5]", [0]),
        ("user.account > 9007199254740993", [1, 3]),
        ("user.account == 9223372036854775807", [3]),
        ("user.account == -9223372036854775807", [5]),
        ("user.account < -9223372036854775807", [4]),
        ("user.account != 9007199254740992", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_rule_tells_large_integers_apart(tmp_path: Path, condition: str, users: list[int]) -> None:
    snapshot = snapshot_of(tmp_path / "s", rows(), [{}], kinds=KINDS)
    masks = compiled(snapshot, rule(condition, sentence="{user.account}")).masks(np.arange(len(LARGE)))
    assert np.flatnonzero(masks[:, 0]).tolist() == users
    ones = [compiled(snapshot, rule(condition)).masks(np.array([user]))[0, 0] for user in range(len(LARGE))]
    assert np.flatnonzero(ones).tolist() == users


def test_a_sentence_prints_a_large_integer_to_its_last_digit(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path / "s", rows(), [{}], kinds=KINDS)
    (found,) = compiled(snapshot, rule("user.account == 1", sentence="account {user.account}")).refusals(0, 0)
    assert found.sentence == "account 9,007,199,254,740,993"
    assert found.values["user.account"] == 9007199254740993


BANK = """
[source]
name = "accounts"
[source.files]
customers = "customers.csv"
trades = "trades.csv"
[roles]
user = "Customer"
product = "Product"
interactions = ["BOUGHT"]
relevant = ["BOUGHT"]
[nodes.Customer]
key = "id"
sql = "SELECT id, account::BIGINT AS account, opened::TIMESTAMP AS opened FROM customers"
[nodes.Product]
key = "product"
sql = "SELECT DISTINCT product FROM trades"
[edges.BOUGHT]
from = "Customer.customer"
to = "Product.product"
sql = "SELECT customer, product FROM trades"
"""


def test_integers_are_exact_on_both_ways(tmp_path: Path) -> None:
    (tmp_path / "bank.toml").write_text(BANK)
    lines = [f"c{n},{'' if value is None else value},2024-02-29 12:00:00.123457" for n, value in enumerate(LARGE)]
    (tmp_path / "customers.csv").write_text("\n".join(["id,account,opened", *lines]) + "\n")
    (tmp_path / "trades.csv").write_text("customer,product\n" + "".join(f"c{n},p{n}\n" for n in range(len(LARGE))))
    mapping = load_mapping(str(tmp_path / "bank.toml"))
    sink = MemorySink()
    run_load(mapping, tmp_path, sink)
    straight = write_snapshot(tmp_path / "straight", sink.schema, sink.nodes, sink.edges)
    with open_store(None, tmp_path / "store") as store:
        run_load(mapping, tmp_path, store.sink())
        taken = take_snapshot(store, SnapshotShelf(tmp_path / "snapshots"))
    for snapshot in (straight, taken):
        assert [snapshot.value("Customer", "account", n) for n in range(len(LARGE))] == LARGE
        assert (
            snapshot.value("Customer", "opened", 0) == (NOON - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution
        )
    assert taken.hash == straight.hash


def test_content_that_is_the_same_keeps_its_hash_from_format_1(tmp_path: Path) -> None:
    snapshot = bank_snapshot(tmp_path / "s")
    assert snapshot.meta.format == FORMAT == 2
    assert snapshot.hash == "ab889a5f1577195a3b6771c0a3ab6be294c5b863e3ebdad2d6459d19d802f71a"
    assert content_hash(snapshot.folder, snapshot.meta) == snapshot.hash


def test_a_snapshot_of_format_1_is_refused_with_the_command_that_makes_a_new_one(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    snapshot = shelf.add(bank_snapshot)
    meta = json.loads((snapshot.folder / "meta.json").read_text())
    (snapshot.folder / "meta.json").write_text(json.dumps({**meta, "format": 1}))
    (tmp_path / "latest").write_text(f"{snapshot.folder.name}\n")
    for read in (shelf.latest, lambda: shelf.of_hash(snapshot.hash)):
        with pytest.raises(SchemaOutdated, match=r"has format 1, this graphrec reads 2; run: graphrec snapshot$"):
            read()
    assert shelf.add(bank_snapshot).hash == shelf.latest().hash == snapshot.hash


def damages(path: Path) -> Iterator[str]:
    """A file cut, lengthened, removed, emptied, and with one bit flipped at ten places; whole again at the end."""
    content = path.read_bytes()
    size = len(content)
    places = sorted({0, 1, 8, size // 7, size // 3, size // 2, 2 * size // 3, size - 40, size - 9, size - 1})
    for place in places:
        if 0 <= place < size:
            changed = bytearray(content)
            changed[place] ^= 1 << place % 8
            path.write_bytes(changed)
            yield f"bit {place % 8} of byte {place}"
    for named, changed in (
        ("half", content[: size // 2]),
        ("a byte less", content[:-1]),
        ("a byte more", content + b"\0"),
    ):
        path.write_bytes(changed)
        yield named
    path.write_bytes(b"")
    yield "nothing"
    path.unlink()
    yield "no file"
    path.write_bytes(content)


def everything(snapshot: Snapshot) -> list[object]:
    """All that a snapshot answers, with the graph that is fitted on."""
    found: list[object] = [snapshot.hash, snapshot.as_of, snapshot.schema.to_json()]
    for label in snapshot.labels:
        nodes = snapshot.nodes(label)
        found += [list(nodes.ids), nodes.known_at.whole().tolist(), snapshot.texts(label)]
        found += [[nodes.column(name).get(n) for n in range(len(nodes))] for name in nodes.columns]
        found += [find(snapshot, label, "fund"), nodes.ids.find("C003"), snapshot.name(label, 0)]
    for name in snapshot.types:
        edges = snapshot.edges(name)
        found += [array.whole().tolist() for array in (edges.at, edges.known_at, edges.in_indptr, edges.in_indices)]
    graph = visible_graph(snapshot)
    for hop, adjacency in graph.hops.items():
        found += [str(hop), adjacency.indptr.tolist(), adjacency.indices.tolist(), adjacency.weights(0).tolist()]
    pairs = snapshot.split_pairs("test")
    return [*found, None if pairs is None else pairs.tolist()]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a shelf with the tiny bank: texts, times, series, weights and a split."""
    data = Path(__file__).resolve().parent.parent / "data" / "tiny_bank"
    sink = MemorySink()
    run_load(load_mapping(str(data / "bank.toml")), data, sink, max_rejected=10)
    split = {str(part): pairs for part, pairs in (sink.split or {}).items()}
    folder = tmp_path_factory.mktemp("shelf")
    SnapshotShelf(folder).add(
        lambda path: write_snapshot(path, sink.schema, sink.nodes, sink.edges, sink.series, split)
    )
    return folder


@pytest.mark.slow
def test_every_damage_of_every_file_is_one_line_or_changes_nothing(tiny: Path) -> None:
    shelf = SnapshotShelf(tiny)
    whole = everything(shelf.latest())
    files = [path for path in sorted(tiny.rglob("*")) if path.is_file() and path.name != "lock"]
    assert {path.name for path in files} >= {
        "latest",
        "meta.json",
        CHECKSUMS,
        "id.data.npy",
        "indptr.npy",
        "weight.npy",
    }
    tried = refused = 0
    codes: set[int] = set()
    for path in files:
        for what in damages(path):
            tried += 1
            try:
                found = everything(shelf.latest())
            except GraphrecError as error:
                refused += 1
                line = str(error)
                named = (
                    path.name in line
                    or (path.name == "meta.json" and path.parent.name in line)
                    or "no snapshot" in line
                )
                assert named, f"{path.relative_to(tiny)}, {what}: {line}"
                assert "run: graphrec " in line
                assert "\n" not in line
                codes.add(error.exit_code)
            else:
                assert found == whole, f"{path.relative_to(tiny)}, {what}: another answer and no error"
    assert everything(shelf.latest()) == whole
    assert codes <= {4, 5}
    assert tried > 10 * len(files)
    assert refused > 0.9 * tried, "what no value is read from may differ: columns in which all is missing, white space"


@pytest.mark.slow
def test_what_reads_one_row_finds_the_damage_of_its_page_alone(tmp_path: Path) -> None:
    snapshot = bank_snapshot(tmp_path / "s", customers=9000, products=30)
    times = snapshot.folder / "edges" / str(snapshot.types.index("BOUGHT")) / "at.npy"
    content = bytearray(times.read_bytes())
    content[-1] ^= 1
    times.write_bytes(content)
    again = Snapshot.open(snapshot.folder)
    first, last = again.edges("BOUGHT").indptr[0], again.edges("BOUGHT").indptr[1]
    assert again.edges("BOUGHT").at[first:last].tolist() == snapshot.edges("BOUGHT").at[first:last].tolist()
    with pytest.raises(
        Damaged, match=r"at.npy is damaged: its bytes .* are not what was written; run: graphrec snapshot"
    ):
        again.edges("BOUGHT").at[-1]
    for reads_all in (visible_graph, Snapshot.verify):
        with pytest.raises(Damaged):
            reads_all(again)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("indices.npy", lambda array: array + 1000, "indices.npy is damaged: its targets are not among 20 nodes"),
        ("indices.npy", lambda array: array - 1000, "indices.npy is damaged: its targets are not among 20 nodes"),
        ("indptr.npy", lambda array: array[::-1].copy(), "indptr.npy is damaged: its rows are not those of"),
        ("indptr.npy", lambda array: np.where(array == array[5], array + 9**9, array), "its rows are not those of"),
        ("indptr.npy", lambda array: array + 1, "its rows are not those of"),
    ],
)
def test_rows_and_targets_out_of_range_never_reach_compiled_code(
    tmp_path: Path, name: str, change: "np.ufunc", message: str
) -> None:
    folder = bank_snapshot(tmp_path / "s").folder
    path = folder / "edges" / "0" / name
    assert path.parent.exists()
    np.save(path, change(np.load(path)))
    seal(folder, read_sealed(folder / "meta.json", FORMAT, REMEDY))
    with pytest.raises(Damaged, match=message):
        visible_graph(Snapshot.open(folder))


def test_a_damaged_snapshot_is_made_anew_and_a_whole_one_is_kept(tmp_path: Path) -> None:
    shelf = SnapshotShelf(tmp_path)
    first = shelf.add(bank_snapshot)
    kept = (first.folder / "meta.json").stat().st_ino
    assert (shelf.add(bank_snapshot).folder / "meta.json").stat().st_ino == kept
    (first.folder / "nodes" / "0" / "id.data.npy").write_bytes(b"")
    with pytest.raises(Damaged, match=r"id.data.npy is damaged: it has 0 bytes of \d+; run: graphrec snapshot$"):
        shelf.latest().verify()
    shelf.add(bank_snapshot).verify()
    assert (first.folder / "meta.json").stat().st_ino != kept
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first.folder.name, "latest", "lock"])


def test_only_numpy_is_needed_to_read_a_snapshot(tmp_path: Path) -> None:
    folder = bank_snapshot(tmp_path / "s").folder
    script = (
        "import sys; from pathlib import Path; from graphrec.graph.folders.snapshot import Snapshot;"
        f"s = Snapshot.open(Path({str(folder)!r})); s.nodes('Customer').ids.find('C001'); s.edges('BOUGHT').at[3];"
        "print([m for m in ('scipy', 'pandas', 'pyarrow', 'numba', 'duckdb', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_events_after_today_do_not_move_the_date_of_answers(tmp_path: Path) -> None:
    mistyped = datetime(2204, 3, 1, tzinfo=UTC)
    events = {"BOUGHT": [("u0", "p0", 1), ("u0", "p1", (mistyped - bank.DAY_ZERO).days)]}
    snapshot = bank.make(tmp_path / "s", events)
    assert snapshot.meta.last == (bank.DAY_ZERO + timedelta(days=1)).isoformat()
    assert snapshot.ahead == (
        "1 event is after today, the latest on 2204-03-01: mistyped years? They do not move the date of answers, "
        "2024-01-02; correct them in the files and load again"
    )
    alone = bank.make(tmp_path / "alone", {"BOUGHT": events["BOUGHT"][1:]})
    assert (alone.meta.last, alone.ahead) == (mistyped.isoformat(), None)
    assert bank.make(tmp_path / "past", {"BOUGHT": events["BOUGHT"][:1]}).ahead is None


def test_a_meta_that_says_something_else_is_one_line(tmp_path: Path) -> None:
    folder = bank_snapshot(tmp_path / "s").folder
    for change in ({"hash": 7}, {"types": None}, {"nodes": {"Customer": "six"}}, {"undated": []}):
        shutil.copytree(folder, tmp_path / "copy")
        rewrite_meta(tmp_path / "copy", **change)
        with pytest.raises(Damaged) as caught:
            Snapshot.open(tmp_path / "copy")
        text = str(caught.value)
        assert text.startswith(f"{tmp_path / 'copy' / 'meta.json'} is damaged: {next(iter(change))}"), text
        assert text.endswith("; run: graphrec snapshot")
        shutil.rmtree(tmp_path / "copy")
