"""Values from the command line over those of every configuration: `train --set MODEL.KEY=VALUE`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from graphrec.config.convert import convert_value
from graphrec.config.names import nearest
from graphrec.errors import UsageError
from graphrec.models.inputs import Values
from graphrec.models.registry import added_to, models, parts_of_kind, settable
from graphrec.models.spec import ModelSpec


def read_overrides(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What texts such as `lightgcn.loss=bpr` set, by model and key.

    Args:
        texts: MODEL.KEY=VALUE each; of two for the same key the last counts.

    Returns:
        Values of the configurations' own types.

    Raises:
        UsageError: there is no such model or key, or the value does not fit; the message names the nearest key.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        name, dot, key = place.partition(".")
        if not equals or not dot:
            raise UsageError(f"--set {text}: want MODEL.KEY=VALUE, such as lightgcn.loss=bpr")
        if name not in settable():
            raise UsageError(f"--set {text}: there is nothing to set for {name!r}{_near(name, settable())}")
        spec = models()[name]
        if key not in spec.settable():
            raise UsageError(f"--set {text}: {name} has no {key!r}{_near(key, spec.settable())}")
        wanted = get_type_hints(spec.config, include_extras=True)[key]
        found.setdefault(name, {})[key] = convert_value(value, wanted, f"--set {place}", UsageError)
    return found


def check_overrides(kind: str, overrides: Mapping[str, Values]) -> None:
    """Check that values are given only for models that a kind consists of.

    Raises:
        UsageError: one is for another model.
    """
    names = [spec.name for spec in (*parts_of_kind(kind), *added_to(kind))]
    for name in overrides:
        if name not in names:
            raise UsageError(f"--set {name}.…: model {kind} has no part {name}; it has {', '.join(names)}")


def trials_of(spec: ModelSpec[Any], usual: Iterator[Values], overrides: Mapping[str, Values]) -> Iterator[Values]:
    """The trials with the overrides of a model over theirs; those that are then alike come once."""
    own = overrides.get(spec.name, {})
    seen = []
    for values in usual:
        whole = {**values, **own}
        if whole not in seen:
            seen.append(whole)
            yield whole


def _near(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    hint = f"; the nearest is {near}" if near else ""
    return f"{hint}; there are {', '.join(known)}"
