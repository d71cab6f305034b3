"""The columns of one statement: found by name, checked by rule, cast to their kind."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Keys
from dataclasses import dataclass

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import LONGEST, is_too_long, suggest
from graphrec.loading.sources.sql import name
from graphrec.schema import Column, Kind

EMPTY = "is empty"
NOT_A_DATE = "is not a date (want YYYY-MM-DD)"
NOT_A_NUMBER = "is not a number"
NODE_OWN = {"id", "known_at", "sources", "run"}
EDGE_OWN = {"id", "source", "target", "key", "at", "known_at", "weight", "sources", "run"}
_KINDS: Keys[str, Kind] = {
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID", "JSON", "TIME", '"NULL"'), "text"),
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "real"),
    **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"), "time"),
    **dict.fromkeys(("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "time"),
    "BOOLEAN": "boolean",
}
_CASTS: Keys[Kind, str] = {"integer": "BIGINT", "real": "DOUBLE", "boolean": "BOOLEAN", "time": "TIMESTAMPTZ"}


@dataclass(frozen=True)
class Check:
    """A rule for one column: the rows that meet `fails` are rejected."""

    column: str
    rule: str
    fails: str
    shown: str
    """SQL of the value that is written to rejected.csv."""


class Columns:
    """The columns of a staged statement, found as DuckDB finds them: whatever the case."""

    def __init__(self, types: Keys[str, str], place: Callable[..., str], personal: Iterable[str] = ()) -> None:
        self.types = types
        self.place = place
        self._by_fold = {column.casefold(): column for column in types}
        self._personal = {column.casefold() for column in personal}

    def find(self, wanted: str, key: str) -> str:
        """The column's own spelling."""
        found = self._by_fold.get(wanted.casefold())
        if found is None or found.startswith("_"):
            visible = [column for column in self.types if not column.startswith("_")]
            raise SourceError(
                f"{self.place(key)} names {wanted!r}, which is no column of its sql{suggest(wanted, visible)}"
            )
        return found

    def has_lines(self) -> bool:
        """Whether the SQL passes file and line through."""
        return {"_file", "_line"} <= set(self._by_fold)

    def shown(self, column: str) -> str:
        """The value as it may be written: personal ones masked."""
        text = f"CAST({name(column)} AS VARCHAR)"
        return f"CASE WHEN {text} IS NOT NULL THEN '***' END" if self.is_personal(column) else text

    def is_personal(self, column: str) -> bool:
        """Whether the values of a column may not be written."""
        return column.casefold() in self._personal

    def text(self, column: str) -> str:
        """The value as text; an empty one is a gap."""
        return f"nullif(CAST({name(column)} AS VARCHAR), '')"

    def time(self, column: str) -> str:
        """The value as a time, or NULL."""
        return f"TRY_CAST({self._present(column)} AS TIMESTAMPTZ)"

    def number(self, column: str) -> str:
        """The value as a number, or NULL."""
        return f"TRY_CAST({self._present(column)} AS DOUBLE)"

    def _present(self, column: str) -> str:
        return f"nullif({name(column)}, '')" if self.types[column] == "VARCHAR" else name(column)

    def empty(self, column: str) -> Check:
        """Refuses a gap."""
        return Check(column, EMPTY, f"{self.text(column)} IS NULL", self.shown(column))

    def ill_time(self, column: str) -> Check:
        """Refuses what is there but no time."""
        ill = f"{self.text(column)} IS NOT NULL AND NOT coalesce(isfinite({self.time(column)}), false)"
        return Check(column, NOT_A_DATE, ill, self.shown(column))

    def ill_number(self, column: str) -> Check:
        """Refuses what is there but no finite number."""
        ill = f"{self.text(column)} IS NOT NULL AND NOT coalesce(isfinite({self.number(column)}), false)"
        return Check(column, NOT_A_NUMBER, ill, self.shown(column))

    def below_zero(self, column: str) -> Check:
        """Refuses a negative weight: it has no logarithm, and evidence against has a role of its own."""
        return Check(column, "is below 0", f"{self.number(column)} < 0", self.shown(column))

    def unknown_end(self, column: str, label: str) -> Check:
        """Refuses a key that no node of the label has."""
        return Check(
            column,
            f"names no {label}",
            f"{self.text(column)} NOT IN (SELECT id FROM {ids_table(label)})",
            self.shown(column),
        )

    def properties(self, structural: set[str], own: set[str]) -> tuple[Column, ...]:
        """The columns that become properties, sorted."""
        kept = []
        for column in self.types:
            if column.startswith("_") or column in structural:
                continue
            if column.casefold() in own or not column.isidentifier() or is_too_long(column):
                why = "is graphrec's own name" if column.casefold() in own else "is no name for a property"
                shown = column[:LONGEST]
                raise SourceError(f'{self.place("sql")}: column {shown!r} {why}; rename it: SELECT "{shown}" AS …')
            kept.append(Column(column, self._kind(column)))
        return tuple(sorted(kept, key=lambda column: column.name))

    def property(self, column: Column) -> str:
        """The typed value of a property."""
        if column.kind == "text":
            return self.text(column.name)
        return f"CAST({name(column.name)} AS {_CASTS[column.kind]})"

    def _kind(self, column: str) -> Kind:
        kind = _KINDS.get(self.types[column].split("(")[0].strip())
        if kind is None or self.types[column].endswith("]"):
            raise SourceError(
                f"{self.place('sql')}: column {column!r} is {self.types[column].split('(')[0]}, "
                "which no property can be; "
                f'cast it: CAST("{column}" AS VARCHAR)'
            )
        return kind


def ids_table(label: str) -> str:
    """The table of the ids that ends may name."""
    return name(f"ids of {label}")
