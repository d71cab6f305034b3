"""A thousand suitability statements of the demo bank in three languages: all elements, and nothing that is invented.

    graphrec demo --run && graphrec statement --init
    python benchmarks/statements.py --home .graphrec [--count 1000]

Statements of the products of customers' lists, in English, German and Chinese by turns, recorded. Of those that may be
handed over each has all elements, the nine of `fca_suitability_v1` among them, and every figure and every name of a
product in a text is a field of the recorded basis; of the others the reason is counted. It ends with 1 where an
element is missing or a figure has no field.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from graphrec.app.bank import Bank
from graphrec.app.requests import AskStatement, ReadStatement, Recommend
from graphrec.config.settings import Settings
from graphrec.finance.statement.statement import ELEMENTS, Element
from graphrec.graph.folders.facts import FactsShelf
from tests.finance.test_statement import untraced

LANGUAGES, AMOUNTS, TODAY = ("en", "de", "zh"), (None, 500.0, 1000.0), date(2026, 1, 1)


def listed(bank: Bank) -> Iterator[tuple[str, str]]:
    """Customers with the products of their lists."""
    graph = FactsShelf(bank.home.facts).latest()
    for user in graph.nodes(graph.schema.roles.user).ids:
        for item in bank.recommend(Recommend(user, 3, record=False)).answer.items:
            yield user, item.product


def _without(element: Element, words: Iterable[str]) -> Element:
    """An element without what the mapping calls values in its language, such as an income band in Chinese."""
    text = element.text
    for word in sorted(words, key=len, reverse=True):
        # The "5 years" of a word is no part of "2025".
        text = re.sub(rf"(?<!\d){re.escape(word)}(?!\d)", "", text)
    return replace(element, text=text)


def main() -> int:
    """Print the figures; 1 where something is missing or invented."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    asked = parser.parse_args()
    bank = Bank(Settings(home=asked.home, today=TODAY))
    graph = FactsShelf(bank.home.facts).latest()
    products = graph.schema.roles.product
    names = {graph.name(products, place) or "" for place in range(len(graph.nodes(products).ids))} - {""}
    seconds, whole, refused, faults = 0.0, 0, Counter[str](), []
    for user, product in listed(bank):
        if whole == asked.count:
            break
        turn = whole + sum(refused.values())
        language = LANGUAGES[turn % 3]
        began = time.process_time()
        handed = bank.statement(AskStatement(user, product, AMOUNTS[turn % 3], language=language))
        seconds += time.process_time() - began
        if handed.statement.refused is not None:
            refused[" ".join(word for word in handed.statement.refused.split() if not any(map(str.isdigit, word)))] += 1
            continue
        whole += 1
        assert handed.record is not None, "the home keeps a record"
        recorded = bank.record_entry(handed.record).entry["event"]
        kept = bank.read_statement(ReadStatement(handed.record)).statement
        gone = [name for name in ELEMENTS if kept.elements[name].missing]
        words = graph.schema.words.get(language, {}).values()
        told = [
            one
            for element in kept.elements.values()
            for one in untraced(_without(element, words), recorded["basis"], language, names)
        ]
        if gone or told or set(kept.elements) != set(ELEMENTS):
            faults.append((user, product, gone, told))
    print(f"{whole - len(faults):,} of {whole:,} statements have all {len(ELEMENTS)} elements, each from its fields")
    each = 1000 * seconds / max(whole + sum(refused.values()), 1)
    print(f"{each:.0f} ms of processor each, recorded, without lists and checks")
    for why, count in refused.most_common(8):
        print(f"refused {count:,}: {why}")
    for one in faults[:10]:
        print("fault", *one)
    return int(bool(faults) or whole < asked.count)


if __name__ == "__main__":
    sys.exit(main())
