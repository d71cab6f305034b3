"""`dataclass` of the standard library, made in a quarter of the time: a cold command makes 150 frozen classes.

The standard decorator compiles six functions for a frozen class, one after the other. Here one is compiled, `__init__`;
the others are the same for all classes and ask for the fields. What such a class does stays the same: `fields`,
`replace`, `asdict`, equality, hashes, FrozenInstanceError, pickles, patterns.

    from graphrec.frozen import dataclass
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn

MADE = frozenset(("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__"))


class _Factory:
    """Stands in `__init__` for a value that a factory makes."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()
__all__ = ("dataclass",)

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """`dataclasses.dataclass`; quick for a frozen class that inherits from no other and writes nothing itself."""
        if cls is None:
            return lambda made: dataclass(made, **options)
        is_alone = not any(hasattr(base, "__dataclass_fields__") for base in cls.__mro__[1:])
        if options.keys() <= {"frozen", "eq"} and options.get("frozen") and is_alone and not MADE & vars(cls).keys():
            return _frozen(cls, eq=options.get("eq", True))
        return dataclasses.dataclass(cls, **options)


def _frozen(cls: Any, *, eq: bool) -> Any:
    """Make a class a frozen dataclass."""
    if not cls.__doc__:
        cls.__doc__ = cls.__name__  # else dataclasses works out a signature, which takes longest
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    params = cls.__dataclass_params__
    params.init = params.repr = params.frozen = True
    params.eq = eq
    fields = dataclasses.fields(cls)
    cls.__init__ = _init(cls, fields)
    cls.__repr__ = _repr
    cls.__setattr__, cls.__delattr__ = _refuse_value, _refuse_deletion
    if eq:
        names = [field.name for field in fields if field.compare]
        hashed = [field.name for field in fields if (field.compare if field.hash is None else field.hash)]
        cls.__eq__, cls.__hash__ = _eq(names), _hash(hashed)
    return cls


def _init(cls: Any, fields: tuple[dataclasses.Field[Any], ...]) -> Any:
    """`__init__`, which sets every field to what it is given, or to its default."""
    known: dict[str, Any] = {"set_": object.__setattr__, "factory_": _FACTORY}
    ordered = [field for field in fields if not field.kw_only] + [field for field in fields if field.kw_only]
    wanted, body = [], []
    for field in ordered:
        argument, value = _argument(field, known)
        if argument and field.kw_only and "*" not in wanted:
            wanted.append("*")
        wanted += [argument] if argument else []
        body += [f"set_(self_, {field.name!r}, {value})"] if value else []
    if hasattr(cls, "__post_init__"):
        body.append("self_.__post_init__()")
    text = "\n ".join((f"def __init__({', '.join(('self_', *wanted))}):", *(body or ["pass"])))
    exec(text, known)  # noqa: S102 - fields are identifiers; the standard decorator makes the same text of them
    init = known["__init__"]
    init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    init.__annotations__ = {field.name: field.type for field in ordered if field.init} | {"return": None}
    return init


def _argument(field: dataclasses.Field[Any], known: dict[str, Any]) -> tuple[str, str]:
    """A field among the arguments of `__init__`, and the value that it gets; empty where it has none.

    Args:
        known: gets its default.
    """
    name = field.name
    if field.default_factory is not dataclasses.MISSING:
        known[f"make_{name}"] = field.default_factory
        made = f"make_{name}()"
        return (f"{name}=factory_", f"{made} if {name} is factory_ else {name}") if field.init else ("", made)
    if not field.init:
        return "", ""
    if field.default is dataclasses.MISSING:
        return name, name
    known[f"default_{name}"] = field.default
    return f"{name}=default_{name}", name


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _values(names: list[str]) -> Any:
    """What gives the values of some fields as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def _eq(names: list[str]) -> Any:
    values = _values(names)

    def equal(self: Any, other: Any) -> Any:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    return equal


def _hash(names: list[str]) -> Any:
    values = _values(names)
    return lambda self: hash(values(self))


def _refuse_value(_self: Any, name: str, _value: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: Any, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
