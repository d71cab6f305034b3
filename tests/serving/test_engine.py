"""Lists and ledgers: what is shown adds up, nobody else is named, what is held or closed is left out."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from graphrec.errors import UnknownId
from graphrec.graph.folders.build import write_snapshot
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.serving.answer import ExplainOptions, ListOptions, Node, People
from graphrec.serving.engine import Engine
from tests.banks import SCHEMA, small_bank
from tests.served import copied


@pytest.mark.slow
def test_lines_and_rest_add_up_to_the_score(engine: Engine) -> None:
    for number in range(0, 59, 7):
        for item in engine.recommend(f"C{number:03}", 5).items:
            assert sum(line.share for line in item.lines) + item.rest == pytest.approx(item.score, abs=1e-12)
            whole = engine.explain(f"C{number:03}", item.product, 5).items[0]
            assert whole.score == item.score
            assert whole.rank == item.rank
            assert sum(whole.composition.values()) == pytest.approx(whole.score, abs=1e-9)
            assert [line.text for line in whole.lines if line.share > 0][:5] == [line.text for line in item.lines]


def test_score_is_the_models_own(engine: Engine) -> None:
    for user in range(0, 59, 5):
        row = engine.model.blend.row(user)
        products = np.arange(engine.snapshot.count("Product"), dtype=np.int32)
        totals = engine.model.blend.ledger(user, products, row.scales).totals()
        # The spectral factors are float32: the fast row is rounded, the ledger is not.
        np.testing.assert_allclose(totals, row.scores, rtol=2e-6, atol=1e-6)


@pytest.mark.slow
def test_lists_are_ordered_and_leave_out_held_and_closed(engine: Engine) -> None:
    bought = engine.snapshot.edges("BOUGHT")
    outweighed = 0
    for user in range(59):
        answer = engine.recommend(f"C{user:03}", 20)
        scores = [item.score for item in answer.items]
        assert scores == sorted(scores, reverse=True)
        assert [item.rank for item in answer.items] == list(range(1, len(scores) + 1))
        held = {f"P{n:02}" for n in bought.indices[bought.indptr[user] : bought.indptr[user + 1]]}
        shown = {item.product for item in answer.items}
        assert not shown & held
        assert "P19" not in shown
        left = {f"P{n:02}" for n in range(20)} - held - {"P19"} - shown
        assert all(engine.explain(f"C{user:03}", product, 20).items[0].score <= 0 for product in left)
        outweighed += len(left)
        if left:
            why = f"since what is known of C{user:03} speaks no more for them than against them"
            assert answer.abstained == f"other products left out, {why}: {len(left)}"
        else:
            assert answer.abstained == f"products left that C{user:03} does not hold and that are offered: {len(shown)}"
    assert outweighed


def test_nobody_else_appears(engine: Engine) -> None:
    for user in ("C003", "C010"):
        for item in engine.recommend(user, 5, ListOptions(reasons=None)).items:
            text = json.dumps([asdict(line) for line in item.lines])
            assert not {f"C{n:03}" for n in range(60) if f"C{n:03}" in text} - {user}
            for line in item.lines:
                counts = [node.count for node in line.nodes if isinstance(node, People)]
                assert all(count >= SCHEMA.roles.min_group for count in counts)


def test_small_groups_leave_no_rest(engine: Engine) -> None:
    item = engine.recommend("C003", 1, ListOptions(reasons=None)).items[0]
    shown = sum(line.share for line in item.lines if line.kind == "path")
    assert shown == pytest.approx(item.composition["path"], abs=1e-12)
    assert item.rest == pytest.approx(0, abs=1e-12)


def test_sentences_of_the_mapping_are_used(engine: Engine) -> None:
    options = ListOptions(reasons=None, voice="customer")
    lines = [line for item in engine.recommend("C003", 3, options).items for line in item.lines]
    sector = [line for line in lines if line.path and line.steps[1].type == "IN_SECTOR"]
    assert sector
    for line in sector:
        holding, middle, _ = (node.name for node in line.nodes[1:] if isinstance(node, Node))
        if line.steps[0].type == "BOUGHT":
            assert line.text == f"it is in {middle}, like your {holding}"
        else:
            assert line.text == f"is in {middle}, like {holding}, which you looked at"


def test_the_personal_name_is_null(engine: Engine) -> None:
    line = next(line for line in engine.recommend("C003", 1, ListOptions(reasons=None)).items[0].lines if line.path)
    assert line.path is not None
    assert line.path[0] == Node("Customer", "C003", None)


def test_unknown_user_names_the_nearest(engine: Engine) -> None:
    with pytest.raises(UnknownId) as caught:
        engine.recommend("c00", 5)
    assert str(caught.value) == ("no user 'c00'; the nearest are C000, C050, C040; search with: graphrec find c00")
    with pytest.raises(UnknownId, match=r"no product 'P2X'; the nearest are .*; search with: graphrec find P2X"):
        engine.explain("C001", "P2X", 5)


def test_a_user_without_anything_gets_no_list(engine: Engine) -> None:
    answer = engine.recommend("C059", 5)
    assert answer.items == ()
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


def test_contrast_is_the_share_minus_its_mean_over_the_products_of_reference(engine: Engine) -> None:
    everything = engine.recommend("C008", 30, ListOptions(reasons=None)).items
    for k in (1, 3):
        lines = engine.explain("C008", everything[0].product, k).items[0].lines
        assert lines == everything[0].lines
    shown = {item.product for item in everything}
    explained = [engine.explain("C008", f"P{n:02}", 1).items for n in range(20) if f"P{n:02}" not in shown]
    everything += tuple(item for items in explained for item in items)
    checked = 0
    for line in (line for item in everything for line in item.lines):
        if line.path and not any(isinstance(part, People) for part in line.path):
            same = [
                other.share for item in everything for other in item.lines
                if other.via == line.via and other.term == line.term and (other.path or ())[1:-1] == line.path[1:-1]
            ]  # fmt: skip
            # There are fewer products than a reference has: all of them are in it.
            assert line.contrast == pytest.approx(line.share - sum(same) / len(everything), abs=1e-12)
            checked += 1
    assert checked


def test_serving_one_user_imports_no_heavy_package(served_home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from graphrec.home import Home; "
        "from graphrec.serving.engine import Engine; "
        "from graphrec.serving.proof.audit import audited; from graphrec.serving.why_not import why_not; "
        f"engine = Engine.open(Home(Path({str(served_home.path)!r}))); "
        "answer = engine.recommend('C003', 5); product = answer.items[-1].product; "
        "assert audited(engine, engine.explain('C003', product, 3)).items[0].audit; "
        "assert why_not(engine, 'C003', product, 2).ahead; "
        "print([name for name in ('torch', 'transformers', 'pandas', 'scipy', 'duckdb', 'networkx', 'pyarrow', "
        "'numba', 'arcadedb', 'neo4j', 'matplotlib', 'safetensors', 'graphrec.store', 'graphrec.models', "
        "'graphrec.training', 'graphrec.evaluation', 'graphrec.loading', 'graphrec.cli') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.slow
def test_products_left_and_refused_add_up(engine: Engine) -> None:
    for user in range(60):
        answer = engine.recommend(f"C{user:03}", 20)
        left = int(engine.eligibility.mask(user).sum())
        assert sum(answer.refused.values()) + left == engine.snapshot.count("Product")
    masks = engine.eligibility.masks(np.arange(60))
    assert all((masks[user] == engine.eligibility.mask(user)).all() for user in range(60))


def test_composition_states_every_part_and_no_user_id(engine: Engine) -> None:
    for user in ("C003", "C008"):
        for item in engine.recommend(user, 5).items:
            assert list(item.composition) == ["path", "text", "learned", "pair", "attribute", "general", "new", "self"]
            assert item.composition["self"] == 0.0
            assert sum(item.composition.values()) == pytest.approx(item.score, abs=1e-9)
            lines = engine.explain(user, item.product, 5).items[0].lines
            attribute = sum(line.share for line in lines if line.kind == "attribute")
            assert item.composition["attribute"] == pytest.approx(attribute, abs=1e-12)
            similar = sum(line.share for line in lines if line.kind == "similarity")
            assert item.composition["text"] + item.composition["learned"] == pytest.approx(similar, abs=1e-12)


def test_nobody_is_shown_fewer_people_than_min_group(engine: Engine) -> None:
    counts = []
    for number in range(0, 59, 4):
        for item in engine.recommend(f"C{number:03}", 3, ListOptions(reasons=None)).items:
            assert item.rest == pytest.approx(0, abs=1e-12)
            for line in item.lines:
                people = [part.count for part in line.path or () if isinstance(part, People)]
                counts += [count for count in people if count is not None]
    assert min(counts) == engine.roles.min_group == 3


def test_plain_order_is_that_of_the_shares(engine: Engine) -> None:
    item = engine.recommend("C008", 1).items[0]
    plain = engine.explain("C008", item.product, 1, ExplainOptions(plain=True)).items[0]
    shares = [line.share for line in plain.lines]
    assert shares == sorted(shares, reverse=True)
    assert engine.explain("C008", item.product, 1).items[0].lines == plain.lines
    top = engine.recommend("C008", 1, ListOptions(plain=True)).items[0]
    assert [line.share for line in top.lines] == shares[:5]
    percents = [reason.percent for reason in top.reasons if reason.percent is not None and reason.kind != "other"]
    assert percents == sorted(percents, reverse=True)
    assert top.score == item.score


def test_confidence_falls_with_the_rank_and_shortens_the_list(engine: Engine) -> None:
    whole = engine.recommend("C008", 5)
    values = [item.confidence for item in whole.items]
    assert values == sorted(values, reverse=True)
    assert 0 < values[-1] < values[0] < 1
    assert whole.abstained is None
    cut = engine.recommend("C008", 5, ListOptions(min_confidence=(values[1] + values[2]) / 2))
    assert cut.items == whole.items[:2]
    threshold = f"{(values[1] + values[2]) / 2:g}"
    assert cut.abstained == (
        f"3 more products are left out: they do not reach the confidence of {threshold} that was asked for; "
        f"the best has {values[2]:.2f}"
    )
    four = engine.recommend("C008", 5, ListOptions(min_confidence=values[3]))
    assert four.items == whole.items[:4]
    assert four.abstained == (
        f"one more product is left out: it does not reach the confidence of {values[3]:g} that was asked for; "
        f"the best has {values[4]:.2f}"
    )
    none = engine.recommend("C008", 5, ListOptions(min_confidence=0.999, language="zh"))
    assert (none.items, none.abstained) == ((), f"没有产品达到所要求的置信度0.999，最高为{values[0]:.2f}")


def test_a_language_changes_words_alone(engine: Engine) -> None:
    english, chinese = engine.recommend("C008", 3), engine.recommend("C008", 3, ListOptions(language="zh"))
    for one, other in zip(english.items, chinese.items, strict=True):
        assert (one.product, one.score, one.rest) == (other.product, other.score, other.rest)
        for line, said in zip(one.lines, other.lines, strict=True):
            assert replace(line, text="", wording="") == replace(said, text="", wording="")
    assert any("该客户" in line.text for item in chinese.items for line in item.lines)


def test_an_answer_keeps_its_date_when_equal_content_is_taken_for_another(served_home: Home, tmp_path: Path) -> None:
    copied(served_home, tmp_path / "home")
    home = Home(tmp_path / "home")
    before = Engine.open(home).recommend("C003", 5)
    later = SnapshotShelf(home.snapshots).add(
        lambda path: write_snapshot(path, SCHEMA, *small_bank(), as_of=datetime(2030, 1, 1, tzinfo=UTC))
    )
    assert later.hash == before.snapshot
    assert Engine.open(home).snapshot.as_of is None
    assert Engine.open(home).recommend("C003", 5) == before
