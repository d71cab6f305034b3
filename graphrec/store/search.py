"""How either store is searched once it has an index."""

from collections.abc import Sequence
from typing import Any, LiteralString

from graphrec import queries


def search_statement(index: str, sought: str | Sequence[float], k: int) -> tuple[LiteralString, dict[str, Any]]:
    """The statement and parameters that search an index; a text is taken word by word, not as a query language."""
    if isinstance(sought, str):
        escaped = "".join(f"\\{one}" if one in '+-&|!(){}[]^"~*?:\\/' else one for one in sought.lower())
        return queries.text("read/search_text"), {"index": index, "text": escaped, "k": k}
    return queries.text("read/search_vector"), {"index": index, "vector": list(sought), "k": k}
