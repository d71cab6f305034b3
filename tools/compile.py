"""Compile the loops of models and lists on a small drawn bank, so that no first command waits for it: `make install`.

What is compiled is kept beside the sources, as bytecode is. A loop that is changed later is compiled by its first use.
"""

import os
import subprocess
import sys
import tempfile

import numpy as np
from typer.testing import CliRunner

from graphrec.cli import app
from graphrec.demo.sizes import SIZES, Size
from graphrec.models.walks import kernel
from graphrec.terms.compiled.least_squares import solve_rows

LOADED = (("demo", "--out", "bank"), ("load", "demo", "--data", "bank"))
#: Three processes share the work: what fits models, what makes lists, and what large banks have alone.
PARTS = {
    "models": (
        ("train",),
        ("train", "--model", "learned-kernel", "--fixed"),
        ("train", "--model", "itemknn", "--fixed"),
        ("train", "--model", "als", "--fixed"),
    ),
    "large": (
        ("train", "--model", "kernel", "--fixed", "--final"),
        ("export", "--model", "kernel", "--out", "kernel.csv"),
        ("train", "--model", "ease", "--fixed", "--final", "--set", "ease.max_columns=10"),
        ("export", "--model", "ease", "--out", "ease.csv"),
    ),
    "lists": tuple(
        words
        for model in ("blend", "lightgcn", "graphsage")
        for words in (
            ("train", "--model", model, "--fixed", "--final"),
            ("export", "--model", model, "--out", f"{model}.csv"),
        )
    ),
}


def run(part: str) -> None:
    """The commands of one part, in a folder of their own that goes again."""
    if part == "large":
        kernel.TABLE_ENTRIES = 0  # no walk is multiplied out
        # Vectors of customers are solved whole where roles name no least group.
        solve_rows(np.array([0, 1]), np.zeros(1, np.int64), np.ones((1, 2)), np.eye(2), 1.0)
    SIZES["S"] = Size("S", customers=300, products=60, sector=(4, 5), issuer=(4, 6), theme=(5, 5))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for words in (*LOADED, *PARTS[part]):
            done = CliRunner().invoke(app, ["--policy", "none", *words], catch_exceptions=False)
            if done.exit_code:
                sys.exit(done.stderr)
        os.chdir("/")


def main() -> None:
    """All parts beside each other."""
    started = [subprocess.Popen([sys.executable, __file__, part], stdout=subprocess.DEVNULL) for part in PARTS]
    sys.exit(max(process.wait() for process in started))


if __name__ == "__main__":
    run(sys.argv[1]) if sys.argv[1:] else main()
