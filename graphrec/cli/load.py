"""graphrec load: the files of a mapping into the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.output import emit_json, note, progress, say, table
from graphrec.cli.state import state
from graphrec.errors import UsageError
from graphrec.home import Home

if TYPE_CHECKING:
    from graphrec.graph.rows import LoadReport, Sink
    from graphrec.loading import Mapping

COUNTS = ("read", "created", "changed", "unchanged", "removed", "rejected")


def command(
    mapping: Annotated[str | None, typer.Argument(help="Name of a shipped mapping, or path of a TOML file.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the files (default: that of the TOML file, else this one).")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Do everything but the writing.")] = False,
    new: Annotated[Path | None, typer.Option(help="Propose a first mapping from the files in --data.")] = None,
    incremental: Annotated[bool, typer.Option("--incremental", help="Merge only; remove nothing.")] = False,
    max_rejected: Annotated[
        str, typer.Option(help="Rows that may be rejected: a number, or a share of the rows read such as 0.5%.")
    ] = "0",
    rejected: Annotated[
        Path | None, typer.Option(help="File for rejected rows (default: rejected.csv in the home).")
    ] = None,
    bulk: Annotated[
        Path | None, typer.Option(help="Write files for neo4j-admin import to this folder instead of loading.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Load the files of a mapping into the store."""
    if new is not None:
        _propose(new, data or Path(), mapping, json=json)
        return
    if mapping is None:
        raise UsageError(
            "which mapping? graphrec load NAME_OR_FILE --data DIR, or graphrec load --new my.toml --data DIR"
        )
    from graphrec.loading import load_mapping, parse_limit

    limit = parse_limit(max_rejected)
    chosen = load_mapping(mapping, state.settings.roles)
    folder = data or (Path(mapping).parent if Path(mapping).is_file() else Path())
    if check:
        if bulk is not None:
            raise UsageError("--check writes nothing and --bulk writes files; leave one of them out")
        report = _check(chosen, folder, limit, rejected, json=json)
    else:
        report = _load(chosen, folder, limit, rejected, bulk, incremental=incremental, json=json)
    if json:
        emit_json(report)
    else:
        _print(report, checked=check)
    if bulk is not None and not json:
        _print_import(bulk)


def _load(
    mapping: "Mapping",
    folder: Path,
    limit: float,
    rejected: Path | None,
    bulk: Path | None,
    *,
    incremental: bool,
    json: bool,
) -> "LoadReport":
    from graphrec.loading import run_load

    home = state.home.prepare()
    path = rejected or home.path / "rejected.csv"
    with progress(json=json) as report, _sink(home, bulk) as sink:
        done = run_load(
            mapping,
            folder,
            sink,
            incremental=incremental,
            max_rejected=limit,
            rejected_path=path,
            scratch=home.path,
            progress=report,
        )
    count = sum(one.rejected for one in (*done.nodes.values(), *done.edges.values()))
    if count:
        note(f"{count:,} {'row' if count == 1 else 'rows'} rejected: {path}")
    return done


@contextmanager
def _sink(home: Home, bulk: Path | None) -> "Iterator[Sink]":
    if bulk is not None:
        from graphrec.store.neo4j.import_files import ImportFilesSink

        yield ImportFilesSink(bulk, home.series)
        return
    from graphrec.store import open_store

    with open_store(state.settings.store, home.store) as store:
        yield store.sink()


def _print_import(bulk: Path) -> None:
    from graphrec.store.neo4j.import_files import import_command

    say("import into a stopped server (what its database holds goes), start it, then load once more for constraints:")
    say(f"  {import_command(bulk)}")


def _check(mapping: "Mapping", folder: Path, limit: float, rejected: Path | None, *, json: bool) -> "LoadReport":
    from graphrec.loading import check
    from graphrec.store import is_server, open_store

    if not is_server(state.settings.store) and not Path(state.store).exists():
        with progress(json=json) as report:
            return check(
                mapping,
                folder,
                max_rejected=limit,
                rejected_path=rejected,
                scratch=state.home.path,
                progress=report,
            )
    with progress(json=json) as report, open_store(state.settings.store, state.home.store) as store:
        known = set(store.info().nodes)
        return check(
            mapping,
            folder,
            known_ids=lambda label: store.read_nodes(label)["id"].combine_chunks() if label in known else None,
            max_rejected=limit,
            rejected_path=rejected,
            scratch=state.home.path,
            progress=report,
        )


def _propose(path: Path, folder: Path, mapping: str | None, *, json: bool) -> None:
    from graphrec.loading.propose.draft import write_draft

    if mapping is not None:
        raise UsageError(f"--new writes a mapping, so {mapping!r} has no place here; leave it out")
    with progress(json=json) as report:
        draft = write_draft(path, folder, scratch=state.home.path, progress=report)
    if json:
        emit_json({"path": str(path), "nodes": draft.labels, "edges": draft.types, "open_questions": draft.questions})
        return
    say(f"{path}: {len(draft.labels)} labels, {len(draft.types)} edge types from {draft.files} files")
    for question in draft.questions:
        say(f"  look at: {question}")
    say(f"edit it, then: graphrec load {path} --data {folder} --check")


def _print(report: "LoadReport", *, checked: bool) -> None:
    counts = {**report.nodes, **report.edges}
    if not checked and not any(one.read for one in counts.values()):
        say("nothing to do: the files are those of the last full load")
        return
    shown = ("read", "rejected") if checked else COUNTS
    rows = [(name, *(f"{getattr(one, column):,}" for column in shown)) for name, one in counts.items()]
    table(("", *shown), rows, right=shown)
    say(f"{report.mapping}: {'checked, nothing written' if checked else 'loaded'} in {report.seconds:.1f} s")
