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
from graphrec.terms.base import Described, Stored, StoredRows, Term
from graphrec.terms.blend import Blend
from graphrec.terms.factors import FactorTerm, TableTerm
from graphrec.terms.sage.term import SageTerm
from graphrec.terms.walks import WalkTerm

FORMS: dict[str, type[Term]] = {form.form: form for form in (WalkTerm, FactorTerm, TableTerm, AlsTerm, SageTerm)}
"""The forms of term that a folder may hold, by what it calls them."""
ARRAYS = "model.safetensors"
_DTYPES = {"F64": np.float64, "F32": np.float32, "I64": np.int64, "I32": np.int32, "U8": np.uint8, "BOOL": np.bool_}

Arrays = dict[str, NDArray[Any]]


def write_blend(folder: Path, blend: Blend, graph: Graph) -> dict[str, Any]:
    """Write the arrays of a blend and of what it needs of its graph; returns the description for `open_blend`."""
    from safetensors.numpy import save_file

    arrays: Arrays = {}
    terms = []
    for n, (term, weight) in enumerate(zip(blend.terms, blend.weights, strict=True)):
        described = term.describe()
        terms.append({"form": term.form, "name": described.name, "weight": weight, **_kept(described, f"t{n}", arrays)})
    hops = {hop for term in blend.terms for hop in term.hops}
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
    terms = [
        FORMS[entry["form"]].open(_described(entry, f"t{n}", arrays), graph)
        for n, entry in enumerate(description["terms"])
    ]
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


def _kept(described: Described, stem: str, arrays: Arrays) -> dict[str, Any]:
    """What meta.json says of a term; its arrays are added to `arrays`."""
    rows = {}
    for name, stored in described.rows.items():
        arrays[f"{stem}/{name}/indptr"], arrays[f"{stem}/{name}/indices"] = stored.indptr, stored.indices
        if stored.values is not None:
            arrays[f"{stem}/{name}/values"] = stored.values
        rows[name] = [stored.source, stored.target]
    arrays |= {f"{stem}/{name}": stored.values for name, stored in described.arrays.items()}
    axes = {name: list(stored.axes) for name, stored in described.arrays.items()}
    return {"settings": described.settings, "arrays": axes, "rows": rows}


def _described(entry: Mapping[str, Any], stem: str, arrays: Arrays) -> Described:
    """What `_kept` kept of a term."""
    rows = {}
    for name, (source, target) in entry["rows"].items():
        own = f"{stem}/{name}"
        indptr, indices, values = arrays[f"{own}/indptr"], arrays[f"{own}/indices"], arrays.get(f"{own}/values")
        rows[name] = StoredRows(indptr, indices, source, target, values)
    stored = {name: Stored(arrays[f"{stem}/{name}"], tuple(axes)) for name, axes in entry["arrays"].items()}
    return Described(entry["name"], entry["settings"], stored, rows)
