"""A product is asked for by its id, or by a name that no other has."""

from graphrec.errors import UnknownId
from graphrec.serving.engine import Engine


def product_id(engine: Engine, asked: str) -> str:
    """The id of a product that was asked for by id or by its whole name, in whatever case.

    What is neither stays as it is: who looks for it says what is near.

    Raises:
        UnknownId: several products have that name.
    """
    products, label = engine.products, engine.roles.product
    column = engine.snapshot.meta.names[label]
    if products.ids.find(asked) >= 0 or column is None:
        return asked
    wanted = asked.casefold().strip()
    names = products.column(column)
    named = [
        products.ids[place]
        for place, (name, ok) in enumerate(zip(names.values, names.valid, strict=True))
        if ok and str(name).casefold() == wanted
    ]
    if len(named) > 1:
        shown = ", ".join(named[:5])
        raise UnknownId(f"{len(named)} products are called {asked!r}: {shown}; want the id of one of them")
    return named[0] if named else asked
