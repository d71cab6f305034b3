"""Peak memory of scoring a million users and 100,000 products with 50 million edges (bar: 8 GiB).

The whole graph and model are there: holdings both ways, a linear term and the walks through other holders. Blocks from
all over the users are scored and ranked; the time of all of them is extrapolated from those.
"""

import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from graphrec.models.walks.kernel import KernelConfig, default_powers, fit_kernel
from graphrec.terms.forms.blend import Blend
from graphrec.terms.walks import Walk
from graphrec.training.lists import ranked_lists
from tests.quality.synthetic import BOUGHT, SCHEMA, factors, graph_of, holdings

USERS, PRODUCTS, EDGES, DIM, SEED = 1_000_000, 100_000, 50_000_000, 64, 7
BLOCKS, BLOCK, SAMPLE, BAR_GIB = 3, 160, 64, 8.0


def main() -> int:
    """Print the peak and the time; 1 when the peak is above the bar."""
    graph = graph_of(holdings(USERS, PRODUCTS, EDGES, SEED), PRODUCTS)
    held = graph.hops[BOUGHT]
    print(f"{USERS:,} users, {PRODUCTS:,} products, {len(held.indices):,} edges; with the graph: peak {peak():.2f} GiB")
    hops = (BOUGHT, BOUGHT.back(), BOUGHT)
    kernel = fit_kernel(graph, [Walk(hops, default_powers(SCHEMA, hops))], KernelConfig(sample=SAMPLE))
    blend = Blend([factors(graph, DIM, SEED), kernel], [0.5, 1.0])
    print(f"with the model: peak {peak():.2f} GiB")
    users = np.arange(USERS, dtype=np.int32)
    took = 0.0
    for start in np.linspace(0, USERS - BLOCK, BLOCKS).astype(int):
        began = time.process_time()
        ranked_lists(blend, users[start : start + BLOCK], held, 20)
        took += time.process_time() - began
    hours = took / (BLOCKS * BLOCK) * USERS / 3600
    print(f"{BLOCKS * BLOCK:,} users scored in {took:.1f} s of processor, all of them extrapolated: {hours:.1f} h")
    print(f"load {os.getloadavg()[0]:.1f}; peak {peak():.2f} GiB (bar {BAR_GIB} GiB)")
    return int(peak() > BAR_GIB)


def peak() -> float:
    """The most memory this process has held, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    sys.exit(main())
