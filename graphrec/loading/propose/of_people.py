"""Customers in a draft: both of their names in one, the year of a personal day of birth, and who may be a minor."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from graphrec.loading.mapping.specs import ParseSpec
from graphrec.loading.propose.column_profile import ColumnProfile
from graphrec.loading.propose.concepts import OF_AGE, place
from graphrec.loading.run.parse import parsed_sql
from graphrec.loading.sources.sql import name

WHOLE_NAME, BIRTH_YEAR = "whole_name", "birth_year"
_FIRST = re.compile(
    r"^(first|given|forename|vorname|rufname|pr[ée]noms?|voornaam|fornavn|förnamn|imi[ęe]|jm[ée]no|etunimi|имя|ім'?я|prenume|"
    r"ut[óo]n[ée]v|krstno|eesnimi|vardas|vārds|firstname|givenname)$"
)
_LAST = re.compile(
    r"^(last|family|surname|nachname|zuname|familienname|apellidos?|paterno|cognome|sobrenome|apelido|achternaam|etternavn|"
    r"efternavn|efternamn|nazwisko|př[íi]jmen[íi]|prijmeni|sukunimi|фамилия|прізвище|prezime|priimek|perekonnanimi|pavard[ėe]|"
    r"uzvārds|vezet[ée]kn[ée]v|lastname)$"
)


def whole_name(columns: Sequence[ColumnProfile], called: str | None) -> str:
    """SQL of a customer's first name and last name where they stand in two columns; nothing where they do not."""
    texts = [one for one in columns if one.kind == "text"]
    last = next((one for one in texts if any(map(_LAST.match, one.words))), None)
    first = next((one for one in texts if one is not last and any(map(_FIRST.match, one.words))), None)
    if first is None and last is None:
        return ""
    # Beside a Vorname the Name is that of the family, and beside a cognome the nome is not.
    named = next((one for one in texts if one.name == called and one is not (first or last)), None)
    first, last = first or named, last or named
    taken = {one.in_graph.casefold() for one in columns}
    if first is None or last is None or called not in (first.name, last.name) or WHOLE_NAME in taken:
        return ""
    return f"concat_ws(' ', {name(first.name)}, {name(last.name)}) AS {WHOLE_NAME}"


def has_minors(columns: Sequence[ColumnProfile]) -> bool:
    """Whether some customers may not be of age."""
    born = (one for one in columns if one.kind == "time" and place(one.name, "born") is not None)
    return any(one.most > datetime.now(UTC).year - OF_AGE for one in born)


def birth_year(columns: Sequence[ColumnProfile]) -> str:
    """SQL of the year of birth, which a rule may read where the day is personal; nothing where no day is there.

    A rule that knows the year alone takes the birthday to be still to come.
    """
    if any(column.in_graph.casefold() == BIRTH_YEAR for column in columns):
        return ""
    others = [column.name for column in columns if column.kind != "time"]
    if any(place(column, one) is not None for column in others for one in ("age", "birth year")):
        return ""
    born = next((c for c in columns if c.kind == "time" and place(c.name, "born") is not None), None)
    if born is None:
        return ""
    return f"year({parsed_sql(name(born.name), born.parse or ParseSpec('time'))}) AS {BIRTH_YEAR}"
