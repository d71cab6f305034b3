"""From a bank's files to rows: mappings, and the engine that runs them.

The names below are imported when they are first used: the words of `propose` need no DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphrec.loading.mapping.reading import folder_of as folder_of
    from graphrec.loading.mapping.reading import load_mapping as load_mapping
    from graphrec.loading.mapping.reading import shipped_names as shipped_names
    from graphrec.loading.mapping.specs import Mapping as Mapping
    from graphrec.loading.run.engine import check as check
    from graphrec.loading.run.engine import run_load as run_load
    from graphrec.loading.run.rejects import parse_limit as parse_limit

_PUBLIC = {
    "Mapping": "mapping.specs",
    "check": "run.engine",
    "folder_of": "mapping.reading",
    "load_mapping": "mapping.reading",
    "parse_limit": "run.rejects",
    "run_load": "run.engine",
    "shipped_names": "mapping.reading",
}
__all__ = [*_PUBLIC]  # noqa: PLE0604 - all are texts


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'graphrec.loading' has no attribute {name!r}")
    return getattr(import_module(f"graphrec.loading.{_PUBLIC[name]}"), name)
