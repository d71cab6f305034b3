"""Diversification: how products move with what the customer holds, line by line of the holdings.

    x_a = value of a / wealth, cash among it        W[a, i] = -cov(a, i) / c
    score(u, i) = sum over a: x_a W[a, i] = -cov(i, portfolio of u) / c

cov is that of daily returns, a year; c is one number for the whole bank, and no blend divides the term by its spread
for a customer. The wealth is that before any deletion: what is deleted is sold, and its worth is cash then. Cash and
riskless products have a covariance of 0. A product without returns has no line, as candidate and as holding.

What a part d of the wealth in product i, taken from all else alike, makes of the volatility:

    sigma'^2 = (1 - d)^2 sigma^2 + 2 d (1 - d) cov(i, portfolio) + d^2 var(i)
"""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from graphrec.frozen import dataclass
from graphrec.graph.edges.adjacency import Graph, Hop
from graphrec.graph.edges.wealth import Wealth
from graphrec.terms.base import Described, Stored, Term
from graphrec.terms.ledger import Edge, LineGroup, Shares

Floats = NDArray[np.float64]
DELTA = 0.05
"""The part of the wealth of which sentences speak."""
NONE = -1


@dataclass(frozen=True, eq=False)
class Moves:
    """How products move together, and where the amounts of customers stand.

    Shapes: place (num_products,) the row of each product in `rows`, NONE without; rows (num_rows, num_days), so that
    rows[a] @ rows[i] = cov(a, i) / scale; last (num_products,) the last price, NaN without.
    """

    place: NDArray[np.int32]
    rows: Floats
    last: Floats
    scale: float
    """c."""
    types: tuple[str, ...]
    """Edge types with amounts."""
    cash: str | None
    """Column of customers."""


@dataclass(frozen=True, eq=False)
class Holdings:
    """What one customer holds, in parts of their wealth.

    Shapes: type, product (num_held,), part (num_held,).
    """

    type: NDArray[np.int64]
    product: NDArray[np.int32]
    part: Floats


class PortfolioTerm(Term):
    """The term of a bank.

    Args:
        gone: holdings that are deleted, by user: type and product.
    """

    form = "portfolio"
    folds_in = True
    has_own_scale = True

    def __init__(
        self, name: str, graph: Graph, moves: Moves, gone: "dict[int, frozenset[tuple[str, int]]] | None" = None
    ) -> None:
        self.name = name
        self.graph = graph
        self.moves = moves
        self._gone = gone or {}

    @property
    def hops(self) -> frozenset[Hop]:
        """The hops to what is held."""
        return frozenset(Hop(name) for name in self.moves.types)

    def left(self, user: int) -> float:  # noqa: ARG002
        """1: amounts do not fade."""
        return 1.0

    def lefts(self, users: NDArray[np.int32]) -> None:  # noqa: ARG002
        """None: amounts do not fade."""
        return

    def knows(self, user: int) -> bool:  # noqa: ARG002
        """False: it orders what others speak for."""
        return False

    @property
    def is_collaborative(self) -> bool:
        """Its lines speak of things with a name."""
        return False

    def held(self, user: int) -> Holdings:
        """What a user holds, in parts of the wealth before any deletion; only what has returns."""
        worth, wealth = self._worth(np.array([user], np.int32))
        gone = self._gone.get(user, frozenset())
        types, products, parts = [], [], []
        for number, (name, (_, products_of, values)) in enumerate(zip(self.moves.types, worth, strict=True)):
            for product, value in zip(products_of.tolist(), values.tolist(), strict=True):
                if self.moves.place[product] != NONE and (name, product) not in gone:
                    types.append(number)
                    products.append(product)
                    parts.append(value / wealth[0])
        return Holdings(np.array(types, np.int64), np.array(products, np.int32), np.array(parts, np.float64))

    def scores(self, user: int) -> Floats:
        """Minus the covariance of every product with the portfolio, by c (num_products,)."""
        return self._scores(self.held(user))

    def _scores(self, held: Holdings) -> Floats:
        found = np.zeros(self.graph.num_products)
        if len(held.part):
            there = np.flatnonzero(np.asarray(self.moves.place) != NONE)
            rows = np.asarray(self.moves.rows)
            found[there] = -(rows @ (held.part @ rows[self.moves.place[held.product]]))[self.moves.place[there]]
        return found

    def batch(self, users: NDArray[np.int32]) -> NDArray[np.float32]:
        """The scores (len(users), num_products), rounded."""
        moved = self.portfolios(users)
        rows, place = np.asarray(self.moves.rows), np.asarray(self.moves.place)
        found = np.zeros((len(users), self.graph.num_products), np.float32)
        there = np.flatnonzero(place != NONE)
        found[:, there] = -(moved @ rows.T)[:, place[there]]
        return found

    def portfolios(self, users: NDArray[np.int32]) -> Floats:
        """The returns of portfolios in units of `rows` (len(users), num_days)."""
        rows, place = np.asarray(self.moves.rows), np.asarray(self.moves.place)
        worth, wealth = self._worth(users)
        found = np.zeros((len(users), rows.shape[1]))
        for of_user, products, values in worth:
            there = place[products] != NONE
            parts = values[there] / wealth[of_user[there]]
            np.add.at(found, of_user[there], parts[:, None] * rows[place[products[there]]])
        for row, user in enumerate(users.tolist()):
            if user in self._gone:
                held = self.held(user)
                found[row] = held.part @ rows[place[held.product]]
        return found

    def standardised(
        self, users: NDArray[np.int32], weight: float = 1.0, out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """`batch` times `weight`: it has a scale of its own."""
        del out
        return self.batch(users) * np.float32(weight)

    def shares(self, user: int, products: NDArray[np.int32]) -> Shares:
        """One line per holding with returns."""
        held, moves = self.held(user), self.moves
        place = np.asarray(moves.place)
        wanted = place[products]
        rows = np.where((wanted != NONE)[:, None], np.asarray(moves.rows)[np.maximum(wanted, 0)], 0.0)
        parts = []
        for number, name in enumerate(moves.types):
            own = held.type == number
            if own.any():
                values = -(held.part[own, None] * (np.asarray(moves.rows)[place[held.product[own]]] @ rows.T))
                group = LineGroup("diversification", Hop(name))
                parts.append((group, held.product[own], np.full(int(own.sum()), -1, np.int32), values))
        return Shares.stack(parts) if parts else Shares.none(len(products))

    def without_edges(self, user: int, edges: Sequence[Edge]) -> Self:
        """The same, with what these edges say sold to cash."""
        sold = {(hop.type, via) for hop, via in edges if hop is not None and not hop.reverse}
        other = copy(self)
        other._gone = {**self._gone, user: self._gone.get(user, frozenset()) | sold}
        return other

    def last_price(self, product: int) -> float:
        """The last price of a product; NaN without one."""
        return float(self.moves.last[product])

    def wealth(self, user: int) -> float:
        """What a user has with cash, before any deletion."""
        return float(self._worth(np.array([user], np.int32))[1][0])

    def pull(self, one: int, other: int) -> float:
        """The covariance of two products by c; 0 where one has no returns."""
        here, there = (int(self.moves.place[product]) for product in (one, other))
        if NONE in (here, there):
            return 0.0
        return float(np.asarray(self.moves.rows[here]) @ np.asarray(self.moves.rows[there]))

    def correlation(self, one: int, other: int) -> float | None:
        """That of two products; None: one has no returns, or does not move."""
        here, there = (int(self.moves.place[product]) for product in (one, other))
        if NONE in (here, there):
            return None
        a, b = np.asarray(self.moves.rows[here]), np.asarray(self.moves.rows[there])
        length = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / length if length else None

    def volatilities(self, user: int, product: int, delta: float = DELTA) -> tuple[float, float] | None:
        """The volatility of the portfolio a year, and with a part of the wealth in a product; None: no returns."""
        place = int(self.moves.place[product])
        held = self.held(user)
        if place == NONE or not len(held.part):
            return None
        rows = np.asarray(self.moves.rows)
        own, whole = rows[place], held.part @ rows[self.moves.place[held.product]]
        before = float(whole @ whole)
        after = (1 - delta) ** 2 * before + 2 * delta * (1 - delta) * float(own @ whole) + delta**2 * float(own @ own)
        return float(np.sqrt(self.moves.scale * before)), float(np.sqrt(self.moves.scale * max(after, 0.0)))

    def describe(self) -> Described:
        """How products move, and where amounts stand."""
        moves, product = self.moves, self.graph.schema.roles.product
        settings = {"scale": moves.scale, "types": list(moves.types), "cash": moves.cash}
        arrays = {
            "place": Stored(np.asarray(moves.place), (product,)),
            "last": Stored(np.asarray(moves.last), (product,)),
            "rows": Stored(np.asarray(moves.rows), (None, None)),
        }
        return Described(self.name, settings, arrays)

    @classmethod
    def open(cls, described: Described, graph: Graph) -> Self:
        """The described term."""
        settings = described.settings
        arrays = {name: np.asarray(stored.values) for name, stored in described.arrays.items()}
        moves = Moves(
            arrays["place"], arrays["rows"], arrays["last"], float(settings["scale"]), tuple(settings["types"]),
            settings["cash"],
        )  # fmt: skip
        return cls(described.name, graph, moves)

    def _worth(
        self, users: NDArray[np.int32]
    ) -> tuple[list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]], Floats]:
        """Rows, products and worth of what some users hold, by type, and the wealth of each (len(users),), above 0."""
        return worth_of(self.moves, self._wealth, users)

    @property
    def _wealth(self) -> Wealth:
        assert self.graph.wealth is not None, "a graph with customers' rows has their amounts"
        return self.graph.wealth


def worth_of(
    moves: Moves, wealth: Wealth, users: NDArray[np.int32]
) -> tuple[list[tuple[NDArray[np.int64], NDArray[np.int64], Floats]], Floats]:
    """Rows, products and worth of what some users hold, by type, and the wealth of each (len(users),), above 0.

    Pieces are worth their number times the last price; without one they are worth nothing.
    """
    whole = np.zeros(len(users)) if moves.cash is None else np.maximum(wealth.numbers(moves.cash, users), 0.0)
    found = []
    for name in moves.types:
        held = wealth.amounts(name, users)
        values = held.values if held.is_money else held.values * np.nan_to_num(moves.last[held.products])
        whole = whole + np.bincount(held.rows, values, len(users)) + (held.elsewhere if held.is_money else 0.0)
        found.append((held.rows, held.products, values))
    return found, np.where(whole > 0, whole, 1.0)
