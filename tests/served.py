"""A served model on a small bank."""

import json
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from graphrec.delivery.rows import Rows, Run
from graphrec.delivery.sinks import Recorded, SinkReport, Target, deliver, sink_for, unrecorded
from graphrec.delivery.store_sink import STORE, StoreReport
from graphrec.features.sources.text.cache import StoredVectors
from graphrec.files import replace_folder
from graphrec.graph.edges.adjacency import Graph, Hop, visible_graph
from graphrec.graph.folders.arrays import SEAL, write_sealed
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.progress import Progress, silent
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.store.base import Store
from graphrec.terms.folder import write_model as write_files
from graphrec.terms.forms.blend import Blend
from graphrec.terms.forms.factors import FactorTerm, Neighbours
from graphrec.terms.meta import Trained
from tests.banks import bank_snapshot

#: What the folder of a model that was fitted on everything says besides.
META = Trained(kind="blend", final=True)
#: The files of the shared home as they were after the last test that uses it.
_LISTED: dict[Path, set[tuple[str, tuple[int, int]]]] = {}


def rewrite_meta(folder: Path, **changes: object) -> None:
    """Write the meta.json of a folder again with other values and the seal that fits them."""
    content = json.loads((folder / "meta.json").read_text("utf-8"))
    write_sealed(folder / "meta.json", {**{key: one for key, one in content.items() if key != SEAL}, **changes})


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the snapshot of the small bank and a final blend of kernel and random factors."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    snapshot = SnapshotShelf(home.snapshots).add(bank_snapshot)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(snapshot.schema)), random_factors(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    _LISTED[home.path] = listed(home.path)
    return home


@pytest.fixture(autouse=True)
def served_home_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that writes into the shared home fails, since tests after it would see what it wrote."""
    yield
    if "served_home" in request.fixturenames:
        home: Home = request.getfixturevalue("served_home")
        before, after = _LISTED[home.path], listed(home.path)
        _LISTED[home.path] = after
        changed = sorted({path for path, _ in before ^ after})
        assert not changed, f"the shared home is for reading; write to copied(served_home, …): {changed}"


def listed(folder: Path) -> set[tuple[str, tuple[int, int]]]:
    """The files below a folder, each with its size and when it was written."""
    found = ((path, path.stat()) for path in folder.rglob("*") if path.is_file())
    return {(str(path.relative_to(folder)), (stat.st_size, stat.st_mtime_ns)) for path, stat in found}


def copied(home: Home, folder: Path) -> Path:
    """A copy of a shared home for one test: without the record and the logs that other tests wrote into it."""
    return Path(shutil.copytree(home.path, folder, ignore=shutil.ignore_patterns("records", "logs")))


@pytest.fixture
def own_home(served_home: Home, tmp_path: Path) -> Home:
    """A copy of the shared home that the test may write to."""
    return Home(copied(served_home, tmp_path / "own-home"))


def write_model(home: Home, snapshot: Snapshot, blend: Blend, graph: Graph) -> None:
    """A blend as the final model of a home, fitted on all of a snapshot."""
    with replace_folder(home.models / "blend-final") as folder:
        write_files(folder, blend, graph, snapshot, META)


def random_factors(graph: Graph) -> FactorTerm:
    """Two thin random matrices over holdings and age bands, with two dimensions of text."""
    rng = np.random.default_rng(5)
    products, bands = (rng.normal(size=(graph.counts[label], 6)).astype(np.float32) for label in ("Product", "AgeBand"))
    neighbours = [Neighbours(Hop("BOUGHT"), products), Neighbours(Hop("IN_AGE_BAND"), bands)]
    return FactorTerm("factors", graph, neighbours, products, text_dim=2)


@pytest.fixture
def engine(served_home: Home) -> Engine:
    """The engine of that home."""
    return Engine.open(served_home)


LISTED = ListOptions()


def export_lists(
    engine: Engine,
    path: Path,
    k: int,
    *,
    record: Recorded = unrecorded,
    options: ListOptions | None = None,
    raw: bool = False,
    progress: Progress = silent,
) -> SinkReport:
    """Deliver lists to a file."""
    target = Target(engine, path, raw, bom=False, open_store=_no_store, texts=lambda: None)
    rows = Rows(engine, Run.of(engine, k, LISTED))
    return deliver(sink_for(path, None)[0], target, k, options or LISTED, rows=rows, record=record, progress=progress)


def write_back(
    engine: Engine,
    store: Store,
    k: int,
    *,
    texts: StoredVectors | None = None,
    options: ListOptions | None = None,
    progress: Progress = silent,
) -> StoreReport:
    """Deliver lists to a store that stays open."""
    target = Target(engine, None, False, bom=False, open_store=lambda: nullcontext(store), texts=lambda: texts)
    report = deliver(STORE, target, k, options or ListOptions(reasons=STORE.reasons), progress=progress)
    assert isinstance(report, StoreReport)
    return report


def _no_store() -> Store:
    raise AssertionError("files need no store")
