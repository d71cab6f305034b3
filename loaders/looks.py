"""What a column or table looks like by its name: words in common use, nothing more."""

import re

from graphrec.loaders.columns import EDGE_OWN, NODE_OWN
from graphrec.loaders.profile import ColumnProfile, words

USERS = {
    *("customer", "client", "user", "member", "account", "investor", "patient", "person", "subscriber", "reader"),
    *("borrower", "holder", "household", "guest", "student", "employee", "citizen", "visitor", "shopper", "buyer"),
    *("passenger", "tenant", "insured", "player", "listener", "farmer"),
}
PRODUCTS = {
    *("product", "item", "article", "book", "movie", "film", "song", "track", "security", "fund", "stock", "asset"),
    *("isin", "instrument", "recipe", "course", "drug", "treatment", "hotel", "restaurant", "game", "job", "offer"),
    *("policy", "plan", "service", "dish", "wine", "therapy", "lesson", "title"),
}
NAMES = ("name", "title", "label", "display")
WEIGHTS = {"amount", "quantity", "qty", "volume", "value", "units", "rating", "score", "weight", "count", "minutes"}
KNOWN = {"booked", "known", "recorded", "created", "reported", "settled", "loaded", "posted", "published"}
ACTIONS = {"type", "kind", "action", "event", "side", "status", "operation", "activity"}
_PERSONAL = {
    *("email", "mail", "phone", "mobile", "fax", "address", "street", "birth", "dob", "birthday", "ssn", "iban"),
    *("passport", "surname", "lastname", "firstname"),
}
_PROTECTED = {
    *("sex", "gender", "marital", "religion", "ethnicity", "race", "nationality", "disability", "orientation"),
}


def is_personal(column: ColumnProfile, *, of_user: bool) -> bool:
    """Whether a column names or reaches a person; a name does so only for users."""
    found = set(column.words)
    return bool(found & _PERSONAL) or (of_user and column.kind == "text" and "name" in "".join(column.words))


def is_protected(column: ColumnProfile) -> bool:
    """Whether a score must not rest on a column."""
    return bool(set(column.words) & _PROTECTED)


def property_name(column: str) -> str:
    """The column's name as a property: letters, digits and _, and none of graphrec's own."""
    plain = re.sub(r"\W+", "_", column).strip("_") or "column"
    plain = f"column_{plain}" if plain[0].isdigit() else plain
    return f"{plain}_given" if plain.lower() in (NODE_OWN | EDGE_OWN) - {"id"} else plain


def label_name(text: str) -> str:
    """A text as a label: `age_band` is AgeBand."""
    label = "".join(word[:1].upper() + word[1:] for word in words(text))
    return label if label and not label[0].isdigit() else f"Label{label}"


def type_name(text: str, otherwise: str = "HAS") -> str:
    """A text as an edge type: `first view` is FIRST_VIEW."""
    kind = "_".join(words(text)).upper()
    return kind if kind and not kind[0].isdigit() else f"{otherwise}_{kind}"
