"""Where the data beside the code is: `cypher/` and `loaders/`.

A wheel has both inside the package; in a checkout and in an editable install they are at the root, beside it.
"""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal


@cache
def data_folder(name: Literal["cypher", "loaders"]) -> Traversable:
    """The folder of the Cypher texts or of the shipped mappings.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    packaged = files("graphrec") / name
    if packaged.is_dir():
        return packaged
    beside = Path(__file__).resolve().parents[1] / name
    if beside.is_dir():
        return beside
    raise FileNotFoundError(f"graphrec is installed without its folder {name}; install it again")
