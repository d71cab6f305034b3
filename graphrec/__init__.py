"""graphrec: which product fits which customer, and why, as arithmetic.

The names below are imported when they are first used, so that `import graphrec` costs nothing.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphrec.config.settings import Settings as Settings
    from graphrec.config.settings import read_settings as read_settings
    from graphrec.errors import GraphrecError as GraphrecError
    from graphrec.home import Home as Home
    from graphrec.schema import GraphSchema as GraphSchema

# Before torch or numba start their threads: those that wait for work must sleep, not spin. numba and torch share the
# pool, and where other programs keep the cores busy a spinning pool makes training thirty times slower (measured).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__version__ = "0.1.0"

_PUBLIC = {
    "GraphSchema": "graphrec.schema",
    "GraphrecError": "graphrec.errors",
    "Home": "graphrec.home",
    "Settings": "graphrec.config.settings",
    "read_settings": "graphrec.config.settings",
}
__all__ = ["GraphSchema", "GraphrecError", "Home", "Settings", "__version__", "read_settings"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'graphrec' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
