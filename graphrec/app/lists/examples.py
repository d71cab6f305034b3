"""A few customers to show a bank with."""

import numpy as np
from numpy.typing import NDArray

from graphrec.app.bank import Bank
from graphrec.app.results import Examples
from graphrec.serving.engine import Engine

#: Customers with at least this many holdings have something to explain.
HOLDINGS = 5
SHOWN = 3
#: Of these, those are shown to whom the policy leaves products.
SAMPLE = 60


def examples(bank: Bank) -> Examples:
    """Customers who hold something and may be shown something, far apart in the list."""
    engine = bank.opened.engine(bank.home, None, bank.now())
    users = _customers(engine)
    refused = int(np.flatnonzero(~engine.eligibility.mask(engine.users.ids.find(users[0])))[0])
    best = engine.recommend(users[0], 1).items[0].product
    return Examples(users, best, engine.products.ids[refused])


def example_users(bank: Bank) -> tuple[str, ...]:
    """Customers who hold something and may be shown something; none where there are none."""
    return _customers(bank.opened.engine(bank.home, None, bank.now()))


def _customers(engine: Engine) -> tuple[str, ...]:
    snapshot, roles = engine.snapshot, engine.roles
    holdings = sum(np.diff(snapshot.edges(name).indptr) for name in roles.relevant)
    users = np.flatnonzero(holdings >= HOLDINGS)
    tried = users[_spread(len(users), SAMPLE)]
    served = tried[engine.eligibility.masks(tried).sum(axis=1) >= HOLDINGS]
    return tuple(engine.users.ids[int(user)] for user in served[_spread(len(served), SHOWN)])


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    """Positions far apart among `count`."""
    if not count:
        return np.zeros(0, np.int64)
    return np.unique(np.linspace(0, count - 1, wanted).astype(np.int64))
