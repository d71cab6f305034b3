"""The documents that a mapping names, as sentences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphrec.errors import SourceError
from graphrec.extract.pdf import pdf_text
from graphrec.extract.texts import plain, sentences
from graphrec.loading.mapping.specs import DocumentSpec, Mapping
from graphrec.loading.run.select import only_selects
from graphrec.loading.sources.database import lock_database, open_database, scratch_folder
from graphrec.loading.sources.files import find_files, read_databases, read_files
from graphrec.progress import Progress, silent


@dataclass(frozen=True)
class Document:
    """One text of a bank."""

    kind: str
    """The name of its table in the mapping."""
    id: str
    title: str
    published: datetime
    """When it was known, UTC."""
    sentences: tuple[str, ...]


def read_documents(
    mapping: Mapping, data_dir: Path, *, scratch: Path | None = None, progress: Progress = silent
) -> Iterator[Document]:
    """The documents of a mapping over the files in a folder, in the order of its statements.

    Raises:
        SourceError: the mapping names none, a file or statement cannot be used, or a row has no key, text or time.
    """
    if not mapping.documents:
        raise SourceError(
            f"{mapping.where} names no documents; write a table [documents.NAME], as docs/extracting.md says"
        )
    mapping = only_selects(mapping)
    found = find_files(mapping, data_dir)
    with (
        scratch_folder(scratch) as folder,
        open_database(folder, blame=mapping.where, advice="correct its SQL") as database,
    ):
        read_databases(database, mapping, progress)
        read_files(database, mapping, found, data_dir, folder, progress)
        lock_database(database)
        for spec in mapping.documents.values():
            place = mapping.place("documents", spec.name)
            rows = database.execute(spec.sql)
            columns = [str(one[0]) for one in rows.description or ()]
            wanted = {"key": spec.key, "text": spec.text, "published": spec.published, "title": spec.title}
            for what, column in wanted.items():
                if column is not None and column not in columns:
                    raise SourceError(
                        f"{place}.{what} names the column {column!r}, which its statement does not give; "
                        f"it gives {', '.join(columns)}"
                    )
            number = 0
            while row := rows.fetchone():
                number += 1
                yield _document(spec, dict(zip(columns, row, strict=True)), data_dir, f"{place} row {number}")


def _document(spec: DocumentSpec, row: dict[str, object], data_dir: Path, place: str) -> Document:
    key, text, published = (row[name] for name in (spec.key, spec.text, spec.published))
    for what, value in (("key", key), ("text", text), ("published", published)):
        if value is None or value == "":
            raise SourceError(f"{place} has no {what}; leave such rows out in its SQL")
    if spec.form == "pdf":
        body = pdf_text(data_dir, str(text), place)
    else:
        body = str(text) if spec.form == "text" else plain(str(text))
    title = "" if spec.title is None or row[spec.title] is None else str(row[spec.title])
    own = sentences(body)
    first = [" ".join(title.split())] if title.strip() and " ".join(title.split()) not in own[:1] else []
    return Document(spec.name, str(key), title or (own[0] if own else ""), _moment(published, place), (*first, *own))


def _moment(value: object, place: str) -> datetime:
    if not isinstance(value, datetime):
        try:
            value = datetime.fromisoformat(str(value))
        except ValueError:
            raise SourceError(
                f"{place}: published {str(value)!r} is no time; want ISO form, such as 2026-01-31"
            ) from None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
