"""A synthetic bank for the benchmarks of speed: many users, popular products, long rows, no meaning."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graphrec.graph.edges.adjacency import Adjacency, Graph, Hop, from_codes
from graphrec.graph.rows import edge_fields, node_fields
from graphrec.schema import EdgeSchema, GraphSchema, NodeSchema, Roles
from graphrec.terms.forms.factors import FactorTerm, Neighbours

BOUGHT = Hop("BOUGHT")
SCHEMA = GraphSchema(
    Roles("Customer", "Product", ("BOUGHT",), {"BOUGHT": 1.0}, ("BOUGHT",)),
    {"Customer": NodeSchema("Customer"), "Product": NodeSchema("Product")},
    {"BOUGHT": EdgeSchema("BOUGHT", "Customer", "Product")},
)


def holdings(users: int, products: int, edges: int, seed: int) -> Adjacency:
    """About so many distinct edges: users of log-normal degree, products whose popularity falls as a power of rank."""
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0.0, 1.0, users)
    degrees = rng.poisson(1.15 * edges * activity / activity.sum())
    popularity = (np.arange(products) + 20.0) ** -0.8
    place = rng.permutation(products)
    edge_of = np.cumsum(popularity / popularity.sum())
    chosen = place[np.searchsorted(edge_of, rng.random(int(degrees.sum()))).clip(max=products - 1)]
    codes = np.repeat(np.arange(users, dtype=np.int64), degrees) * products + chosen
    codes.sort()
    return from_codes(codes[np.concatenate(([True], codes[1:] != codes[:-1]))], users, products)


def graph_of(held: Adjacency, products: int) -> Graph:
    """The graph of these holdings."""
    counts = {"Customer": len(held.indptr) - 1, "Product": products}
    return Graph(SCHEMA, counts, {BOUGHT: held, BOUGHT.back(): held.transposed(products)})


def factors(graph: Graph, dim: int, seed: int) -> FactorTerm:
    """A linear term of random factors over the holdings."""
    left, right = np.random.default_rng(seed).normal(size=(2, graph.num_products, dim)).astype(np.float32)
    return FactorTerm("linear", graph, [Neighbours(BOUGHT, left)], right)


def tables(held: Adjacency, products: int) -> tuple[dict[str, pa.Table], dict[str, pa.Table]]:
    """The rows of nodes and edges, as `write_snapshot` takes them."""
    ids = {"Customer": _ids("C", len(held.indptr) - 1), "Product": _ids("P", products)}
    nodes = {label: _filled({"id": column}, node_fields(())) for label, column in ids.items()}
    rows: NDArray[np.int64] = np.repeat(np.arange(len(held.indptr) - 1), held.degrees())
    ends = {"source": ids["Customer"].take(pa.array(rows)), "target": ids["Product"].take(pa.array(held.indices))}
    key = pa.array(np.full(len(rows), ""))
    return nodes, {"BOUGHT": _filled({**ends, "key": key}, edge_fields(()))}


def _ids(letter: str, count: int) -> pa.Array:
    return pa.array([f"{letter}{number:07}" for number in range(count)])


def _filled(columns: dict[str, pa.Array], form: pa.Schema) -> pa.Table:
    size = len(next(iter(columns.values())))
    return pa.table([columns.get(field.name, pa.nulls(size, field.type)) for field in form], schema=form)
