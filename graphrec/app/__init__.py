"""The use cases: what can be asked of a bank's home, as typed requests with typed answers.

`Bank` holds the settings, the home and the opened models; each of its methods answers one request. Nothing here prints
or parses: the command line does that, and so may a notebook or a service. The names below are imported when they are
first used.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Bank": "graphrec.app.bank",
    "AskQuery": "graphrec.app.requests",
    "CheckPolicy": "graphrec.app.requests",
    "Embed": "graphrec.app.requests",
    "Evaluate": "graphrec.app.requests",
    "EvaluateDates": "graphrec.app.requests",
    "EvaluateNew": "graphrec.app.requests",
    "Explain": "graphrec.app.requests",
    "Export": "graphrec.app.requests",
    "Find": "graphrec.app.requests",
    "InitPolicy": "graphrec.app.requests",
    "ListRecord": "graphrec.app.requests",
    "Load": "graphrec.app.requests",
    "MakeDemoBank": "graphrec.app.requests",
    "ProposeMapping": "graphrec.app.requests",
    "PruneRecord": "graphrec.app.requests",
    "Recommend": "graphrec.app.requests",
    "TakeSnapshot": "graphrec.app.requests",
    "Train": "graphrec.app.requests",
    "Tune": "graphrec.app.requests",
    "VerifyRecord": "graphrec.app.requests",
    "WhyNot": "graphrec.app.requests",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'graphrec.app' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return __all__
