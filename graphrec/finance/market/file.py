"""The text of a first market.toml."""

from collections.abc import Mapping, Sequence

from graphrec.config.market import MarketFile, ProposeTable
from graphrec.finance.first_file import Found, column_lines, key_lines

HEAD = """\
# Prices, risk classes and what portfolios are worth (docs/finance.md). graphrec wrote it from the names of series, edge
# types and columns: read every line before you rely on it.
"""


def first_market(
    found: Mapping[str, Found], customers: Sequence[str], products: Sequence[str], group: str | None
) -> str:
    """The text of a first market.toml.

    Args:
        found: series, edge type and columns by key.
        customers: columns of customers that may be named.
        products: the same of products.
        group: label of which one group has a limit.
    """
    lines = [
        HEAD.rstrip("\n"),
        *column_lines(customers, products),
        *key_lines(MarketFile, found, without=("propose", "episode")),
    ]
    lines += ["", "[propose]", *key_lines(ProposeTable, {"group": group} if group else {})]
    return "\n".join([*lines, ""])
