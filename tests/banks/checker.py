"""An independent look at delivered lists: small code of its own, which knows the truth of a bank and nothing else."""

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Findings:
    """What is wrong with delivered lists, and how many there are."""

    customers: int = 0
    items: int = 0
    without_consent: int = 0
    closed: int = 0
    held: int = 0
    repeated: int = 0
    unranked: int = 0

    def faults(self) -> dict[str, int]:
        """The counts that have to be 0."""
        return {name: getattr(self, name) for name in ("without_consent", "closed", "held", "repeated", "unranked")}


def look_at(
    path: Path, consents: Mapping[str, bool], closed: frozenset[str], held: frozenset[tuple[str, str]]
) -> Findings:
    """What a CSV file of lists has in it."""
    found, ranks = Findings(), dict[str, list[int]]()
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            user, product = plain(row["user"]), plain(row["product"])
            found.items += 1
            found.without_consent += not consents[user]
            found.closed += product in closed
            found.held += (user, product) in held
            sentences = sentences_of(row)
            found.repeated += len(sentences) - len(set(sentences))
            ranks.setdefault(user, []).append(int(row["rank"]))
    found.customers = len(ranks)
    found.unranked = sum(sorted(some) != list(range(1, len(some) + 1)) for some in ranks.values())
    return found


def sentences_of(row: Mapping[str, str]) -> list[str]:
    """The sentences of one item, in the one column or the other."""
    texts = row.get("reasons") or ""
    if texts.startswith("["):
        return [normal(one["text"]) for one in json.loads(texts)]
    return [normal(row["reason"])] if row.get("reason") else []


def normal(sentence: str) -> str:
    """A sentence without what does not make it another one."""
    return re.sub(r"\s+", " ", sentence).strip(" .").casefold()


def plain(cell: str) -> str:
    """A cell without the sign that keeps spreadsheets from computing it."""
    return cell.removeprefix("'")
