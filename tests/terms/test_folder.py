"""A model folder gives what was written, on any snapshot of its schema, or says what is wrong with it."""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from graphrec.errors import CheckpointMismatch, Damaged
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.folders.arrays import META
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.terms.folder import ARRAYS, FORMS, open_files, open_model, read_meta, schema_digest, write_model
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from tests.banks import SCHEMA, bank_snapshot, small_bank
from tests.served import META as SAID
from tests.served import rewrite_meta
from tests.terms.models import KINDS, answers, served, term_of

ROOT = Path(__file__).parents[2]
ANSWERING = """
import sys
from pathlib import Path
from graphrec.errors import GraphrecError
from graphrec.home import Home
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from tests.terms.models import answers
for folder in sys.argv[1:]:
    try:
        print(answers(Engine.open(Home(Path(folder)))), flush=True)
    except GraphrecError as error:
        print(f"{type(error).__name__}: {error}".replace("\\n", "|"), flush=True)
"""


def in_a_process(homes: list[Path]) -> list[str]:
    """What each home answers, or the one line of its error; a crash fails the test."""
    done = subprocess.run(
        [sys.executable, "-c", ANSWERING, *map(str, homes)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(homes)
    return lines


def damaged(home: Path, to: Path) -> list[Path]:
    """Copies of a home, each with one flip, cut or deletion in a file of its model."""
    rng = np.random.default_rng(1)
    found: list[Path] = []
    for name in (META, ARRAYS, "checksums"):
        content = (home / "serving" / "models" / "blend-final" / name).read_bytes()
        changed: list[bytes | None] = [content[: len(content) // 2], b"", None]
        for place in rng.integers(0, len(content), 12).tolist():
            flipped = bytearray(content)
            flipped[place] ^= 1 << int(rng.integers(8))
            changed.append(bytes(flipped))
        for new in changed:
            copy = to / str(len(found))
            shutil.copytree(home, copy)
            path = copy / "serving" / "models" / "blend-final" / name
            path.unlink()
            if new is not None:
                path.write_bytes(new)
            found.append(copy)
    return found


@pytest.fixture(scope="module")
def damages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By kind of model what its home and its damaged copies answer; one process asks all of them."""
    homes: dict[str, list[Path]] = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp("damaged")
        home = served(folder / "home", kind)
        homes[kind] = [home.path, *damaged(home.path, folder)]
    lines = iter(in_a_process([home for some in homes.values() for home in some]))
    return {kind: [next(lines) for _ in some] for kind, some in homes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_model_gives_the_same_lists_or_an_error_that_names_it(
    tmp_path: Path, kind: str, damages: dict[str, list[str]]
) -> None:
    whole = answers(Engine.open(served(tmp_path / "home", kind)))
    first, *lines = damages[kind]
    assert first == whole
    errors = [line for line in lines if line != whole]
    assert len(lines) == 45
    assert len(errors) > len(lines) // 2
    for line in errors:
        assert line.startswith(("Damaged: ", "NotTrained: ", "SchemaOutdated: ")), line[:200]
        assert "blend-final" in line or "no model" in line
        assert "run: graphrec train" in line


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gives_the_scores_and_lines_that_were_written(tmp_path: Path, kind: str) -> None:
    snapshot = bank_snapshot(tmp_path / "snapshot")
    graph = visible_graph(snapshot)
    blend = Blend([term_of(kind, graph)], [1.0])
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", blend, graph, snapshot, SAID)
    opened = open_model(tmp_path / "model", snapshot).blend
    products = np.arange(graph.num_products, dtype=np.int32)
    for user in range(0, graph.num_users, 7):
        row = opened.row(user)
        assert row.scores.tobytes() == blend.row(user).scores.tobytes()
        ledger, expected = (one.ledger(user, products, row.scales) for one in (opened, blend))
        assert ledger.values.tobytes() == expected.values.tobytes()
        assert ledger.via.tolist() == expected.via.tolist()
    users = np.arange(graph.num_users, dtype=np.int32)
    assert opened.batch(users).tobytes() == blend.batch(users).tobytes()


def newer_snapshot(folder: Path) -> Snapshot:
    """The small bank with customers, products and a sector before, between and after the old ones, and one gone."""
    nodes, edges = small_bank()

    def added(table: pa.Table, *ids: str) -> pa.Table:
        rows = [{**table.to_pylist()[0], "id": one} for one in ids]
        whole = pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])
        return whole.sort_by("id")

    nodes["Customer"] = added(nodes["Customer"], "A", "C003x", "Z")
    nodes["Product"] = added(nodes["Product"], "A1", "P07x", "Z1")
    nodes["Sector"] = added(nodes["Sector"], "A2")
    extra = {**edges["BOUGHT"].to_pylist()[0], "source": "A", "target": "A1", "key": "new"}
    more = pa.concat_tables([edges["BOUGHT"], pa.Table.from_pylist([extra], schema=edges["BOUGHT"].schema)])
    edges["BOUGHT"] = more
    return write_snapshot(folder, SCHEMA, nodes, edges)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_serves_a_newer_snapshot_by_ids(tmp_path: Path, kind: str) -> None:
    old = bank_snapshot(tmp_path / "old")
    new = newer_snapshot(tmp_path / "new")
    graph = visible_graph(old)
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", Blend([term_of(kind, graph)], [1.0]), graph, old, SAID)
    files = open_files(tmp_path / "model")
    before, after = Engine(old, files.model(old)), Engine(new, files.model(new))
    assert not before.model.ids
    # What has the same ids in both is not in the way.
    assert {"Product"} <= set(after.model.ids) <= {"Product", "Sector"}  # no folder names customers
    assert old.nodes("Customer").ids.find("C008") != new.nodes("Customer").ids.find("C008")
    for user in ("C000", "C003", "C008", "C050"):
        was, now = (engine.recommend(user, 4, ListOptions(reasons=None)) for engine in (before, after))
        # Products below those that nothing speaks for may be no candidates, of which there are more now.
        was_liked, now_liked = ([one for one in answer.items if one.score > 0] for answer in (was, now))
        assert [one.product for one in was_liked] == [one.product for one in now_liked]
        # The spread counts the new products too; what scores consist of is the same.
        scale = was.items[0].score / now.items[0].score
        for item, same in zip(was_liked, now_liked, strict=True):
            assert item.score == pytest.approx(scale * same.score)
            assert len(item.lines) == len(same.lines)
    assert bool(after.recommend("Z", 4).items) == (kind == "everyone")
    assert not after.explain("C008", "A1", 4).items


def test_another_schema_is_refused_with_both_hashes(tmp_path: Path) -> None:
    old = bank_snapshot(tmp_path / "old")
    graph = visible_graph(old)
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", Blend([term_of("walks", graph)], [1.0]), graph, old, SAID)
    nodes, edges = small_bank()
    turned = replace(SCHEMA.edges["IN_SECTOR"], source="Sector", target="Product")
    edges["IN_SECTOR"] = edges["IN_SECTOR"].slice(0, 0)
    other = write_snapshot(
        tmp_path / "other", replace(SCHEMA, edges={**SCHEMA.edges, "IN_SECTOR": turned}), nodes, edges
    )
    with pytest.raises(CheckpointMismatch) as caught:
        open_files(tmp_path / "model").model(other)
    meta = open_files(tmp_path / "model").meta
    labels, hops = meta.labels, [Hop.parse(text) for text in meta.description.hops]
    first, second = (schema_digest(one.schema, labels, hops)[:16] for one in (old, other))
    assert str(caught.value) == (
        f"model model was trained on labels, edge types and min_group {first}, those of snapshot {other.hash[:16]} are "
        f"{second}; run: graphrec train"
    )
    with pytest.raises(CheckpointMismatch, match="was trained on snapshot"):
        open_files(tmp_path / "model").model(newer_snapshot(tmp_path / "new"), exact=True)


@pytest.mark.slow
def test_readers_of_a_model_that_is_replaced_all_the_time_never_see_two(tmp_path: Path) -> None:
    homes = [served(tmp_path / name, "walks", seed) for seed, name in enumerate(("one", "two"))]
    expected = {open_files(home.models / "blend-final").meta.hash: answers(Engine.open(home)) for home in homes}
    assert len(set(expected.values())) == 2
    shared = Home(tmp_path / "shared").prepare()
    shutil.copytree(homes[0].snapshots, shared.snapshots, dirs_exist_ok=True)
    target = shared.models / "blend-final"
    stop = threading.Event()

    def put(home: Home) -> None:
        with replace_folder(target) as folder:
            shutil.copytree(home.models / "blend-final", folder, dirs_exist_ok=True)

    put(homes[0])
    swapping = "\n".join((
        "import shutil, sys", "from pathlib import Path", "from graphrec.files import replace_folder",
        "while True:", "    for source in sys.argv[2:]:", "        with replace_folder(Path(sys.argv[1])) as folder:",
        "            shutil.copytree(source, folder, dirs_exist_ok=True)",
    ))  # fmt: skip
    writer = subprocess.Popen(
        [sys.executable, "-c", swapping, str(target), *(str(home.models / "blend-final") for home in homes[::-1])]
    )
    try:
        seen = []
        for _ in range(100):
            engine = Engine.open(shared)
            seen.append(engine.model.hash)
            one = engine.recommend("C008", 4, ListOptions(reasons=None)).to_json()
            assert json.dumps(one, sort_keys=True) in expected[engine.model.hash]
        assert writer.poll() is None
        assert len(set(seen)) == 2
    finally:
        stop.set()
        writer.kill()
        writer.wait()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_threads_that_share_an_opened_model_get_the_same_answers(tmp_path: Path, kind: str) -> None:
    home = served(tmp_path / "home", kind)
    expected = answers(Engine.open(home))
    for _ in range(3):
        engine = Engine.open(home)
        found: list[str] = []
        begin = threading.Barrier(6)

        def ask(engine: Engine = engine, found: list[str] = found, begin: threading.Barrier = begin) -> None:
            begin.wait()
            found.append(answers(engine))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 6


WITHOUT = """
import json
import sys
for name in ("numba", "scipy", "pyarrow", "safetensors"):
    sys.modules[name] = None
from pathlib import Path
from graphrec.home import Home
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.lists import recommend_many
engine = Engine.open(Home(Path(sys.argv[1])))
users, options = ("C003", "C008", "C021", "C030"), ListOptions(reasons=None)
found = [engine.recommend(user, 4, options).to_json() for user in users]
found += [engine.explain(user, "P05", 4).to_json() for user in users]
positions = [engine.users.ids.find(user) for user in users]
found += [answer.to_json() for answer in recommend_many(engine, positions, 4, options)]
assert not [name for name in sys.modules if name.startswith(("graphrec.training", "graphrec.models"))]
print(json.dumps(found, sort_keys=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_without_numba_and_scipy_answers_are_the_same_bytes(tmp_path: Path, kind: str) -> None:
    home = served(tmp_path / "home", kind)
    asked = [sys.executable, "-c", WITHOUT, str(home.path)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == answers(Engine.open(home))


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_found_by_the_name_that_its_class_has(name: str) -> None:
    module, _, form = FORMS[name].partition(":")
    assert getattr(import_module(module), form).form == name


def test_a_table_that_walks_share_is_written_once(tmp_path: Path) -> None:
    graph = visible_graph(snapshot := bank_snapshot(tmp_path / "bank"))
    texts = ("BOUGHT <BOUGHT BOUGHT", "VIEWED <BOUGHT BOUGHT", "BOUGHT <BOUGHT VIEWED")
    walks = [Walk(tuple(Hop.parse(hop) for hop in text.split()), (0.7, 0.6, 0.3)) for text in texts]
    blend = Blend([fit_kernel(graph, [walk]) for walk in walks], [1.0, 1.0, 1.0])
    (tmp_path / "model").mkdir()
    write_model(tmp_path / "model", blend, graph, snapshot, SAID)
    files = open_files(tmp_path / "model")
    tables = {name for name in files.files.tensors(ARRAYS) if "/people/" in name or name.endswith("/counts")}
    parts = ("0/counts", "0/people/indices", "0/people/indptr", "0/people/values")
    assert tables == {f"{term}/{part}" for term in ("t0", "t2") for part in parts}
    opened = files.model(snapshot).blend
    for user in range(0, 60, 7):
        assert opened.row(user).scores.tobytes() == blend.row(user).scores.tobytes()


def test_a_model_is_checked_as_a_whole_where_that_is_asked(tmp_path: Path) -> None:
    snapshot = bank_snapshot(tmp_path / "snapshot")
    graph = visible_graph(snapshot)
    folder = tmp_path / "ease-test"
    folder.mkdir()
    write_model(folder, Blend([term_of("table", graph)], [1.0]), graph, snapshot, SAID)
    open_model(folder, snapshot).verify()
    content = bytearray((folder / ARRAYS).read_bytes())
    content[-1] ^= 1
    (folder / ARRAYS).write_bytes(content)
    with pytest.raises(Damaged, match=ARRAYS):
        open_files(folder).model(snapshot).verify()


def test_a_meta_that_says_something_else_is_one_line(tmp_path: Path) -> None:
    snapshot = bank_snapshot(tmp_path / "snapshot")
    graph = visible_graph(snapshot)
    folder = tmp_path / "ease-test"
    folder.mkdir()
    write_model(folder, Blend([term_of("table", graph)], [1.0]), graph, snapshot, SAID)
    for name, value in (("labels", 3), ("hidden", {"known_from": "May"}), ("description", {"terms": []})):
        rewrite_meta(folder, **{name: value})
        for read in (read_meta, open_files):
            with pytest.raises(Damaged) as caught:
                read(folder)
            text = str(caught.value)
            assert text.startswith(f"{folder / 'meta.json'} is damaged: ")
            assert text.endswith("; run: graphrec train --model ease")
