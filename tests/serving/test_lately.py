"""What was taken lately has a sentence of its own: how many people took it since the day that the model says."""

import re
from pathlib import Path

from graphrec.graph.edges.adjacency import visible_graph
from graphrec.home import Home
from graphrec.serving.engine import Engine
from graphrec.terms.folder import open_model
from graphrec.training.fit import TrainOptions, train
from graphrec.training.split import split_of
from tests.training import bank

SAID = re.compile(r"(?:has been a frequent choice since (.+): (\d+) people took it|(\d+) people took it since (.+))")
DAYS, USERS, PRODUCTS = 10, 40, 11


def test_people_since_the_half_life_are_counted(tmp_path: Path) -> None:
    """Customer n bought product p on day 10 p + n: of the last products all buyers are recent, of the first none."""
    bought: list[bank.Event] = [
        (f"u{n}", f"p{p:02}", 10 * p + n) for p in range(PRODUCTS) for n in range(USERS) if (n + p) % 3
    ]
    bought.append(("u1", "p02", 95))
    snapshot = bank.make(tmp_path / "snapshot", {"BOUGHT": bought}, min_group=3)
    home = Home(tmp_path / "home").prepare()
    options = TrainOptions("trend", fixed=True, overrides={"trend": {"half_life_days": float(DAYS)}})
    model = open_model(train(snapshot, home, options).path, snapshot)
    engine = Engine(snapshot, model)
    split = split_of(snapshot)
    now = visible_graph(snapshot, split.hidden(split.fitted)).now
    assert now is not None
    assert split.cuts is not None
    since = now - DAYS * (bank.day(1) - bank.day(0))
    found: dict[str, tuple[int, bool]] = {}
    for user in engine.users.ids:
        for item in engine.recommend(user, PRODUCTS).items:
            for said in filter(None, (SAID.fullmatch(reason.text) for reason in item.reasons)):
                found[item.product] = int(said[2] or said[3]), said[1] is not None
    recent = {
        product: {one for one, other, day in bought if other == product and since <= bank.day(day) < split.cuts[1]}
        for product in engine.products.ids
    }
    most = max(len(people) for people in recent.values())
    assert found
    assert found == {product: (len(recent[product]), len(recent[product]) == most) for product in found}
    assert {often for _, often in found.values()} == {True, False}
    assert all(len(recent[product]) >= 3 for product in found)
    assert any(0 < len(people) < 3 for people in recent.values())
