"""From a bank's files to rows: mappings, and the engine that runs them."""

from graphrec.loading.mapping.reading import folder_of, load_mapping, shipped_names
from graphrec.loading.mapping.specs import Mapping
from graphrec.loading.run.engine import check, run_load
from graphrec.loading.run.rejects import parse_limit

__all__ = ["Mapping", "check", "folder_of", "load_mapping", "parse_limit", "run_load", "shipped_names"]
