"""What a customer holds no more stays evidence: it may be offered again, and no reason says that it is held."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from graphrec.graph.edges.adjacency import Hop, visible_graph
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.rows import edge_fields
from graphrec.home import Home
from graphrec.languages import Voice
from graphrec.models.tables.itemknn.neighbours import fit_itemknn
from graphrec.models.walks.kernel import fit_kernel, starting_walks
from graphrec.schema import Column, EdgeSchema
from graphrec.serving.answer import ExplainOptions, ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.why_not import why_not
from graphrec.terms.folder import open_files
from graphrec.terms.forms.blend import Blend
from tests.banks import SCHEMA, small_bank
from tests.served import write_model

ENDED = datetime(2024, 3, 15, tzinfo=UTC)
#: Who holds most.
USER = Counter(small_bank(twice=False)[1]["BOUGHT"]["source"].to_pylist()).most_common(1)[0][0]
NOW = round(datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1_000_000)
HELD = re.compile(r"\bholds?\b|\bhalten\b|\bhält\b|持有")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Engine]:
    """The bank with holdings that end; of USER all but the last one are over."""
    home = Home(tmp_path_factory.mktemp("home")).prepare()
    nodes, edges = small_bank(twice=False)
    rows = edges.pop("BOUGHT").to_pylist()
    mine = sorted({row["target"] for row in rows if row["source"] == USER})
    for n, row in enumerate(rows):
        over = row["target"] != mine[-1] if row["source"] == USER else n % 5 == 0
        row["until"] = ENDED if over else None
    holds = EdgeSchema("HOLDS", "Customer", "Product", (Column("until", "time"),), until="until")
    edges["HOLDS"] = pa.Table.from_pylist(rows, schema=edge_fields(holds.columns))
    roles = replace(
        SCHEMA.roles, interactions=("HOLDS", "VIEWED"), weights={"HOLDS": 1.0, "VIEWED": 0.2}, relevant=("HOLDS",)
    )
    types = {name: edge for name, edge in SCHEMA.edges.items() if name != "BOUGHT"}
    schema = replace(
        SCHEMA, roles=roles, edges={**types, "HOLDS": holds}, reasons={"HOLDS IN_SECTOR <IN_SECTOR": "{a}"}
    )
    snapshot = write_snapshot(home.snapshots / "one", schema, nodes, edges)
    graph = visible_graph(snapshot)
    blend = Blend([fit_kernel(graph, starting_walks(schema)), fit_itemknn(graph)], [1.0, 0.5])
    write_model(home, snapshot, blend, graph)
    folder = next(home.models.iterdir())

    def engine(now: int | None = NOW) -> Engine:
        return Engine(snapshot, open_files(folder).model(snapshot, now=now), now=now)

    return engine


def mine(engine: Engine) -> tuple[list[str], str]:
    """What USER held, and the one that USER holds."""
    row = engine.snapshot.edges("HOLDS")
    place = engine.users.ids.find(USER)
    span = slice(int(row.indptr[place]), int(row.indptr[place + 1]))
    found = [engine.products.ids[int(node)] for node in np.asarray(row.indices[span])]
    return found[:-1], found[-1]


def test_what_is_over_may_be_offered_again(served: Callable[..., Engine]) -> None:
    engine = served()
    over, held = mine(engine)
    assert over
    listed = {item.product for item in engine.recommend(USER, 30).items}
    assert held not in listed
    assert set(over) & listed
    assert why_not(engine, USER, held, 5).refused[0].sentence == "already held"
    assert not why_not(engine, USER, over[0], 5).refused
    day = round(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1_000_000)
    row, place = engine.snapshot.edges("HOLDS"), engine.users.ids.find(USER)
    span = slice(int(row.indptr[place]), int(row.indptr[place + 1]))
    known = np.asarray(row.indices[span])[np.asarray(row.known_at[span]) < day]
    bought = {engine.products.ids[int(node)] for node in known}
    assert bought & set(over)
    assert not {item.product for item in served(day).recommend(USER, 30).items} & bought


@pytest.mark.parametrize("voice", ["adviser", "customer"])
@pytest.mark.parametrize(
    ("language", "until", "earlier"),
    [("en", "until March 2024", "held earlier"), ("de", "bis März 2024", "früher"), ("zh", "至2024年3月", "曾拥有")],
)
def test_no_reason_says_that_it_is_held(
    served: Callable[..., Engine], language: str, until: str, earlier: str, voice: Voice
) -> None:
    engine = served()
    over, held = mine(engine)
    names = {engine.snapshot.name("Product", engine.products.ids.find(one)) or one for one in over}
    current = engine.snapshot.name("Product", engine.products.ids.find(held)) or held
    items = engine.recommend(USER, 30, ListOptions(reasons=None, language=language, voice=voice)).items
    said = [text for item in items for text in [*(r.text for r in item.reasons), *(one.text for one in item.lines)]]
    about = [text for text in said if any(re.search(rf"{re.escape(name)}(?!\d)", text) for name in names)]
    assert about
    assert not [text for text in about if HELD.search(text)]
    assert any(until.replace(" ", "") in text.replace(" ", "") for text in about)
    assert any(earlier in text for text in about)
    alone = [text for text in said if re.search(rf"{re.escape(current)}(?!\d)", text)]
    assert any(HELD.search(text) for text in alone)


def test_ended_holdings_stay_evidence_with_exact_lines(served: Callable[..., Engine]) -> None:
    engine = served()
    over, _ = mine(engine)
    item = engine.explain(USER, engine.recommend(USER, 1).items[0].product, 5, ExplainOptions()).items[0]
    assert item.score == pytest.approx(sum(line.share for line in item.lines) + item.rest, abs=1e-9)
    vias = {line.via.id for line in item.lines if line.via is not None and line.via.label == "Product"}
    assert vias & set(over)


def test_a_line_says_how_long_ago_it_was_where_much_has_faded(served: Callable[..., Engine]) -> None:
    engine = served()
    graph = engine.model.graph
    hop = Hop("VIEWED")
    faded = replace(graph, hops={**graph.hops, hop: graph.hops[hop].fading(90.0, NOW)})
    model = replace(engine.model, blend=engine.model.blend.reading(faded), graph=faded)
    old = Engine(engine.snapshot, model, now=NOW)
    lines = [line for item in old.recommend(USER, 30, ListOptions(reasons=None)).items for line in item.lines]
    viewed = [line for line in lines if line.parameters and "age_days" in line.parameters]
    assert viewed
    for line in viewed:
        assert line.parameters is not None
        assert float(line.parameters["left"]) == pytest.approx(
            2 ** (-float(line.parameters["age_days"]) / 90), abs=1e-6
        )
    assert any(re.search(r"\(\d+ months ago\)", line.text) for line in viewed)
    said = old.recommend(USER, 30, ListOptions(reasons=None, voice="customer")).items
    assert not any("months ago" in line.text for item in said for line in item.lines if line.via)
