"""Every source of feature blocks: those of graphrec, then those of other distributions.

A distribution adds a source by an entry point of the group `graphrec.features` that names a function which makes one:

    [project.entry-points."graphrec.features"]
    mine = "my_features.mine:make"
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points

from graphrec.config.market import MARKET_FILE
from graphrec.errors import ModelError, UsageError
from graphrec.features.blocks import SourceContext, SourceMaker, Sources
from graphrec.features.sources import columns, portfolio, series, sums, vectors
from graphrec.home import Home
from graphrec.progress import Progress, silent

GROUP = "graphrec.features"
DEFAULT = ("text",)
"""The sources that are read when nothing is asked for."""


def _text(context: SourceContext) -> "object":
    from graphrec.features.sources.text.source import make

    return make(context)


@cache
def makers() -> dict[str, SourceMaker]:
    """How each source is made, by its name.

    Raises:
        ModelError: a plug-in cannot be imported or has the name of another source.
    """
    found: dict[str, SourceMaker] = {"columns": columns.make, "series": series.make, "portfolio": portfolio.make}
    found = {"text": _text, **found, "vector": vectors.make, "sums": sums.make}  # type: ignore[dict-item]
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        where = f"feature plug-in {point.name} ({point.value})"
        if point.name in found:
            raise ModelError(f"{where}: there is a source {point.name!r} already; rename or uninstall it")
        try:
            found[point.name] = point.load()
        except Exception as error:
            raise ModelError(f"{where}: cannot be imported ({error}); correct or uninstall it") from error
    return found


def sources_of(names: Sequence[str], home: Home, encoder: str | None = None, *, progress: Progress = silent) -> Sources:
    """The sources of a home by their names.

    Args:
        names: as in `train --blocks text,columns`.
        home: whose vectors and series are read.
        encoder: name or folder of the text encoder; None: the packaged one.
        progress: of what is encoded.

    Raises:
        UsageError: there is no such source.
    """
    for name in names:
        if name not in makers():
            raise UsageError(
                f"--blocks {','.join(names)}: there is no source {name!r}; there are {', '.join(makers())}"
            )
    market, sums_of = home.path / MARKET_FILE, home.federated
    context = SourceContext(home.vectors, home.series, market, encoder, sums_of)
    return Sources(tuple(makers()[name](context) for name in names), progress)
