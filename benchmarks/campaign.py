"""A campaign of 20 products for all customers of the demo bank of size M: seconds, gap, and every bound checked anew.

    python benchmarks/campaign.py                 # 50,000 customers; the bar is 60 s for the plan
    python benchmarks/campaign.py --size S

The plan is read from the file that it is kept in and checked without any of its code: budget, caps, quotas, capacities,
nobody twice about one product, and for a sample of contacts that the policy refuses none.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from service import held, run

BAR_SECONDS, PRODUCTS, SAMPLE = 60.0, 20, 200
FILE = """name = "bars"
products = {products}
objective = "revenue"
budget_eur = {budget}
control = 0.1
[quotas]
{first} = {quota}
[cap]
per_campaign = 2
contacts = 2
[[channel]]
name = "branch"
cost_eur = 18
capacity = {capacity}
[[channel]]
name = "mail"
cost_eur = 0.7
effect = 0.4
"""


def main() -> int:
    """Plan, measure and check; 1 where a bar is missed."""
    from graphrec.app.bank import Bank
    from graphrec.app.jobs import PlanCampaign
    from graphrec.app.requests import Explain
    from graphrec.policy.facts import Occasion

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="M")
    parser.add_argument("--home", help="one that is there, with a model and a policy; it gets a campaign")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        there = asked.home or f"{folder}/home"
        if asked.home is None:
            home = ["--home", there]
            run("demo", "--size", asked.size, "--out", f"{folder}/bank")
            run(*home, "snapshot", "--from", "demo", "--data", f"{folder}/bank")
            run(*home, "train", "--fixed", "--final", "--model", "kernel")
            run(*home, "policy", "init")
        bank = Bank.open(there)
        engine = bank.opened.engine(bank.home, None, bank.now())
        customers, products = len(engine.users), list(engine.products.ids)[:PRODUCTS]
        budget, quota, capacity = customers * 0.5, customers // 50, customers // 100
        file = Path(folder) / "bars.toml"
        file.write_text(
            FILE.format(
                products=json.dumps(products), budget=budget, first=products[0], quota=quota, capacity=capacity
            ),
            "utf-8",
        )
        began, worked = time.perf_counter(), time.process_time()
        made = bank.plan_campaign(PlanCampaign(file))
        seconds, work = time.perf_counter() - began, time.process_time() - worked
        assert made.file is not None
        content = json.loads(made.file.read_text("utf-8"))
        chosen = [*content["contacts"], *content["control"]]
        broken = [
            name
            for name, is_broken in {
                "budget": sum(one["cost_eur"] for one in chosen) > budget + 1e-6,
                "cap": max(Counter(one["user"] for one in chosen).values()) > 2,
                "twice": max(Counter((one["user"], one["product"]) for one in chosen).values()) > 1,
                "quota": sum(one["product"] == products[0] for one in chosen) > quota,
                "capacity": sum(one["channel"] == "branch" for one in chosen) > capacity,
            }.items()
            if is_broken
        ]
        refused = 0
        for one in chosen[:: max(len(chosen) // SAMPLE, 1)]:
            occasion = Occasion(None, one["channel"], "campaign")
            answer = bank.explain(Explain(one["user"], one["product"], 10, record=False, occasion=occasion)).answer
            refused += not answer.items
    good = seconds <= BAR_SECONDS and not broken and not refused
    print(
        f"{customers:,} customers x {PRODUCTS} products: {made.contacts:,} contacts and {made.withheld:,} of control "
        f"in {seconds:.1f} s ({work:.1f} s of processor); gap {made.gap:.5%}, loss {made.loss:.1%}; broken bounds: "
        f"{', '.join(broken) or 'none'}; refused by the policy: {refused}; bar {BAR_SECONDS:.0f} s: {held(good)}"
    )
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
