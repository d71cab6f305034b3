"""A blend as files: `model.safetensors` with every array, and a description for meta.json.

Reading maps the file and copies nothing, with numpy alone.
"""

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphrec.graph.adjacency import Adjacency, Graph, Hop
from graphrec.schema import GraphSchema
from graphrec.terms.als import AlsTerm
from graphrec.terms.base import Term
from graphrec.terms.blend import Blend
from graphrec.terms.factors import FactorTerm, Neighbours, SparseRows, TableTerm
from graphrec.terms.sage import SageTerm
from graphrec.terms.walks import Walk, WalkScorer, WalkTerm

ARRAYS = "model.safetensors"
_DTYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_}

Arrays = dict[str, NDArray[Any]]


def write_blend(folder: Path, blend: Blend, graph: Graph) -> dict[str, Any]:
    """Write the arrays of a blend and of what it needs of its graph; returns the description for `open_blend`."""
    from safetensors.numpy import save_file

    arrays: Arrays = {}
    terms = [_describe(term, weight, f"t{n}", arrays) for n, (term, weight) in enumerate(_weighted(blend))]
    hops = _hops_of(blend)
    hops |= {Hop(name) for name in graph.schema.roles.interactions}
    for hop in sorted(hops, key=str):
        adjacency = graph.hops[hop]
        arrays[f"graph/{hop}/indptr"], arrays[f"graph/{hop}/indices"] = adjacency.indptr, adjacency.indices
        if adjacency.weight is not None:
            arrays[f"graph/{hop}/weight"] = adjacency.weight
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / ARRAYS)
    return {"terms": terms, "hops": sorted(str(hop) for hop in hops)}


def open_blend(
    folder: Path, description: Mapping[str, Any], schema: GraphSchema, counts: Mapping[str, int]
) -> tuple[Blend, Graph]:
    """The blend that `write_blend` wrote, and the part of its graph that it needs, mapped into memory."""
    arrays = map_arrays(folder / ARRAYS)
    hops = {}
    for text in description["hops"]:
        stem = f"graph/{text}"
        hops[Hop.parse(text)] = Adjacency(
            arrays[f"{stem}/indptr"], arrays[f"{stem}/indices"], arrays.get(f"{stem}/weight")
        )
    graph = Graph(schema, counts, hops)
    terms = [_open(described, f"t{n}", graph, arrays) for n, described in enumerate(description["terms"])]
    return Blend(terms, [described["weight"] for described in description["terms"]]), graph


def map_arrays(path: Path) -> Arrays:
    """Every array of a safetensors file, mapped into memory."""
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    header_size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + header_size])
    arrays: Arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        kind = np.dtype(_DTYPES[entry["dtype"]])
        count = (end - start) // kind.itemsize
        arrays[name] = np.frombuffer(content, kind, count, 8 + header_size + start).reshape(entry["shape"])
    return arrays


def _weighted(blend: Blend) -> list[tuple[Term, float]]:
    return list(zip(blend.terms, blend.weights, strict=True))


def _hops_of(blend: Blend) -> set[Hop]:
    hops: set[Hop] = set()
    for term in blend.terms:
        if isinstance(term, WalkTerm):
            for scorer in term.scorers:
                hops.update(scorer.walk.hops)
                hops.update(hop.back() for hop in scorer.walk.hops)
        elif isinstance(term, FactorTerm | TableTerm):
            hops.update(source.hop for source in term.neighbours if source.hop is not None)
        elif isinstance(term, SageTerm):
            hops.update(term.network.hops_of(term.graph, term.graph.schema.roles.user))
    return hops


def _describe(term: Term, weight: float, stem: str, arrays: Arrays) -> dict[str, Any]:
    described: dict[str, Any] = {"name": term.name, "weight": weight}
    if isinstance(term, WalkTerm):
        return described | {"form": "walks", "walks": _describe_walks(term, stem, arrays)}
    if isinstance(term, SageTerm):
        arrays |= {f"{stem}/{name}": array for name, array in term.arrays().items()}
        return described | {"form": "sage"}
    if isinstance(term, AlsTerm):
        arrays[f"{stem}/products"] = term.products
        return described | {"form": "als", "alpha": term.alpha, "regularization": term.regularization}
    if isinstance(term, FactorTerm):
        arrays[f"{stem}/right"] = term.right
        described |= {"form": "factors", "text_dim": term.text_dim}
        return described | {"neighbours": _describe_neighbours(term, stem, arrays)}
    if isinstance(term, TableTerm):
        return described | {"form": "table", "neighbours": _describe_neighbours(term, stem, arrays)}
    raise TypeError(f"{type(term).__name__} has no file form")


def _describe_walks(term: WalkTerm, stem: str, arrays: Arrays) -> list[dict[str, Any]]:
    walks = []
    for n, scorer in enumerate(term.scorers):
        walk = scorer.walk
        walks.append({"walk": str(walk), "powers": list(walk.powers), "beta": walk.beta})
        for place, learned in scorer.learned.items():
            arrays[f"{stem}/{n}/learned/{place}"] = learned
        if scorer.table is not None:
            arrays[f"{stem}/{n}/table"] = scorer.table
        if scorer.closes:
            arrays[f"{stem}/{n}/diagonal"] = scorer.diagonal
    return walks


def _describe_neighbours(term: FactorTerm | TableTerm, stem: str, arrays: Arrays) -> list[dict[str, Any]]:
    neighbours = []
    for n, source in enumerate(term.neighbours):
        hop = str(source.hop) if source.hop else None
        neighbours.append({"hop": hop, "own": source.own, "kind": source.kind})
        if isinstance(source.left, SparseRows):
            for part in ("indptr", "indices", "values"):
                arrays[f"{stem}/{n}/{part}"] = getattr(source.left, part)
        else:
            arrays[f"{stem}/{n}/left"] = source.left
    return neighbours


def _open(described: Mapping[str, Any], stem: str, graph: Graph, arrays: Arrays) -> Term:
    if described["form"] == "walks":
        scorers = []
        for n, entry in enumerate(described["walks"]):
            hops = tuple(Hop.parse(hop) for hop in entry["walk"].split())
            walk = Walk(hops, tuple(entry["powers"]), entry["beta"])
            diagonal, table = arrays.get(f"{stem}/{n}/diagonal"), arrays.get(f"{stem}/{n}/table")
            places = {place: f"{stem}/{n}/learned/{place}" for place in range(len(hops))}
            learned = {place: arrays[key] for place, key in places.items() if key in arrays}
            scorers.append(WalkScorer(graph, walk, diagonal, table, learned))
        return WalkTerm(described["name"], graph, scorers)
    if described["form"] == "sage":
        own = {name.removeprefix(f"{stem}/"): array for name, array in arrays.items() if name.startswith(f"{stem}/")}
        return SageTerm.of_arrays(graph, own)
    if described["form"] == "als":
        return AlsTerm(graph, arrays[f"{stem}/products"], described["alpha"], described["regularization"])
    neighbours = []
    for n, entry in enumerate(described["neighbours"]):
        hop = Hop.parse(entry["hop"]) if entry["hop"] else None
        left = _left(f"{stem}/{n}", graph, arrays)
        neighbours.append(Neighbours(hop, left, entry["own"], entry.get("kind")))
    if described["form"] == "factors":
        right = arrays[f"{stem}/right"]
        return FactorTerm(described["name"], graph, neighbours, right, text_dim=described["text_dim"], rounded=True)
    return TableTerm(described["name"], graph, neighbours)


def _left(stem: str, graph: Graph, arrays: Arrays) -> "NDArray[np.float32] | SparseRows":
    if f"{stem}/left" in arrays:
        return arrays[f"{stem}/left"]
    indptr, indices, values = (arrays[f"{stem}/{part}"] for part in ("indptr", "indices", "values"))
    return SparseRows(indptr, indices, values, graph.num_products)
