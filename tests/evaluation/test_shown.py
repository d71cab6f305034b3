"""What a report evaluates are the lists that people get: products, order, scores and reasons, as the policy allows."""

from pathlib import Path

import numpy as np
import pytest

from graphrec import Bank
from graphrec.app.requests import Recommend
from graphrec.config.settings import Settings
from graphrec.evaluation.details import Wanted
from graphrec.evaluation.evaluate import evaluate
from graphrec.evaluation.hidden_part import HiddenPart, measure_lists
from graphrec.evaluation.reasons import explanations
from graphrec.graph.edges.adjacency import visible_graph
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.snapshot import Snapshot
from graphrec.home import Home
from graphrec.serving.answer import Item, ListOptions, Reason
from graphrec.serving.engine import Engine, Listed
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from tests.training import bank

K, USERS = 3, 24
POLICY = """version = "1"
[[rule]]
id = "held"
sentence = "held"
require = "not held"
[[rule]]
id = "seen"
sentence = "looked at and left"
require = "not happened('VIEWED')"
"""


def small_bank(folder: Path, *, before: bool = False) -> Snapshot:
    """Users buy four to six of twelve products and look at one; `before`: the hidden purchases are not made yet."""
    bought, viewed, hidden = [], [], []
    for n in range(USERS):
        own = [(5 * n + 7 * place + n // 5) % 12 for place in range(4 + n % 3)]
        user, products = f"u{n:02d}", [f"p{p:02d}" for p in dict.fromkeys(own)]
        hidden.append((user, products[0]))
        bought += [(user, product) for product in products[int(before) :]]
        viewed.append((user, next(p for p in (f"p{(n + m) % 12:02d}" for m in range(12)) if p not in products)))
    events = {
        "BOUGHT": bought,
        "VIEWED": viewed,
        "LIVES_IN": [(f"u{n:02d}", f"t{n % 2}") for n in range(USERS)],
        "IN_SECTOR": [(f"p{p:02d}", f"s{p // 4}") for p in range(12)],
    }
    return bank.make(folder, events, split=None if before else {"test": hidden}, min_group=3)  # type: ignore[arg-type]


def is_counted(reason: Reason) -> bool:
    """Whether lines are in a reason by how many people are counted: of what others have, or of none."""
    return reason.kind == "other" or "others who" in (reason.wording or "")


def printed(items: tuple[Item, ...]) -> list[tuple[object, ...]]:
    """What is printed of each product, but for what is counted in the facts: people, and dates of the Cypher."""
    return [
        (
            *(one.rank, one.product, one.score, one.confidence, one.rest),
            *((reason.wording or reason.text, reason.percent, reason.lines) for reason in one.reasons
              if not is_counted(reason)),
            pytest.approx(sum(reason.percent or 0 for reason in one.reasons if is_counted(reason))),
        )
        for one in items
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kernel", "blend"])
def test_a_report_evaluates_what_recommend_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """The tested model serves a home as it was before the hidden purchases, and prints what the report looked at."""
    home = Home(tmp_path / "home").prepare()
    home.policy.write_text(POLICY, "utf-8")
    snapshot = SnapshotShelf(home.snapshots).add(small_bank)
    folder = train(snapshot, home, TrainOptions(model, fixed=True)).path
    evaluated: dict[str, list[tuple[object, ...]]] = {}
    measured = explanations._of_user

    def noted(engine: Engine, listed: Listed, *others: object) -> object:
        answer = engine.answer(listed, K, ListOptions(explanations.REASONS))
        evaluated[answer.user] = printed(answer.items)
        return measured(engine, listed, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(explanations, "_of_user", noted)
    done = evaluate(snapshot, folder, ks=(K,), baselines=(), home=home, wanted=Wanted(explain_users=USERS))
    assert done.details is not None
    assert done.details.explanations is not None
    assert done.details.explanations.users == len(evaluated) == USERS

    before = SnapshotShelf(home.snapshots).add(lambda folder: small_bank(folder, before=True))
    served = Bank(Settings(home=home.path))
    viewed = bank.seen(before, served.opened.engine(home, model, served.now()).model.graph, "VIEWED")
    split = split_of(snapshot)
    part = HiddenPart.of(snapshot, split, visible_graph(snapshot, split.hidden(split.fitted)))
    lists, ids = np.full((len(part.users), K), -1, np.int32), snapshot.nodes("Product").ids
    for user, wanted in evaluated.items():
        request = Recommend(user, k=K, model=model, reasons=explanations.REASONS, record=False)
        answer = served.recommend(request).answer
        assert printed(answer.items) == wanted
        assert not {(user, item.product) for item in answer.items} & viewed
        row = part.users.tolist().index(snapshot.nodes("User").ids.find(user))
        lists[row, : len(answer.items)] = [ids.find(item.product) for item in answer.items]

    found = done.details.recommended
    assert found is not None
    assert (found.policy, found.users) == (served.recommend(request).answer.policy, USERS)
    by_hand = measure_lists(lists, part, [K], seed=0)
    assert {name: found.metrics[name] for name in by_hand.metrics} == by_hand.metrics
    assert found.length.value == (lists >= 0).sum() / USERS
    # Full ranking holds no refusal against a model: beside it stands what the policy takes away.
    assert {name: found.full[name] for name in by_hand.metrics} == {
        name: done.metrics[name] for name in by_hand.metrics
    }
    gone = [(user, product) in viewed for user, product in hidden_pairs(snapshot, part)]
    assert found.refused.value == pytest.approx(np.mean(gone))
    assert {"gini@3", "diversity@3"} & found.metrics.keys() == {"gini@3", "diversity@3"} & found.full.keys()


def hidden_pairs(snapshot: Snapshot, part: HiddenPart) -> list[tuple[str, str]]:
    """Who has to find what, by ids."""
    owner, products = part.relevant.expand(np.arange(len(part.users)))
    users, ids = snapshot.nodes("User").ids, snapshot.nodes("Product").ids
    return [(users[int(part.users[row])], ids[int(product)]) for row, product in zip(owner, products, strict=True)]
