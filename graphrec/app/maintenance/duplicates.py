"""A review of customers who are likely to be there twice; nothing is merged."""

from __future__ import annotations

import csv

from graphrec.app.bank import Bank
from graphrec.app.jobs import FindDuplicates
from graphrec.app.maintenance.quality import FILE
from graphrec.app.recording import record_event
from graphrec.app.results import Duplicates
from graphrec.errors import UsageError
from graphrec.files import whole_file
from graphrec.monitoring.duplicates import AGREE, duplicates
from graphrec.monitoring.quality_file import read_quality

HEAD = ("one", "other", "probability", "same", "near", "decision")


def find_duplicates(bank: Bank, request: FindDuplicates) -> Duplicates:
    """Write the pairs to a file for a person to decide; values stay in the store."""
    import pyarrow as pa

    from graphrec.store import open_store
    from graphrec.store.kinds import Kind

    bank.home.need_vault("graphrec quality --duplicates")
    wanted = read_quality(bank.home.path / FILE).identity
    with open_store(bank.settings.store, bank.home.store, bank.settings.login) as store:
        schema = store.read_schema()
        node = schema.nodes[schema.roles.user]
        names = wanted or node.personal
        if gone := next((name for name in names if name not in {one.name for one in node.columns}), None):
            raise UsageError(f"{FILE}: identity names {gone}, which is no column of {node.label}")
        if len(names) < AGREE:
            raise UsageError(
                f"who a customer is takes two columns at least, and the mapping marks {len(names)} as personal: name "
                f"them as identity in {FILE}"
            )
        columns = tuple(one for one in node.columns if one.name in names)
        rows, _ = store.read_rows(Kind(node.label), columns, [one.name for one in store.sources()])
    texts = {one.name: rows[one.name].cast(pa.string()).to_pylist() for one in columns}
    found = duplicates(rows["id"].to_pylist(), texts, least=request.least)
    with whole_file(request.out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for one in found:
            probability = f"{one.probability:.6f}"
            writer.writerow([one.one, one.other, probability, ";".join(one.same), ";".join(one.near), ""])
    content = {"did": "duplicates", "pairs": len(found), "columns": list(texts)}
    number, notes = record_event(bank, "quality", content, wanted=request.record)
    return Duplicates(request.out, len(found), len(rows), tuple(texts), number, notes)
