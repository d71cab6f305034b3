"""Strings in two arrays."""

from graphrec.graph.folders.strings import Strings


def test_what_is_no_text_is_not_there() -> None:
    strings = Strings.of(sorted(["a", "é", "🏦"], key=str.encode))
    assert [strings.find(one) for one in ("a", "é", "🏦", "", "b")] == [0, 1, 2, -1, -1]
    assert strings.find("\udcff") == -1
