"""What the files of a folder look like: one table, its columns, and who refers to whom."""

from collections.abc import Container, Iterable
from collections.abc import Mapping as Keys
from dataclasses import dataclass, field, replace

from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.sources.sql import name


@dataclass(frozen=True)
class Ended:
    """A day that all rows of some states have and none of the others: that of their end, whatever it is called."""

    end: str
    state: str
    over: tuple[str, ...]
    """The states whose rows have the day."""
    running: tuple[str, ...]
    """Those whose rows have none."""


@dataclass(frozen=True)
class TableProfile:
    """One table of `[source.files]`."""

    name: str
    path: str
    rows: int
    columns: Keys[str, ColumnProfile]
    key: str | None = None
    references: Keys[str, str] = field(default_factory=dict)
    """Column → the table whose key it holds."""
    strays: Keys[str, int] = field(default_factory=dict)
    """Column → its different values that are no key of that table."""
    options: Keys[str, object] = field(default_factory=dict)
    """What its entry in `[source.files]` says besides the path."""
    questions: tuple[str, ...] = ()
    of: str = ""
    """The entry that it is made of, where it is no file of its own but what lies in the rows of one."""
    source: str = ""
    """SQL of its rows in that case, and where the customer of a row stands in another table."""
    fields: Keys[str, str] = field(default_factory=dict)
    """Column → its SQL over `t`, the rows of `inner`: where the columns of `source` lie in rows of JSON, and those that
    a table had before another one was joined to it."""
    inner: str = ""
    also: tuple[str, ...] = ()
    """Other tables that `source` reads, such as those of what codes mean."""
    through: str = ""
    """That table: its rows say whose an account is, and are nothing by themselves."""
    described: "Keys[str, TableProfile]" = field(default_factory=dict)
    """Identifier without a table → what the rows say of the things that it names."""
    are_contracts: bool = False
    """Whether each row is something that its customer holds, whatever the table is called."""
    twins: frozenset[tuple[str, ...]] = frozenset()
    """Two columns and a time that several rows have alike, where no key tells these apart."""
    ended: Ended | None = None
    """What tells the end of its rows without a word."""
    is_shared: bool = False
    """Whether a row is there for each of its holders, so that its key is there several times."""

    @property
    def encoding(self) -> str:
        """How its texts are encoded."""
        return str(self.options.get("encoding", "utf-8"))

    @property
    def nulls(self) -> tuple[str, ...]:
        """Texts that stand for a gap."""
        found = self.options.get("nullstr", ())
        return tuple(found) if isinstance(found, list | tuple) else ()

    @property
    def footer(self) -> tuple[str, ...]:
        """What the last lines of its files begin with that are no rows."""
        found = self.options.get("footer", ())
        return tuple(found) if isinstance(found, list | tuple) else ()

    @property
    def rows_sql(self) -> str:
        """What a statement reads its rows from."""
        return self.source or name(self.name)

    def rows_with(self, columns: Iterable[str]) -> str:
        """What a statement reads its rows from that needs no other columns than these."""
        wanted = dict.fromkeys(columns)
        if not self.fields or any(column not in self.fields for column in wanted):
            return self.rows_sql
        listed = ", ".join(f"{self.fields[column]} AS {name(column)}" for column in wanted)
        return f"(SELECT {listed}, t._file, t._line FROM {self.inner} AS t)"

    def without(self, columns: Container[str]) -> "TableProfile":
        """The table with its other columns alone."""
        return replace(self, columns={one: each for one, each in self.columns.items() if one not in columns})

    def others(self) -> list[ColumnProfile]:
        """The columns that are neither key nor reference."""
        return [
            column for column in self.columns.values() if column.name != self.key and column.name not in self.references
        ]
