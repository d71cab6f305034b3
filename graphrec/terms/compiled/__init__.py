"""What is compiled: scores and lines of many users, top-k, least squares. All numba of this room is here.

Nothing here is needed for one user; without numba (`pip install 'graphrec[fast]'`) many users are answered one after
another with numpy, with the same bytes.
"""

from functools import cache


@cache
def is_there() -> bool:
    """Whether numba is installed."""
    try:
        import numba
    except ImportError:
        return False
    return bool(numba.__version__)
