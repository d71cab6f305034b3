"""Whether a store is whole: loads that did not finish, rows that are gone, values that are not those of the loads."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from graphrec import queries
from graphrec.errors import StoreError
from graphrec.store.base import SourceInfo, Store
from graphrec.store.checks.contents import Contents, digest_series
from graphrec.store.checks.sums import Sum
from graphrec.store.kinds import Kind, columns_of, kinds_of

#: What a damaged row is marked with until a full load has brought it again.
DAMAGED = "damaged"


def unfinished(sources: Iterable[SourceInfo]) -> str | None:
    """One line about sources of which a load began and did not complete, with the next command; None without any."""
    names = [source.name for source in sources if source.unfinished]
    if not names:
        return None
    return (
        f"a load of {' and '.join(names)} is not complete: wait for it to end, or, if it was stopped, run it again: "
        f"graphrec load {names[0]}"
    )


def lost_sources(sources: Iterable[SourceInfo], contents: Contents) -> list[str]:
    """One line for each source whose schema in the store is not that of its last complete load."""
    found = {source.name: source.schema_digest for source in sources}
    return [
        f"what the store knows of source {name} is not what its last load left; load again: graphrec load {name}"
        for name, digest in contents.sources.items()
        if found.get(name) != digest
    ]


def lost_rows(store: Store, contents: Contents) -> list[str]:
    """One line for each type of which the store counts other rows than its account, and for each series file.

    Reads counts and series files, no rows; on a shared store only what is missing is found.
    """
    found = store.info().totals()
    lines = []
    for key, total in contents.totals.items():
        wanted = min(contents.types[key].rows, total) if store.is_shared else total
        if found.get(key, 0) < wanted or (found.get(key, 0) > wanted and not store.is_shared):
            lines.append(f"{_shown(key)}: {found.get(key, 0):,} rows, and the last load left {wanted:,}")
    return [*lines, *lost_series(store, contents)]


def lost_series(store: Store, contents: Contents) -> list[str]:
    """One line for each series file that is missing or has other content than the last load wrote."""
    found = digest_series(store.series_folder / name for name in contents.series)
    changed = {name: name in found for name, digest in contents.series.items() if found.get(name) != digest}
    return [
        f"series file {store.series_folder / name} "
        + ("is not the one that the last load wrote" if is_there else "is missing")
        for name, is_there in changed.items()
    ]


def compare(store: Store, contents: Contents, key: str, found: Sum) -> None:
    """Pass rows that were read when their sum is that of the account.

    Otherwise the sources of these rows are marked, so that the next load of theirs brings them again.

    Raises:
        StoreError: rows are missing or changed; the type, the two counts and the next command.
    """
    difference = contents.types[key].differs(found)
    if difference is None:
        return
    names = _owners(store, key)
    with suppress(StoreError):  # of a store that cannot be written, the advice is all there is
        doubt(store, names)
    raise StoreError(_damage(store, key, difference, contents.types[key], found, names))


def compare_split(contents: Contents, found: dict[str, Sum], store: Store) -> None:
    """Pass split pairs that were read when they are those of the last loads.

    Raises:
        StoreError: pairs are missing or changed.
    """
    for key in sorted(contents.split.keys() | found.keys()):
        if contents.split.get(key, Sum()).differs(found.get(key, Sum())):
            source = key.rpartition("/")[0]
            raise StoreError(
                f"the split pairs {key} in {store.address} are not those of the last load; {_again(store, [source])}"
            )


def doubt(store: Store, names: Sequence[str]) -> None:
    """Mark sources of which rows are missing or changed, so that only a full load makes them whole again."""
    for source in store.sources():
        if source.name in names and DAMAGED not in source.unfinished:
            marks = [*source.unfinished, DAMAGED]
            store.write(queries.text("load/doubt"), {"source": source.name, "unfinished": marks})


def _owners(store: Store, key: str) -> list[str]:
    return [one.name for one in store.sources() if any(Kind(*touched).key == key for touched in one.touched)]


def check(store: Store, *, deep: bool = False) -> list[str]:
    """What is wrong with a store, one line each; nothing where all is well, and for a store without a load.

    Args:
        deep: also ask the engine for its own check, and compare the sums over all rows.
    """
    sources, contents = store.sources(), store.contents()
    if not sources and contents is None:
        return []
    line = unfinished(sources)
    lines = [] if line is None else [line]
    if contents is None:
        return lines or [f"{store.address} keeps no account of what it holds; {_again(store, [sources[0].name])}"]
    lines += lost_sources(sources, contents)
    if line is None:
        lines += lost_rows(store, contents)
    if deep:
        lines += store.check_engine()
    if deep and line is None:
        lines += _changed_rows(store, contents)
    return lines


def _changed_rows(store: Store, contents: Contents) -> list[str]:
    schema, names = store.read_schema(), [source.name for source in store.sources()]
    lines = []
    for kind in kinds_of(schema):
        known = contents.types.get(kind.key)
        if known is not None and not contents.is_edited:
            try:
                found = store.read_rows(kind, columns_of(schema, kind), names)[1]
            except StoreError as error:
                lines.append(f"{kind.name} cannot be read: {error}")
                continue
            difference = known.differs(found)
            if difference is not None:
                lines.append(_damage(store, kind.key, difference, known, found, names))
    return lines


def _damage(store: Store, key: str, difference: str, known: Sum, found: Sum, names: list[str]) -> str:
    if difference == "rows":
        what = f"{found.rows:,} rows, and the last load left {known.rows:,}"
    elif difference == "ids":
        what = "other ids than those that the last load left"
    else:
        what = f"other values of {difference} than the last load left"
    return f"{_shown(key)} in {store.address} has {what}; {_again(store, names)}"


def _again(store: Store, names: list[str]) -> str:
    load = " and ".join(f"graphrec load {name}" for name in names) or "graphrec load MAPPING"
    if store.is_shared:
        return f"load again: {load}"
    return f"load again: {load}; if that fails, remove the folder {store.address} first"


def _shown(key: str) -> str:
    return key.partition("/")[2]
