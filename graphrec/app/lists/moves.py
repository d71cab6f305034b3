"""What is different between two lists of one customer."""

from collections.abc import Sequence

from graphrec.app.answers import Move
from graphrec.serving.answer import Item

#: Places of the longer list in which products that leave or enter the list are looked up.
DEPTH = 10


def moves(before: Sequence[Item], after: Sequence[Item], k: int) -> tuple[Move, ...]:
    """The first k products of the list after, then those that were among the first k before and are not any more."""
    ranks = [{item.product: place for place, item in enumerate(one, 1)} for one in (before, after)]
    names = {item.product: item.name for one in (before, after) for item in one}
    shown = [product for product, rank in ranks[1].items() if rank <= k]
    gone = [product for product, rank in ranks[0].items() if rank <= k and product not in shown]
    return tuple(Move(one, names[one], ranks[0].get(one), ranks[1].get(one)) for one in (*shown, *gone))
