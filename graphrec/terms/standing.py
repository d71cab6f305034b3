"""How far a model has come: draft, validated, approved, retired; who said so, when and why.

    models/standing.json    every step of every model, oldest first

A step is of one model by its hash: what a training writes next under the same name is a draft again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from graphrec.errors import Damaged
from graphrec.files import whole_file
from graphrec.home import Home

FILE = "standing.json"
Standing = Literal["draft", "validated", "approved", "retired"]


@dataclass(frozen=True)
class Step:
    """One step of one model."""

    model: str
    """Its folder at that time."""
    hash: str
    standing: Standing
    at: str
    """UTC."""
    by: str
    why: str


def read_steps(home: Home, model_hash: str | None = None) -> tuple[Step, ...]:
    """Every step, oldest first.

    Args:
        model_hash: of one model alone.

    Raises:
        Damaged: the file cannot be read.
    """
    file = home.models / FILE
    try:
        steps = tuple(Step(**one) for one in json.loads(file.read_text("utf-8"))["steps"])
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{file} is damaged ({type(error).__name__}), and it says which models are approved; restore it "
                      "from a backup") from None  # fmt: skip
    return tuple(one for one in steps if model_hash in (None, one.hash))


def standing_of(steps: Sequence[Step]) -> Standing:
    """How far a model has come by its own steps.

    >>> standing_of([])
    'draft'
    """
    return steps[-1].standing if steps else "draft"


def write_step(home: Home, step: Step) -> None:
    """Add a step; a reader sees all of what was or all of what is."""
    plain = [asdict(one) for one in (*read_steps(home), step)]
    with whole_file(home.models / FILE) as temporary:
        temporary.write_text(json.dumps({"steps": plain}, ensure_ascii=False, indent=1) + "\n", "utf-8")
