"""From a bank's files to rows: mappings, and the engine that runs them."""

from graphrec.loaders.engine import check, run_load
from graphrec.loaders.mapping import load_mapping, shipped_names
from graphrec.loaders.rejects import parse_limit
from graphrec.loaders.specs import Mapping

__all__ = ["Mapping", "check", "load_mapping", "parse_limit", "run_load", "shipped_names"]
