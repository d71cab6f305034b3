"""1,000 counterfactuals of random customers, each asked of the bank as a list without these edges.

    python benchmarks/counterfactuals.py [--wanted 1000] [--model kernel] [--k 10] [--seed 0]

`graphrec subject-access` says which edges of a customer keep a product in the list. Here each answer is tried on a way
that shares nothing with the search: the edges are contested (`graphrec contest`), and the list is made anew. The bar:
every counterfactual takes its product out, and no edge of one can be left out. Ends with 1 below it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from graphrec.app import jobs
from graphrec.app.bank import Bank
from graphrec.config.settings import Settings
from graphrec.demo import write_bank
from graphrec.graph.edges.own import HiddenEdge, Own
from graphrec.serving.answer import ListOptions
from graphrec.serving.engine import Engine
from graphrec.serving.proof.counterfactual import Changed, Counterfactual, counterfactuals


def main() -> int:
    """0 when every counterfactual holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wanted", type=int, default=1000)
    parser.add_argument("--model", default="kernel")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_bank(folder / "files")
        bank = Bank(Settings(home=folder / "home", policy="none"))
        bank.load(jobs.Load("demo", folder / "files"))
        bank.train(jobs.Train(asked.model, fixed=True, final=True))
        engine = Engine.open(bank.home)
        ids = engine.users.ids
        began = time.process_time()
        found = out = needed = undecided = edges = people = 0
        for user in np.random.default_rng(asked.seed).permutation(len(ids)):
            people += 1
            for one in counterfactuals(engine, ids[int(user)], asked.k):
                if not one.without:
                    undecided += 1
                    continue
                found += 1
                edges += len(one.without)
                out += one.verified and not listed(engine, ids[int(user)], one, one.without, asked.k)
                fewer = [tuple(each for each in one.without if each is not left) for left in one.without]
                needed += all(listed(engine, ids[int(user)], one, some, asked.k) for some in fewer if some)
                if found == asked.wanted:
                    break
            if found == asked.wanted:
                break
    print(
        f"{asked.model}, seed {asked.seed}, lists of {asked.k} of {people} customers: {out} of {found} counterfactuals "
        f"take the product out, {needed} of {found} with every edge needed, {edges / found:.1f} edges each; of "
        f"{undecided} products up to ten edges decide nothing ({time.process_time() - began:.0f} s)"
    )
    return int(out < found or needed < found)


def listed(engine: Engine, user: str, one: Counterfactual, without: tuple[Changed, ...], k: int) -> bool:
    """Whether the product is in the list of a customer who contests some edges."""
    hidden = tuple(HiddenEdge(edge.edge.removeprefix("<"), edge.node.id, for_rules=False) for edge in without)
    answer = engine.among({user: Own(user, None, hidden=hidden)}).recommend(user, k, ListOptions())
    return one.product in {item.product for item in answer.items}


if __name__ == "__main__":
    sys.exit(main())
