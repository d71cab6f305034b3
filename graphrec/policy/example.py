"""A first policy.toml for a graph: the shipped rules that it has columns for; the others stay as comments."""

from dataclasses import dataclass
from importlib.resources import files

from graphrec.errors import PolicyError
from graphrec.graph.snapshot import Snapshot
from graphrec.policy.compiled import CompiledPolicy
from graphrec.policy.read import parse_policy


@dataclass(frozen=True)
class Example:
    """The text of a policy, and which rules are in it."""

    text: str
    kept: tuple[str, ...]
    left_out: tuple[str, ...]


def example_policy(snapshot: Snapshot, as_of: int | None) -> Example:
    """The shipped rules that fit a snapshot; of several forms of a rule the first that fits."""
    shipped = files("graphrec.policy").joinpath("examples.toml").read_text(encoding="utf-8")
    head, *blocks = shipped.rstrip().split("\n\n")
    forms: dict[str, list[str]] = {}
    for block in blocks:
        forms.setdefault(parse_policy(f'version = "1"\n{block}', "examples").rules[0].id, []).append(block)
    parts, left_out = [head], []
    for name, variants in forms.items():
        misfits = {block: _misfit(block, snapshot, as_of) for block in variants}
        fitting = [block for block, why in misfits.items() if why is None]
        parts.append(fitting[0] if fitting else _commented(variants[0], misfits[variants[0]] or ""))
        left_out += [] if fitting else [name]
    kept = tuple(name for name in forms if name not in left_out)
    return Example("\n\n".join(parts) + "\n", kept, tuple(left_out))


def _misfit(block: str, snapshot: Snapshot, as_of: int | None) -> str | None:
    """Why a rule does not fit a snapshot, None when it does."""
    try:
        CompiledPolicy(parse_policy(f'version = "1"\n{block}', "examples"), snapshot, as_of=as_of)
    except PolicyError as error:
        return str(error).partition(": rule ")[2].partition(": ")[2]
    return None


def _commented(block: str, why: str) -> str:
    """A rule as comments, with the reason why it is not in force."""
    lines = "\n".join(line if not line or line.startswith("# ") else f"# {line}" for line in block.splitlines())
    return f"# Not in force: {why}\n{lines}"
