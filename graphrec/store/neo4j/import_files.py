"""A first load as files of neo4j-admin import: headers, typed columns, a manifest and the command that imports them."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import StoreError
from graphrec.files import replace_folder
from graphrec.graph.rows import Counts, Identities, Part, Source, edge_fields, node_fields
from graphrec.progress import Progress, silent
from graphrec.store.kinds import RESERVED, Kind, kinds_of
from graphrec.store.series import remove_series, write_series
from graphrec.store.values import to_stored
from graphrec.store.writing.loading import BOOKS, Account, Completion, check_fits, pair_fields

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
ARGUMENTS = "import.args"
#: Characters of which one that no id has separates the values of a list.
DELIMITERS = ("\x1f", "\x1e", "\x1d", "\x1c", "\ue000", "\ue001")
#: Options of the command besides the files; not one bad row is accepted.
OPTIONS = ("--overwrite-destination", "--id-type=string", "--bad-tolerance=0")


class ImportFilesSink:
    """Writes the rows of one full load into a folder that appears whole.

    Args:
        folder: absent, or written by an earlier run.
        series_folder: where the series of the home are; they stay out of the graph.
    """

    def __init__(self, folder: Path, series_folder: Path, progress: Progress = silent) -> None:
        self._target = folder
        self._series_folder = series_folder
        self._progress = progress
        self._stack = ExitStack()
        self._folder = folder
        self._source: Source | None = None
        self._ids: dict[str, list[pa.Array]] = {}
        self._series: list[str] = []
        self._files: dict[Kind, dict[str, Any]] = {}
        self._delimiter = DELIMITERS[0]
        self._is_multiline = False
        self._account: Account | None = None

    @property
    def source(self) -> Source:
        """The source of the running load.

        Raises:
            StoreError: none is.
        """
        if self._source is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._source

    def is_current(self, source: Source) -> bool:
        """Whether the folder holds just this load."""
        try:
            manifest = json.loads((self._target / MANIFEST).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return False
        return bool(manifest["source"] == source.name and manifest["files_hash"] == source.files_hash)

    def begin(self, source: Source) -> None:
        """Start the load in a folder beside the one to write.

        Raises:
            StoreError: the load is incremental, or the folder holds other things.
        """
        if not source.full:
            raise StoreError("--bulk writes a whole graph for a new database; leave out --incremental")
        if self._target.exists() and not (self._target / MANIFEST).exists() and any(self._target.iterdir()):
            raise StoreError(f"{self._target} is not empty and was not written by --bulk; name another folder")
        check_fits(source, [])
        self._folder = self._stack.enter_context(replace_folder(self._target))
        self._source, self._account = source, Account(source)

    def known_ids(self, label: str) -> "pa.Array":
        """The ids that this load has brought."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = pc.unique(pa.concat_arrays([pa.array([], pa.string()), *self._ids.get(label, [])]))
        return found.take(pc.sort_indices(found))

    def would_remove(self, brought: Mapping[str, Identities]) -> dict[str, tuple[int, int]]:
        """Nothing: a load in bulk removes no rows."""
        del brought
        return {}

    def add_nodes(self, label: str, rows: "pa.Table") -> Counts:
        """Write nodes."""
        fields = node_fields(self.source.schema.nodes[label].columns)
        self._ids.setdefault(label, []).extend(rows["id"].cast(fields.field("id").type).chunks)
        return self._add(Kind(label), rows.select(fields.names).cast(fields))

    def add_edges(self, edge_type: str, rows: "pa.Table") -> Counts:
        """Write edges."""
        edge = self.source.schema.edges[edge_type]
        fields = edge_fields(edge.columns)
        return self._add(Kind(edge_type, edge.source, edge.target), rows.select(fields.names).cast(fields))

    def add_series(self, name: str, rows: "pa.RecordBatchReader") -> None:
        """Replace this source's rows of a series in the home."""
        write_series(self._series_folder, self.source.name, name, rows)
        self._series.append(name)

    def finish(self, split: "dict[Part, pa.Table] | None") -> dict[str, int]:
        """Write the books of the load, the manifest and the command; the folder takes its place."""
        self._write_books(split)
        # A file whose values hold no line end can be read by several threads, from its middle.
        multiline = f"--multiline-fields={str(self._is_multiline).lower()}"
        arguments = [*OPTIONS, multiline, f"--array-delimiter=U+{ord(self._delimiter):04X}"]
        for kind, one in self._files.items():
            option = "--nodes" if kind.part == "nodes" else "--relationships"
            arguments.append(f"{option}={','.join([one['header'], *one['files']])}")
        (self._folder / ARGUMENTS).write_text("\n".join(arguments) + "\n", "utf-8")
        manifest = {
            "source": self.source.name,
            "run": self.source.run,
            "files_hash": self.source.files_hash,
            "command": import_command(self._target),
            "files": [{"name": kind.name, "part": kind.part, **one} for kind, one in self._files.items()],
        }
        (self._folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", "utf-8")
        self._stack.close()
        remove_series(self._series_folder, self.source.name, self._series)
        return {}

    def give_up(self) -> None:
        """Abandon the load and remove its files."""
        stack, self._stack = self._stack, ExitStack()
        stack.__exit__(StoreError, StoreError("given up"), None)

    def _add(self, kind: Kind, rows: "pa.Table") -> Counts:
        self._counted.add(kind, rows)
        stamped = to_stored(rows).append_column("run", _repeated(self.source.run, len(rows)))
        stamped = stamped.append_column("sources", _repeated(self.source.name, len(rows)))
        name = ":LABEL" if kind.part == "nodes" else ":TYPE"
        self._write(kind, stamped.append_column(name, _repeated(kind.name, len(rows))), {"sources": "string[]"})
        self._progress(kind.name, len(rows), len(rows))
        return Counts(read=len(rows), created=len(rows))

    def _write(self, kind: Kind, rows: "pa.Table", types: Mapping[str, str]) -> None:
        import pyarrow.csv as pc_csv

        number = f"{len(self._files):03d}"
        entry = self._files.setdefault(kind, {"header": f"{number}_header.csv", "files": [], "rows": 0, "columns": []})
        stem = entry["header"].partition("_")[0]
        file = f"{stem}_{len(entry['files']):03d}.csv"
        header = [self._column(kind, one.name, types.get(one.name) or _TYPES[str(one.type)]) for one in rows.schema]
        quoted = ",".join('"' + one.replace('"', '""') + '"' for one in header)
        (self._folder / entry["header"]).write_text(quoted + "\n", "utf-8")
        self._is_multiline = self._is_multiline or _has_line_end(rows)
        options = pc_csv.WriteOptions(include_header=False)
        pc_csv.write_csv(_readable(rows), self._folder / file, options)
        entry["files"].append(file)
        entry["rows"] += len(rows)
        entry["columns"] = header

    def _column(self, kind: Kind, name: str, column_type: str) -> str:
        if name in (":LABEL", ":TYPE"):
            return name
        if kind.source is None or kind.target is None:
            return f"id:ID({self._space(kind.name)})" if name == "id" else f"{name}:{column_type}"
        ends = {"source": f":START_ID({self._space(kind.source)})", "target": f":END_ID({self._space(kind.target)})"}
        return ends.get(name, f"{name}:{column_type}")

    def _space(self, label: str) -> str:
        """The id space of a label, under a name that no header can misread."""
        labels = sorted({*self.source.schema.nodes, *(f"{RESERVED}{one}" for one in BOOKS)})
        return f"space{labels.index(label)}"

    def _write_books(self, split: "dict[Part, pa.Table] | None") -> None:
        import pyarrow as pa

        source, contents = self.source, self._counted.contents(split, self._series_folder)
        completion = Completion(source, split, source.schema, source.files_hash, kinds_of(source.schema), contents)
        *chunks, finish, account = completion.statements()
        values = {name: one for name, one in finish.parameters.items() if name not in ("source", "unfinished")}
        self._write_book("Source", {"id": source.name, **values})
        self._write_book("Contents", {"id": "contents", **account.parameters})
        rows = [row for chunk in chunks for row in chunk.parameters.get("rows", [])]
        if rows:
            self._delimiter = _free_delimiter(split or {}, self.source.name)
            for row in rows:
                row.update({name: self._delimiter.join(row[name]) or None for name in ("users", "products")})
                row.update({"source": self.source.name, ":LABEL": f"{RESERVED}Split"})
            lists = {"users": "string[]", "products": "string[]"}
            self._write(Kind(f"{RESERVED}Split"), pa.Table.from_pylist(rows), lists)

    def _write_book(self, name: str, values: Mapping[str, str]) -> None:
        import pyarrow as pa

        label = f"{RESERVED}{name}"
        row = pa.table({column: [one] for column, one in values.items()})
        self._write(Kind(label), row.append_column(":LABEL", _repeated(label, 1)), {})

    @property
    def _counted(self) -> Account:
        if self._account is None:
            raise StoreError("rows came before the load began; call begin first")
        return self._account


def import_command(folder: Path) -> str:
    """The command line that imports such a folder into the stopped database `neo4j`."""
    return f"cd {folder.resolve()} && neo4j-admin database import full neo4j @{ARGUMENTS}"


_TYPES = {
    "string": "string",
    "int64": "long",
    "double": "double",
    "bool": "boolean",
    "null": "string",
}


def _repeated(value: str, count: int) -> "pa.Array":
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([value])).dictionary_decode()


def _readable(rows: "pa.Table") -> "pa.Table":
    """The rows with numbers that are no numbers spelt as Java does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(rows.schema):
        column = rows.column(position)
        if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(column)).as_py():
            spelt = pc.replace_substring(
                pc.replace_substring(column.cast(pa.string()), "inf", "Infinity"), "nan", "NaN"
            )
            rows = rows.set_column(position, field.name, spelt)
    return rows


def _has_line_end(rows: "pa.Table") -> bool:
    """Whether a value holds a line end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = [column for column in rows.columns if pa.types.is_string(column.type)]
    return any(pc.any(pc.match_substring(text, end)).as_py() for text in texts for end in ("\n", "\r"))


def _free_delimiter(split: "Mapping[Part, pa.Table]", name: str) -> str:
    """A character that is in no value of any list: not in the source's name and in no id of the split pairs.

    Raises:
        StoreError: there is none.
    """
    import pyarrow.compute as pc

    for one in DELIMITERS:
        columns = [pairs[name] for pairs in split.values() for name in pair_fields().names]
        if one not in name and not any(pc.any(pc.match_substring(column, one)).as_py() for column in columns):
            return one
    raise StoreError("ids of the split hold every separator that a list may have; load over Bolt, without --bulk")
