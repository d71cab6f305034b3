"""Where the data beside the code is: `cypher/` and `loaders/`.

A wheel has both inside the package; in a checkout and in an editable install they are at the root, beside it.
"""

from functools import cache
from pathlib import Path
from typing import Literal


@cache
def data_folder(name: Literal["cypher", "loaders"]) -> Path:
    """The folder of the Cypher texts or of the shipped mappings.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    # Without importlib.resources, which a list would wait for.
    here = Path(__file__).resolve()
    for folder in (here.parent / name, here.parents[1] / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"graphrec is installed without its folder {name}; install it again")
