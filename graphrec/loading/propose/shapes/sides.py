"""What a file of its own says of each customer or product: consents, questionnaires, classes of risk.

Such a file has a row for each of them, or one for each change or purpose: the last row counts, and what it says becomes
columns of the customer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import duckdb

from graphrec.loading.propose.column_profile import ColumnProfile, profile_column
from graphrec.loading.propose.concepts import AGREES, are_answers, normal, place, told
from graphrec.loading.propose.histories.versions import BEGINS, ENDS
from graphrec.loading.propose.looks import action_of_table, is_hidden, likeness, looks
from graphrec.loading.propose.remade import remake, with_rows
from graphrec.loading.propose.table_profile import TableProfile
from graphrec.loading.propose.words import words
from graphrec.loading.sources.sql import name, value

_OF_USERS = (
    *("consent", "objection", "blocked", "sanctions", "pep", "tolerance", "horizon", "client", "knowledge", "means"),
    "income",
)
_OF_PRODUCTS = (
    "risk",
    "end",
    "offered",
    "withdrawn",
    "least age",
    "most age",
    "residents",
    "minimum",
    "clients",
    "binding",
)
_REVOKED = re.compile(
    "withdr|revok|widerruf|widerrufen|retrait|revoc|ritir|revog|intrekk|ingetrokken|trukket|tillbaka|cofni|wycof|odvol|"
    "visszavon|撤回|撤销|取消"
)
"""Within names of days on which a consent was taken back."""
_TO = re.compile(
    "to|till|thru|through|bis|au|al|hasta|tot|til|do|ate|fin|ended|validto|do kdy|"
    "(to|till|bis|tot|til|do|fin|end)(date?|datum|dato|data|dt)|(date?|datum|dato|data|dt)(to|till|bis|tot|til|do|fin|end)"
)
"""Whole names of days on which what holds from another day ends."""
_MOST_PURPOSES = 12
_SAID = "said by it"
_CHANNELS = frozenset(
    {
        *("email", "mail", "phone", "sms", "post", "call", "calls", "letter", "push", "app", "web", "online", "fax"),
        *("telefon", "brief", "anruf", "courrier", "telephone", "correo", "telefono", "posta", "poczta", "whatsapp"),
        *("mobile", "telefoon", "puhelin", "sähköposti", "kirje", "电话", "短信", "邮件", "微信", "branch", "filiale"),
    }
)
"""Words of ways on which customers are reached."""
_OFFERS = frozenset(
    {
        *("email", "mail", "phone", "sms", "post", "call", "calls", "contact", "letter", "push", "app", "channel"),
        *(
            "offers",
            "offer",
            "advertising",
            "ads",
            "direct",
            "commercial",
            "promotion",
            "promotions",
            "telefon",
            "brief",
        ),
        *("anruf", "angebote", "kontakt", "beratung", "courrier", "telephone", "correo", "telefono", "posta", "poczta"),
        *(
            "profiling",
            "profilierung",
            "profilbildung",
            "personalisation",
            "personalization",
            "personalisierung",
            "all",
        ),
        *("profilage", "perfilado", "profilazione", "营销", "短信", "电话", "邮件", "推荐", "画像"),
    }
)
"""Words of purposes that a list of products is: it reaches the customer, or is made of what they did."""


def with_sides(database: duckdb.DuckDBPyConnection, tables: Sequence[TableProfile]) -> list[TableProfile]:
    """The tables, those of customers and products with what other files say of each of them alone."""
    done = {table.name: table for table in tables}
    referred = {other for table in tables for other in table.references.values()}
    for side in tables:
        owner = done.get(_owner_of(side, done), side)
        if owner is side or side.name in referred:
            continue
        done[owner.name] = _with_side(database, owner, side)
    return list(done.values())


def _owner_of(side: TableProfile, tables: dict[str, TableProfile]) -> str:
    """The table of customers or products of which alone a table speaks; nothing: it joins several, or none."""
    owners = set(side.references.values())
    if len(owners) != 1 or len(side.references) != 1 or is_hidden(side.name):
        return ""
    owner, (column,) = owners.pop(), side.references
    if side.columns[column].distinct < 2 or not _like(tables[owner]):
        return ""
    if len(set(tables[owner].references.values())) > 1 and action_of_table(owner) is not None:
        return ""  # a contract, and what is said of it, such as a claim, is said of no product
    # Rows that name the other side too are dealings, whether or not a table describes it.
    if any(likeness(one.name) * _like(tables[owner]) < 0 and one.distinct > _MOST_PURPOSES for one in side.others()):
        return ""
    ids = [one for one in side.others() if one.looks_like_id and one.distinct > _MOST_PURPOSES and not one.is_unique]
    return "" if ids else owner


def _like(table: TableProfile) -> int:
    return likeness(table.name) or likeness(table.key or "")


def _with_side(database: duckdb.DuckDBPyConnection, owner: TableProfile, side: TableProfile) -> TableProfile:
    (column,) = side.references
    concepts = _OF_USERS if _like(owner) > 0 else _OF_PRODUCTS
    # What lies in a list has the columns of the row around it too.
    around = set(owner.columns) if side.of == owner.name else set()
    others = [one for one in side.others() if not one.is_nested and one.name not in around]
    times = [one for one in others if one.kind == "time"]
    end = next((one for one in times if ENDS.fullmatch(normal(one.name)) or looks(one.name, "end")), None)
    end = end or next((one for one in times if _TO.fullmatch(normal(one.name)) and len(times) > 1), None)
    revoked = next((one for one in times if _REVOKED.search(normal(one.name))), None)
    starts = [one for one in times if one not in (end, revoked) and place(one.name, "born") is None]
    begin = next((one for one in starts if BEGINS.fullmatch(normal(one.name))), None)
    begin = begin or next((one for one in starts if one.is_whole), None)
    said = [
        one for one in others if one not in times and any(place(one.name, concept) is not None for concept in concepts)
    ]
    if not said and _like(owner) > 0 and _denies(side, others):
        counts = f"NOT coalesce({end.moment} <= ({_latest(begin)}), false)" if end and begin else "true"
        stops = next((one for one in others if _stops(one)), None)
        if stops is not None:  # of those who wrote STOP, and later START, the last word counts
            listed = ", ".join(value(text) for text in stops.values if normal(text) in _STOP)
            return _with_list(database, owner, side, column, f"{name(stops.name)} IN ({listed})", begin=begin)
        return _with_list(database, owner, side, column, counts)
    of_consents = all(place(one.name, "consent") is not None for one in said)
    is_of_consents = _like(owner) > 0 and of_consents and place(side.name, "consent") is not None
    # The same customers or products in a second file: all that it says is said of them.
    is_second = column == side.key and action_of_table(side.name) is None
    if not said and not is_of_consents and not is_second:
        return owner
    answer = _answer_of(others) if is_of_consents else None
    purposes = _purposes(database, side, column, others, begin, answer) if is_of_consents else ()
    answer = answer or (_unread(others, purposes) if is_of_consents else None)
    # A column of its own for each sort of consent is joined as it is.
    is_of_consents = is_of_consents and (not said or (bool(purposes) and answer is not None))
    purposes = purposes if is_of_consents else ()
    by = (column, *(one.name for one in purposes))
    if begin is None and not _is_once(database, side, by):
        return owner
    last = _last(by, begin)
    if is_of_consents:
        holds = [f"NOT coalesce({end.moment} <= ({_latest(begin, end)}), false)"] if end is not None else []
        holds += [f"{revoked.moment} IS NULL"] if revoked is not None else []
        given = _answers(owner, answer, purposes, holds)
        given |= _limits(database, side, begin, end, given)
    else:
        taken = {one.casefold() for one in owner.columns}
        new = [
            one for one in others if one.name not in by and not _is_number(side, one) and (one is not end or is_second)
        ]
        # Of what both say, that of the side counts where a rule may ask for it.
        new = [one for one in new if one in said or one.name.casefold() not in taken]
        given = {_free(one.name, taken): name(one.name) for one in new}
    listed = ", ".join(f"{sql} AS {name(new)}" for new, sql in given.items())
    group = f" GROUP BY {name(column)}" if is_of_consents else ""
    rows = f"(SELECT {name(column)} AS {name(_SAID)}, {listed} FROM {last}{group})"
    return _joined(database, owner, side, column, rows, given, by=column, begin=begin)


def _denies(side: TableProfile, others: Sequence[ColumnProfile]) -> bool:
    """Whether a table is a list of customers who want nothing, or get nothing, each row of which says no."""
    named = normal(side.name)
    says_no = any(place(side.name, one) is not None for one in ("objection", "blocked")) or _REVOKED.search(named)
    return bool(says_no or _closes(side)) and _answer_of(others) is None


def _closes(side: TableProfile) -> bool:
    """Whether a table has those who are customers no more: account_closed, deleted_users."""
    return likeness(side.name) > 0 and told(" ".join(words(side.name)), (), _GONE) is False


_GONE = frozenset(
    {
        *("closed", "closure", "closures", "deleted", "left", "churned", "terminated"),
        *("gekuendigt", "geloescht", "ausgetreten"),
    }
)
"""Words of names of tables of those who are customers no more."""
_STOP = frozenset({"stop", "stopall", "unsubscribe", "unsubscribed", "optout", "out", "quit", "added", "blocked"})
_START = frozenset({"start", "unstop", "subscribe", "subscribed", "resubscribe", "optin", "in", "resume", "removed"})
"""Words by which people are put on a list of those who want nothing, and taken off it."""


def _stops(column: ColumnProfile) -> bool:
    """Whether each value of a column puts somebody on such a list, or takes them off it."""
    said = {normal(text) for text in column.values}
    return bool(said & _STOP and said & _START) and said <= _STOP | _START


def _with_list(
    database: duckdb.DuckDBPyConnection,
    owner: TableProfile,
    side: TableProfile,
    column: str,
    holds: str,
    *,
    begin: ColumnProfile | None = None,
) -> TableProfile:
    """The owner with a yes for those who stand on a list.

    Args:
        holds: SQL that is true in rows that still count.
        begin: the time by which the last row of each customer alone counts.
    """
    every = _last((column,), begin) if begin is not None else "{0}"
    called = " ".join(words(side.name))
    if not any(place(called, one) is not None for one in ("objection", "blocked")):
        called = f"blocked {called}" if _closes(side) else "opt out"
    given = {_free(called, {one.casefold() for one in owner.columns}): "true"}
    (listed,) = given
    rows = f"(SELECT DISTINCT {name(column)} AS {name(_SAID)}, true AS {name(listed)} FROM {every} WHERE {holds})"
    return _joined(database, owner, side, column, rows, given, by=column, begin=None)


def _answer_of(others: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The yes or no of a table of consents, whatever its column is called; None where each row is a yes."""
    for one in others:
        values = one.values or one.states
        if one.kind == "boolean" or (one.kind in {"text", "integer"} and are_answers(values)):
            return one
    return None


def _unread(others: Sequence[ColumnProfile], purposes: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The answer that nobody here can read: what is called one, or the only words of two that are no way to reach
    somebody; a policy asks about it, and nobody has agreed until it is told."""
    few = [one for one in others if one.kind == "text" and one not in purposes and 1 < len(one.values) <= _MOST_ANSWERS]
    few = [one for one in few if not _is_of_channels(one)]
    pairs = [one for one in few if len(one.values) == _PAIR and not _BESIDE.intersection(one.words)]
    named = (one for one in few if _ANSWER.search(normal(one.name)))
    return next(named, pairs[0] if len(pairs) == 1 else None)


_MOST_ANSWERS, _PAIR = 8, 2
_ANSWER = re.compile(
    "status|statut|stato|estado|stav|stare|zustand|toestand|situa|answer|antwort|respon|repons|respuesta|risposta|"
    "resposta|decision|choice|value|valor|wert|valeur"
)
"""Within names of what says yes or no."""
_BESIDE = frozenset(
    {
        *("channel", "kanal", "canal", "canale", "kanaal", "source", "quelle", "origin", "origine", "origen", "medium"),
        *("language", "sprache", "langue", "lingua", "idioma", "taal", "version", "by", "collected", "system", "media"),
    }
)
"""Words of names of what is said of a consent beside the answer."""


def _purposes(
    database: duckdb.DuckDBPyConnection,
    side: TableProfile,
    column: str,
    others: Sequence[ColumnProfile],
    begin: ColumnProfile | None,
    answer: ColumnProfile | None,
) -> tuple[ColumnProfile, ...]:
    """The columns that say what a consent is for: few words, each once for a customer and a day; the channel first."""
    found = [
        one for one in others if one is not answer and one.kind == "text" and 1 < len(one.values) <= _MOST_PURPOSES
    ]
    day = (begin.name,) if begin is not None else ()
    if _is_once(database, side, (column, *day)) and begin is None:
        return ()
    one = next((one for one in found if _is_once(database, side, (column, one.name, *day))), None)
    if one is not None:
        return (one,)
    pairs = ((a, b) for a in found for b in found if a is not b and _is_of_channels(a))
    both = (pair for pair in pairs if _is_once(database, side, (column, *(one.name for one in pair), *day)))
    return next(both, ())


def _is_of_channels(column: ColumnProfile) -> bool:
    """Whether each value is a way on which customers are reached."""
    return all(_CHANNELS & {*map(normal, words(text)), normal(text)} for text in column.values)


def _answers(
    owner: TableProfile, answer: ColumnProfile | None, purposes: Sequence[ColumnProfile], holds: Sequence[str]
) -> dict[str, str]:
    """A column for each purpose, with the answer; none where the consent no more holds, which a rule takes for no."""
    taken = {one.casefold() for one in owner.columns}
    called = answer.name if answer is not None and place(answer.name, "consent") is not None else "consent"
    said = f"max({'true' if answer is None else name(answer.name)})"
    if not purposes:
        return {_free(called, taken): f"{said} FILTER (WHERE {' AND '.join(holds or ('true',))})"}
    found: dict[str, str] = {}
    told = purposes[-1].values
    of_offers = [text for text in told if is_of_offers(text)] or told
    for texts in product(*(one.values for one in purposes)):
        before = called if texts[-1] in of_offers else AGREES
        there = [f"{name(one.name)} = {value(text)}" for one, text in zip(purposes, texts, strict=True)]
        found[_free(" ".join((before, *texts)), taken)] = f"{said} FILTER (WHERE {' AND '.join((*there, *holds))})"
    return found


def _limits(
    database: duckdb.DuckDBPyConnection,
    side: TableProfile,
    begin: ColumnProfile | None,
    end: ColumnProfile | None,
    given: Mapping[str, str],
) -> dict[str, str]:
    """A column with the day on which each consent ends, which a rule holds against now; none where none is to come."""
    if end is None:
        return {}
    there = name(side.name)
    query = f"SELECT 1 FROM {there} WHERE {end.moment} > ({with_rows(_latest(begin, end), there)}) LIMIT 1"
    if begin is not None and not database.execute(query).fetchall():
        return {}
    kept = ((one, sql.partition(" FILTER ")[2]) for one, sql in given.items() if not one.startswith(f"{AGREES} "))
    return {f"{one} until": f"max({end.moment}) FILTER {where}" for one, where in kept}


def is_of_offers(text: str) -> bool:
    """Whether a purpose is one that offers are made for; the others, such as statistics, are no bar to them."""
    return place(text, "consent") is not None or bool(_OFFERS & {normal(word) for word in words(text)})


def _last(by: Sequence[str], begin: ColumnProfile | None) -> str:
    """The last row of each, as SQL over the rows of the table, which {0} stands for."""
    order = f"{begin.moment} DESC NULLS LAST, " if begin is not None else ""
    listed = ", ".join(map(name, by))
    return (
        f"(SELECT * FROM {{0}} QUALIFY row_number() OVER (PARTITION BY {listed} "
        f"ORDER BY {order}_file DESC, _line DESC) = 1)"
    )


def _latest(*times: ColumnProfile | None) -> str:
    """SQL of the last day on which anything was said: ends that come later are still to come."""
    begin = next((one for one in times if one is not None), None)
    assert begin is not None
    return f"SELECT max({begin.moment}) FROM {{0}}"


def _joined(
    database: duckdb.DuckDBPyConnection,
    owner: TableProfile,
    side: TableProfile,
    reference: str,
    rows: str,
    given: dict[str, str],
    *,
    by: str,
    begin: ColumnProfile | None,
) -> TableProfile:
    """The owner with the columns of its side."""
    assert owner.key is not None
    listed = ", ".join(f"s.{name(one)} AS {name(one)}" for one in given)
    joined = (
        f"(SELECT o.*, {listed} FROM {{0}} AS o LEFT JOIN {rows.replace('{0}', '{1}')} AS s "
        f"ON {owner.columns[owner.key].key_of('o')} = {side.columns[reference].key_of('s', _SAID)})"
    )
    described = remake(database, owner.name, with_rows(joined, name(owner.name), name(side.name)))
    columns = dict(owner.columns)
    for new, sql in given.items():
        own = next((one for one in side.columns.values() if name(one.name) == sql), None)
        profile = profile_column(database, name(owner.name), new, described[new], owner.rows)
        if own is not None:
            profile = replace(profile, parse=own.parse, is_plain=own.is_plain, kind=own.kind, written=own.written)
        columns[new] = profile
    last = f", the last by {begin.name}" if begin is not None else ""
    asks = f"{', '.join(given)} come from {side.name} by {by}{last}: is that right?"
    # What asks for its own columns alone reads its own rows.
    fields, inner = owner.fields, owner.inner
    if not fields:
        fields, inner = {one: f"t.{name(one)}" for one in owner.columns}, owner.rows_sql
    return replace(
        owner, columns=columns, source=with_rows(joined, owner.rows_sql, side.rows_sql), fields=fields, inner=inner,
        also=(*owner.also, side.name, *side.also), questions=(*owner.questions, asks),
    )  # fmt: skip


def _is_once(database: duckdb.DuckDBPyConnection, table: TableProfile, columns: Sequence[str]) -> bool:
    listed = ", ".join(map(name, columns))
    different = f"SELECT count(*) FROM (SELECT DISTINCT {listed} FROM {name(table.name)})"
    rows, distinct = database.execute(f"SELECT count(*), ({different}) FROM {name(table.name)}").fetchall()[0]
    return bool(rows == distinct)


def _is_number(side: TableProfile, column: ColumnProfile) -> bool:
    """Whether a column only numbers the rows of the side."""
    return column.name == side.key or (column.is_unique and column.looks_like_id)


def _free(wanted: str, taken: set[str]) -> str:
    """A name that no other column has in any case, taken from now on."""
    given = next(one for one in (wanted, *(f"{wanted} {n}" for n in range(2, 1000))) if one.casefold() not in taken)
    taken.add(given.casefold())
    return given
