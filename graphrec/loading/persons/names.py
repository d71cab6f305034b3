"""What a column of customers says of a person, by its name; the words are in names.txt.

    personal    names or reaches one person: names, addresses, numbers of documents and accounts, days of birth
    special     Article 9 and 10 of the GDPR: health, beliefs, descent, unions, sex life, genes, biometrics, offences
    protected   what nobody may be treated by: sex, marital status, nationality, pregnancy, disability
    known       what such files have besides, and is no secret: segments, regions, dates of a relation, counts

Names are compared without case, signs, spaces and accents, umlauts written out (concepts.py). A word of up to six
letters has to be a word of its own in the name, a longer one may stand within a compound.
"""

import re
from functools import cache
from pathlib import Path
from typing import Literal

from graphrec.loading.propose.concepts import CONCEPTS, normal
from graphrec.loading.propose.words import words

Sort = Literal["personal", "special", "protected", "known"]

_FILE = Path(__file__).with_name("names.txt")
_WITHIN = 6
"""Signs from which a word is found within another one; Chinese words are always."""
_SHORT = {
    "nm": "name", "nme": "name", "nr": "nummer", "no": "number", "num": "number", "nbr": "number", "cust": "customer",
    "clnt": "client", "acct": "account", "acc": "account", "kd": "kunden", "mob": "mobile", "mobil": "mobilnummer",
    "perso": "personalausweis", "adr": "adresse", "addr": "address", "lic": "licence", "geb": "geburts",
    "dat": "datum", "dt": "date", "st": "steuer", "sv": "sozialversicherungs",
}  # fmt: skip
"""What short words stand for."""
_STATES = ("consent", "objection", "blocked", "relation")
_ORDER: tuple[Sort, ...] = ("special", "personal", "protected", "known")


@cache
def _terms() -> dict[Sort, tuple[frozenset[str], tuple[str, ...]]]:
    """By sort: words that stand for themselves, and those that may stand within others."""
    parts: dict[str, str] = dict(re.findall(r"^\[(\w+)\]\n((?:[^\[#\n].*\n)+)", _FILE.read_text("utf-8"), re.MULTILINE))
    found: dict[Sort, tuple[frozenset[str], tuple[str, ...]]] = {}
    for sort in _ORDER:
        terms = frozenset(normal(term) for term in parts[sort].split())
        within = (one for one in sorted(terms) if not one.isascii() or (sort != "known" and len(one) > _WITHIN))
        found[sort] = terms, tuple(within)
    return found


@cache
def _known() -> frozenset[str]:
    """The words of the names of columns that say something of a customer, or of what is sold."""
    return frozenset(normal(term) for concept in CONCEPTS.values() for term in concept)


def sort_of(column: str) -> Sort | None:
    """What a column of customers says of a person by its name; None: the name tells nothing.

    >>> [sort_of(name) for name in ("E-Mail", "CustNm", "Kirchensteuer", "geschlecht", "customer_segment", "xq7")]
    ['personal', 'personal', 'special', 'protected', 'known', None]
    """
    parts = [part for word in words(column) if (part := normal(word))]
    runs = _runs(parts) | _runs([_SHORT.get(part, part) for part in parts])
    joined = "".join(parts)
    for sort in _ORDER:
        alone, within = _terms()[sort]
        if runs & alone or any(term in joined and not _is_of_state(term, joined) for term in within):
            return sort
    return None if runs.isdisjoint(_known()) else "known"


def _is_of_state(term: str, name: str) -> bool:
    """Whether a term is a part of a longer word for a state of the customer, as vermerk in Sperrvermerk."""
    return any(term != one and term in one and one in name for state in _STATES for one in CONCEPTS[state])


def _runs(parts: list[str]) -> set[str]:
    """The words that neighbouring parts make."""
    return {"".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)}
