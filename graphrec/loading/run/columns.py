"""The columns of one statement: found by name, checked by rule, cast to their kind."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Keys
from dataclasses import dataclass

from graphrec.errors import SourceError
from graphrec.loading.mapping.names import is_too_long, suggest
from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.run.parse import FIRST_TIME, FIRST_YEAR, LAST_TIME, parsed_sql, text_sql
from graphrec.loading.sources.sql import name
from graphrec.schema import Column, Kind

EMPTY = "is empty"
NOT_A_DATE = "is not a date (want YYYY-MM-DD)"
NOT_A_NUMBER = "is not a number"
NO_VECTOR = "is no vector (want numbers: [0.1, 0.2])"
OTHER_LENGTH = "has another number of dimensions than most vectors"
SHOWN_OF_VECTOR = 40
"""Characters of a vector in rejected.csv."""
_SHOWN = 100
"""Characters of a name that is refused."""
NO_FOUR_DIGITS = f"is before the year {FIRST_YEAR} (a year of two digits?)"
OUT_OF_YEARS = "is outside the years 1 to 9999 of UTC"
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

    def __init__(
        self,
        types: Keys[str, str],
        place: Callable[..., str],
        personal: Iterable[str] = (),
        parse: Keys[str, ParseSpec] | None = None,
    ) -> None:
        self.types = types
        self.place = place
        self._by_fold = {column.casefold(): column for column in types}
        self._personal = {column.casefold() for column in personal}
        self._parse = {self.find(column, "parse"): spec for column, spec in (parse or {}).items()}

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
        return text_sql(name(column), self._parse[column].null if column in self._parse else ())

    def time(self, column: str) -> str:
        """The value as a time, or NULL."""
        if column in self._parse:
            return self._parsed(column, "time")
        return f"TRY_CAST({self._present(column)} AS TIMESTAMPTZ)"

    def number(self, column: str) -> str:
        """The value as a number, or NULL."""
        if column in self._parse:
            return f"CAST({self._parsed(column, 'real', 'integer')} AS DOUBLE)"
        return f"TRY_CAST({self._present(column)} AS DOUBLE)"

    def _parsed(self, column: str, *kinds: Kind) -> str:
        spec = self._parse[column]
        if spec.type not in kinds:
            raise SourceError(
                f"{self.place('parse', column)} is of type {spec.type}; the mapping uses it as {' or '.join(kinds)}"
            )
        return parsed_sql(name(column), spec)

    def _present(self, column: str) -> str:
        return f"nullif({name(column)}, '')" if self.types[column] == "VARCHAR" else name(column)

    def empty(self, column: str) -> Check:
        """Refuses a gap."""
        return Check(column, EMPTY, f"{self.text(column)} IS NULL", self.shown(column))

    def ill_time(self, column: str) -> list[Check]:
        """Refuses what is there but no time, or none of a year with four digits."""
        time = self.time(column)
        there, shown = f"{self.text(column)} IS NOT NULL", self.shown(column)
        return [
            Check(column, self._no_time(column), f"{there} AND NOT coalesce(isfinite({time}), false)", shown),
            Check(column, NO_FOUR_DIGITS, f"year({time}) < {FIRST_YEAR}", shown),
            *self._out_of_years(column, time),
        ]

    def ill_property(self, column: Column) -> list[Check]:
        """Refuses a value that its type would lose."""
        checks = []
        if column.name in self._parse:
            lost = f"{self.text(column.name)} IS NOT NULL AND {self.property(column)} IS NULL"
            checks.append(Check(column.name, self._rule(column), lost, self.shown(column.name)))
        if column.kind == "time":
            checks += self._out_of_years(column.name, self.property(column))
        return checks

    def _out_of_years(self, column: str, time: str) -> list[Check]:
        outside = f"{time} NOT BETWEEN {FIRST_TIME} AND {LAST_TIME}"
        return [Check(column, OUT_OF_YEARS, outside, self.shown(column))]

    def _rule(self, column: Column) -> str:
        rules = {
            "time": self._no_time(column.name),
            "integer": "is not a whole number",
            "real": NOT_A_NUMBER,
            "boolean": "is not true or false",
        }
        return rules.get(column.kind, "is lost")

    def _no_time(self, column: str) -> str:
        formats = self._parse[column].format if column in self._parse else ()
        return f"is not a date (want {' or '.join(formats)})" if formats else NOT_A_DATE

    def ill_number(self, column: str) -> Check:
        """Refuses what is there but no finite number."""
        ill = f"{self.text(column)} IS NOT NULL AND NOT coalesce(isfinite({self.number(column)}), false)"
        return Check(column, NOT_A_NUMBER, ill, self.shown(column))

    def vector(self, column: str) -> str:
        """A list of numbers, or a text of them such as [0.1, 0.2], as text of one form; NULL where it is neither."""
        return f"CAST({self._numbers(column)} AS VARCHAR)"

    def _numbers(self, column: str) -> str:
        inner = f"regexp_replace(trim({self.text(column)}, '[] '), '\\s*[,;]\\s*|\\s+', ',', 'g')"
        return f"TRY_CAST('[' || {inner} || ']' AS FLOAT[])"

    def ill_vector(self, column: str, table: str) -> list[Check]:
        """Refuses what is there but no list of finite numbers, and one of another length than most."""
        numbers, shown = self._numbers(column), f"left({self.shown(column)}, {SHOWN_OF_VECTOR})"
        there = f"{self.text(column)} IS NOT NULL"
        are_finite = f"list_count({numbers}) = len({numbers}) AND isfinite(list_sum({numbers}))"
        usual = (
            f"(SELECT len({numbers}) AS length FROM {table} WHERE {numbers} IS NOT NULL "
            "GROUP BY length ORDER BY count(*) DESC, length DESC LIMIT 1)"
        )
        return [
            Check(column, NO_VECTOR, f"{there} AND NOT coalesce({are_finite}, false)", shown),
            Check(column, OTHER_LENGTH, f"len({numbers}) <> {usual}", shown),
        ]

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

    def ill(self, column: str, kind: Kind) -> list[Check]:
        """Refuses what is there but no time, or no number."""
        return self.ill_time(column) if kind == "time" else [self.ill_number(column)]

    def properties(
        self, structural: set[str], own: set[str], kinds: Keys[str, Kind] | None = None
    ) -> tuple[Column, ...]:
        """The columns that become properties, sorted; `kinds` of some are known."""
        kept = []
        for column in self.types:
            if column.startswith("_") or column in structural:
                continue
            if column.casefold() in own or not column.isidentifier() or is_too_long(column):
                why = "is graphrec's own name" if column.casefold() in own else "is no name for a property"
                shown = column[:_SHOWN]
                raise SourceError(f'{self.place("sql")}: column {shown!r} {why}; rename it: SELECT "{shown}" AS …')
            kept.append(Column(column, (kinds or {}).get(column) or self._kind(column)))
        return tuple(sorted(kept, key=lambda column: column.name))

    def property(self, column: Column) -> str:
        """The typed value of a property."""
        if column.name in self._parse:
            return parsed_sql(name(column.name), self._parse[column.name])
        if column.kind == "text":
            return self.text(column.name)
        return f"CAST({name(column.name)} AS {_CASTS[column.kind]})"

    def _kind(self, column: str) -> Kind:
        if column in self._parse:
            return self._parse[column].type
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
