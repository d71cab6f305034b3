"""Lists and ledgers: what is shown adds up, nobody else is named, what is held or closed is left out."""

import json
import subprocess
import sys

import numpy as np
import pytest

from graphrec.errors import UnknownId
from graphrec.home import Home
from graphrec.serving.engine import Engine
from tests.banks import SCHEMA


def test_lines_and_rest_add_up_to_the_score(engine: Engine) -> None:
    for number in range(0, 59, 7):
        for item in engine.recommend(f"C{number:03}", 5).items:
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            whole = engine.explain(f"C{number:03}", item.product, 5).items[0]
            assert whole.score == item.score
            assert whole.rank == item.rank
            assert sum(whole.composition.values()) == pytest.approx(whole.score, abs=1e-9)
            assert [line.text for line in whole.lines if line.share > 0][:3] == [line.text for line in item.lines]


def test_score_is_the_models_own(engine: Engine) -> None:
    for user in range(0, 59, 5):
        row = engine.model.blend.row(user)
        products = np.arange(engine.snapshot.count("Product"), dtype=np.int32)
        totals = engine.model.blend.ledger(user, products, row.scales).totals()
        # The spectral factors are float32: the fast row is rounded, the ledger is not.
        np.testing.assert_allclose(totals, row.scores, rtol=2e-6, atol=1e-6)


def test_lists_are_ordered_and_leave_out_held_and_closed(engine: Engine) -> None:
    bought = engine.snapshot.edges("BOUGHT")
    for user in range(59):
        answer = engine.recommend(f"C{user:03}", 20)
        scores = [item.score for item in answer.items]
        assert scores == sorted(scores, reverse=True)
        assert [item.rank for item in answer.items] == list(range(1, len(scores) + 1))
        held = {f"P{n:02}" for n in bought.indices[bought.indptr[user] : bought.indptr[user + 1]]}
        shown = {item.product for item in answer.items}
        assert not shown & held
        assert "P19" not in shown
        assert len(shown) == 20 - len(held | {"P19"})
        assert (
            answer.abstained
            == f"only {len(shown)} products are left that C{user:03} does not hold and that are offered"
        )


def test_nobody_else_appears(engine: Engine) -> None:
    for user in ("C003", "C010"):
        for item in engine.recommend(user, 5, reasons=None).items:
            text = json.dumps([line.__dict__ for line in item.lines])
            assert not {f"C{n:03}" for n in range(60) if f"C{n:03}" in text} - {user}
            for line in item.lines:
                counts = [node["count"] for node in (line.path or []) if "count" in node]
                assert all(count >= SCHEMA.roles.min_group for count in counts)


def test_small_groups_are_the_rest(engine: Engine) -> None:
    item = engine.recommend("C003", 1, reasons=None).items[0]
    shown = sum(line.share for line in item.lines if line.kind == "path")
    assert item.rest == pytest.approx(item.composition["path"] - shown, abs=1e-12)
    assert item.rest > 0


def test_sentences_of_the_mapping_are_used(engine: Engine) -> None:
    lines = [line for item in engine.recommend("C003", 3, reasons=None).items for line in item.lines]
    sector = [line for line in lines if line.path and line.path[3]["type"] == "IN_SECTOR"]
    assert sector
    for line in sector:
        assert line.path is not None
        holding, middle, product = line.path[2], line.path[4], line.path[6]
        if line.path[1]["type"] == "BOUGHT":
            assert line.text == f"{product['name']} is in {middle['name']}, like your {holding['name']}"
        else:
            assert line.text == (
                f"{product['name']} shares the sector {middle['name']} with {holding['name']}, which you viewed"
            )


def test_the_personal_name_is_null(engine: Engine) -> None:
    line = next(line for line in engine.recommend("C003", 1, reasons=None).items[0].lines if line.path)
    assert line.path is not None
    assert line.path[0] == {"label": "Customer", "id": "C003", "name": None}


def test_unknown_user_names_the_nearest(engine: Engine) -> None:
    with pytest.raises(UnknownId) as caught:
        engine.recommend("c00", 5)
    assert str(caught.value) == ("no user 'c00'; the nearest are C000, C050, C040; search with: graphrec find c00")
    with pytest.raises(UnknownId, match=r"no product 'P2X'; the nearest are .*; search with: graphrec find P2X"):
        engine.explain("C001", "P2X", 5)


def test_a_user_without_anything_gets_no_list(engine: Engine) -> None:
    answer = engine.recommend("C059", 5)
    assert answer.items == []
    assert answer.abstained == (
        "there is not enough evidence for C059: no interaction, attribute or text that the model knows"
    )


def test_held_and_closed_products_are_explained_in_one_line(engine: Engine) -> None:
    held = engine.snapshot.edges("BOUGHT").indices[0]
    answer = engine.explain("C000", f"P{held:02}", 5)
    assert answer.abstained == f"P{held:02} is not recommended to C000: already held"
    bought = engine.snapshot.edges("BOUGHT")
    other = next(n for n in range(59) if 19 not in bought.indices[bought.indptr[n] : bought.indptr[n + 1]])
    answer = engine.explain(f"C{other:03}", "P19", 5)
    assert answer.abstained == f"P19 is not recommended to C{other:03}: not offered any more (status)"


def test_contrast_is_the_share_minus_its_mean_over_what_follows(engine: Engine) -> None:
    user, k = 8, 3
    answer = engine.recommend("C008", 30, reasons=None)
    after = answer.items[k : k + 20]
    line = engine.explain("C008", answer.items[0].product, k).items[0].lines[0]
    same = [
        other.share
        for item in after
        for other in item.lines
        if other.via == line.via and other.term == line.term and (other.path or [])[1:4] == (line.path or [])[1:4]
    ]
    if line.path and "count" not in line.path[4]:
        assert line.contrast == pytest.approx(line.share - sum(same) / len(after), abs=1e-12)
    assert user == 8


def test_serving_one_user_imports_no_heavy_package(served_home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from graphrec.home import Home; "
        "from graphrec.serving.engine import Engine; "
        f"answer = Engine.open(Home(Path({str(served_home.path)!r}))).recommend('C003', 5); assert answer.items; "
        "print([name for name in ('torch', 'transformers', 'pandas', 'scipy', 'duckdb', 'networkx', 'pyarrow', "
        "'numba', 'arcadedb', 'neo4j', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_products_left_and_refused_add_up(engine: Engine) -> None:
    for user in range(60):
        answer = engine.recommend(f"C{user:03}", 20)
        left = int(engine.eligibility.mask(user).sum())
        assert sum(answer.refused.values()) + left == engine.snapshot.count("Product")
    masks = engine.eligibility.masks(np.arange(60))
    assert all((masks[user] == engine.eligibility.mask(user)).all() for user in range(60))
