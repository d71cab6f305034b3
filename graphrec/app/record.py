"""The decision record, read; and where it ends, signed."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graphrec import __version__
from graphrec.app.bank import Bank
from graphrec.app.jobs import ListRecord, SignHead
from graphrec.app.results import RecordedAnswer, RecordHead, SignedHead
from graphrec.errors import RecordError, SourceError, UsageError
from graphrec.files import whole_file
from graphrec.privacy.certificate import is_signed, sign
from graphrec.records import stamps
from graphrec.records.blocks import HEAD, Head, canonical
from graphrec.records.read import Entry, entries
from graphrec.records.recorder import head_of
from graphrec.records.verify import Anchor

STAMP = "time_stamp"
"""Of a line of signed heads: what an authority said of the rest of the line."""


def record_list(bank: Bank, request: ListRecord) -> tuple[RecordedAnswer, ...]:
    """The last entries, of one user where one is named, oldest first."""
    found = entries(bank.home.records, request.user)
    return tuple(short(one) for one in list(itertools.islice(found, request.last))[::-1])


def short(one: Entry) -> RecordedAnswer:
    """An entry without its numbers: what was shown to whom, when; an erased one without whom and what."""
    shared = one.shared
    entry = {} if one.is_erased else one.entry
    return RecordedAnswer(
        record=one.number,
        recorded_at=shared["recorded_at"],
        command=shared["request"]["command"],
        user=entry.get("user"),
        as_of=shared.get("as_of"),
        model=shared["model"]["name"] if "model" in shared else None,
        candidates=entry.get("candidates"),
        shown=tuple(item["product"] for item in entry["answer"]["items"]) if "answer" in entry else (),
        is_erased=one.is_erased,
    )


def record_head(bank: Bank) -> RecordHead:
    """Where the record ends.

    Raises:
        RecordError: head.json was changed.
    """
    folder = bank.home.records
    head = head_of(folder)
    if head is None and (folder / HEAD).exists():
        raise RecordError(f"{folder / HEAD} is not as it was written; run: graphrec record verify")
    head = head or Head()
    return RecordHead(head.anchor, head.block, head.hash, head.entries)


def sign_head(bank: Bank, request: SignHead) -> SignedHead:
    """Where the record ends, signed, as one more line of a file.

    Raises:
        RecordError: head.json was changed, or the signing key cannot be opened.
        SourceError: the file cannot be read or written.
    """
    head = record_head(bank)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    signed = sign(bank.home, {
        "anchor": head.anchor, "entries": head.entries, "at": now, "by": bank.settings.actor, "graphrec": __version__,
    })  # fmt: skip
    if request.tsa is not None:
        if request.roots is None:
            raise UsageError("--tsa wants the root certificates of the authority: --roots FILE.pem")
        signed = {**signed, STAMP: stamps.ask(request.tsa, canonical(signed), request.roots)}
    lines = _lines(request.file) if request.file.exists() else []
    try:
        with whole_file(request.file) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in (*lines, json.dumps(signed))), "utf-8")
    except OSError as error:
        raise SourceError(f"{request.file} cannot be written: {error.strerror}; give another --out") from None
    at = signed[STAMP]["at"] if STAMP in signed else None
    return SignedHead(head.anchor, request.file, len(lines) + 1, signed["public_key"], at)


def asked_anchor(text: str, roots: Path | None = None) -> tuple[Anchor, tuple[str, ...]]:
    """The anchor that is given: BLOCK:HASH, or the last one of a file of signed heads; and what its time stamps say.

    Args:
        roots: of time stamp authorities that are trusted.

    Raises:
        UsageError: it is neither.
        RecordError: a line of the file is not as it was signed or stamped, or another key signed it.
    """
    if not Path(text).is_file():
        return Anchor.parse(text), ()
    last, key, dated = None, None, []
    for number, line in enumerate(_lines(Path(text)), start=1):
        where = f"{text} line {number}"
        signed, stamp = _parts(line)
        if signed is None:
            raise RecordError(f"{where} is not as it was signed; compare with a copy of the file")
        if key is not None and signed["public_key"] != key:
            raise RecordError(f"{where} is signed with another key than the lines before it")
        if stamp is not None:
            dated.append((where, signed["anchor"], stamps.check(stamp, canonical(signed), roots, where)))
        last, key = str(signed["anchor"]), signed["public_key"]
    if last is None:
        raise UsageError(f"--anchor {text}: the file holds no signed head; want one of graphrec record head --out")
    return Anchor.parse(last), tuple(_said(dated, roots))


def _parts(line: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The signed part of a line, None where it is not as it was signed; and its time stamp."""
    try:
        document = json.loads(line)
        stamp = document.pop(STAMP, None)
        return (document if is_signed(document) else None), stamp
    except (ValueError, AttributeError, TypeError):
        return None, None


def _said(dated: list[tuple[str, str, datetime]], roots: Path | None) -> Iterator[str]:
    if dated:
        where, anchor, at = dated[-1]
        by = "" if roots is not None else ", by an authority that was not checked: --roots FILE.pem"
        seen = f"{anchor[:18]}… was there at {at:%Y-%m-%d %H:%M:%S} UTC{by}"
        yield f"{len(dated)} time stamps fit; the last ({where}) says that {seen}"


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read: {error}; want a file of graphrec record head --out") from None
