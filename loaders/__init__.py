"""From a bank's files to rows: mappings, and the engine that runs them."""

from graphrec.loaders.engine import check, run_load
from graphrec.loaders.mapping import Mapping, load_mapping, shipped_names

__all__ = ["Mapping", "check", "load_mapping", "run_load", "shipped_names"]
