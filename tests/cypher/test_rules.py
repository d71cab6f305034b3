"""The rules that let one set of Cypher run on two stores, held by reading every file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphrec import queries

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = sorted((ROOT / "cypher").rglob("*.cypher"))
CLAUSE = (
    r"\b(?:OPTIONAL MATCH|MATCH|WHERE|WITH|RETURN|UNWIND|MERGE|CREATE|SET|DELETE|DETACH DELETE|CALL|ORDER BY|LIMIT)\b"
)

#: What may not be in a file, and why.
FORBIDDEN = {
    r"\b(?:elementId|id)\(": "own string keys only: never elementId() or id()",
    r"\bSET\s+\w+:": "a property rather than a label set on a node",
    r"\b(?:date|datetime|localdatetime|localtime|time|duration)\s*\(": "times are ISO UTC text",
    r"\bSHORTEST\b|\bshortestPath\b": "no SHORTEST",
    r"^\s*CYPHER\b": "no CYPHER prefix",
    r"\b(?:apoc|gds|dbms)\.|\bdb\.awaitIndex|\bSHOW\b|\bLOAD CSV\b": "only what both stores have",
    r"IS NOT NULL\s*$|\bNODE KEY\b|\bIS ::": "only unique constraints",
    r"\bIN TRANSACTIONS\b": "batches are cut by the client",
    r"\.queryNodes\((?!\$index\b)": "index names are parameters",
    r";|/\*": "one statement, and // comments only",
}


def body(path: Path) -> str:
    lines = path.read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//"))


def clauses(text: str, keyword: str) -> Iterator[str]:
    """What follows each clause of this keyword, up to the next clause."""
    for found in re.finditer(rf"\b{keyword}\b(.*?)(?={CLAUSE}|\Z)", text, re.DOTALL):
        yield found.group(1).strip()


def returned(text: str) -> list[str]:
    """The expressions of the last RETURN, without their names."""
    *_, last = clauses(text, "RETURN")
    return [item.split(" AS ")[0].removeprefix("DISTINCT ").strip() for item in split(last)]


def split(text: str) -> list[str]:
    """Parts between commas that are in no bracket."""
    parts, depth = [""], 0
    for one in text:
        depth += (one in "([{") - (one in ")]}")
        if one == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += one
    return [part.strip() for part in parts]


ALERTS = (ROOT / "docs" / "alerts.md").read_text("utf-8")


def is_signal(path: Path) -> bool:
    """Whether a file asks for signals in the graph of money."""
    return path.stem.startswith("signal_")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
class TestFile:
    def test_nothing_that_one_store_lacks(self, path: Path) -> None:
        found = [why for pattern, why in FORBIDDEN.items() if re.search(pattern, body(path), re.MULTILINE)]
        # Days between two transfers need times; tests/finance/test_signals.py asks both stores.
        assert [why for why in found if not (is_signal(path) and why == "times are ISO UTC text")] == []

    def test_first_line_says_what_it_is_for(self, path: Path) -> None:
        first = path.read_text("utf-8").splitlines()[0]
        assert re.fullmatch(r"// \S.*[.?]", first), first

    def test_no_node_edge_or_path_is_returned(self, path: Path) -> None:
        text = body(path)
        if "RETURN" not in text:
            return
        variables = set(re.findall(r"\((\w+)[:{) ]", text)) | set(re.findall(r"\[(\w+)[:\] ]", text))
        variables |= set(re.findall(r"(\w+)\s*=\s*\(", text))
        renamed = set(re.findall(r"\bAS (\w+)", text))
        assert set(returned(text)) & (variables - renamed) == set()

    def test_every_match_starts_from_a_label_or_something_known(self, path: Path) -> None:
        text = body(path)
        known: set[str] = set()
        for pattern in clauses(text, "MATCH"):
            for part in split(pattern):
                names = set(re.findall(r"\((\w+)", part))
                assert re.search(r"\(\w*:\w", part) or names & known, f"no label: {part}"
            known |= set(re.findall(r"\((\w+)", pattern))

    def test_paths_between_two_ends_bind_them_first(self, path: Path) -> None:
        for pattern in clauses(body(path), "MATCH"):
            for part in split(pattern):
                if re.search(r"\[[^\]]*\*", part):
                    assert re.search(r"\(\w+\)[^()]*\*[^()]*\(\w+\)", part), f"bind both ends before: {part}"

    def test_is_short(self, path: Path) -> None:
        assert len(path.read_text("utf-8").splitlines()) <= 60

    def test_is_used(self, path: Path) -> None:
        name = path.relative_to(ROOT / "cypher").with_suffix("").as_posix()
        if name.startswith(("analyst/", "schema/")):
            return  # listed by queries.library, and applied by schema_statements
        if is_signal(path):
            # For analysts: what graphrec/finance/alerts/signals.py finds in arrays, asked of a store.
            assert path.stem.removeprefix("signal_") in ALERTS
            return
        code = "\n".join(file.read_text("utf-8") for file in (ROOT / "graphrec").rglob("*.py"))
        if name.startswith("explain/"):
            form = name.partition("/")[2].rpartition("_")[0]
            assert 'f"explain/{form}"' in code
            assert f'"{form}' in code, "no explanation has this form"
        else:
            assert f'"{name}"' in code, "no code names it"


@pytest.mark.parametrize("query", queries.library(), ids=lambda query: query.name)
def test_head_of_an_analyst_query(query: queries.Query) -> None:
    path = ROOT / "cypher" / "analyst" / f"{query.name}.cypher"
    head = [line for line in path.read_text("utf-8").splitlines() if line.startswith("//")]
    assert query.question.endswith("?")
    assert {one.name for one in query.parameters} == set(re.findall(r"\$(\w+)", body(path)))
    described = [line for line in head[1:] if not line.startswith("// needs ")]
    assert len(described) == len(query.parameters), "every further line describes one parameter"


def test_there_are_enough_queries() -> None:
    assert len(queries.library()) >= 15


def test_schema_files_have_numbers_in_order() -> None:
    names = [name.partition("/")[2] for name in queries.names("schema")]
    assert [name[:4] for name in names] == [f"{number:03d}_" for number in range(1, len(names) + 1)]
