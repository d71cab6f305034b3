"""What can be set of each term: the fields of its configuration, and their values from text (`train --set`)."""

from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from math import isfinite
from typing import Any, get_args, get_type_hints

from graphrec.errors import UsageError

CONFIGS = {
    "learned-kernel": "learned_kernel.weights.WalkWeightsConfig",
    "spectral": "spectral.SpectralConfig",
    "lightgcn": "lightgcn.network.LightGCNConfig",
    "ease": "ease.EaseConfig",
    "softmax": "softmax.SoftmaxConfig",
    "itemknn": "itemknn.neighbours.ItemKnnConfig",
    "lightgcn-id": "lightgcn_id.network.PlainLightGCNConfig",
    "graphsage": "graphsage.network.GraphSageConfig",
    "als": "als.AlsConfig",
    "rp3beta": "kernel.Rp3BetaConfig",
}
"""Where the configuration of a term is in graphrec.models; other terms have nothing to set."""
OPTIONS = ("seed", "use_protected")
"""Fields that are options of the whole training."""
WANTED = {bool: "true or false", int: "a whole number", float: "a number"}


def config_class(term: str) -> type:
    """The configuration of a term, a dataclass."""
    module, _, name = CONFIGS[term].rpartition(".")
    found: type = getattr(import_module(f"graphrec.models.{module}"), name)
    return found


def settable(term: str) -> dict[str, Any]:
    """The type of everything that can be set of a term, by name."""
    config = config_class(term)
    types = get_type_hints(config)
    return {field.name: types[field.name] for field in fields(config) if field.name not in OPTIONS}


def read_set(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What texts such as `lightgcn.loss=bpr` set, by term and name.

    Raises:
        UsageError: there is no such term or name, or the value does not fit.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        term, dot, name = place.partition(".")
        if not equals or not dot:
            raise UsageError(f"--set {text}: want TERM.NAME=VALUE, such as lightgcn.loss=bpr")
        if term not in CONFIGS:
            raise UsageError(f"--set {text}: there is nothing to set for {term!r}; there are {', '.join(CONFIGS)}")
        types = settable(term)
        if name not in types:
            raise UsageError(f"--set {text}: {term} has no {name!r}; there are {', '.join(types)}")
        found.setdefault(term, {})[name] = _value(text, value, types[name])
    return found


def _value(text: str, value: str, kind: Any) -> Any:
    if kind not in WANTED:
        if value in get_args(kind):
            return value
        raise UsageError(f"--set {text}: want one of {', '.join(get_args(kind))}")
    try:
        read = {"true": True, "false": False}[value] if kind is bool else kind(value)
        if isfinite(read):
            return read
    except (KeyError, ValueError):
        pass
    raise UsageError(f"--set {text}: want {WANTED[kind]}")
