"""Writes devices, logins and contacts of the demo bank into its folder; `loaders/demo_money.toml` reads them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from graphrec.demo.draw.habits import DEVICE_KINDS, draw_contacts, draw_devices
from graphrec.demo.tables import customer_ids, ids

SIGNALS, DUPLICATES = "truth/signals.csv", "truth/duplicates.csv"
STREAM = 101
"""Of the seed, far from those of other tables."""


def write_habits(folder: Path, own: Path, count: int, seed: int) -> dict[str, int]:
    """Write the tables; returns how many rows some of them have.

    Args:
        folder: of the bank.
        own: where the tables go.
        count: of the customers.
    """
    rng = np.random.default_rng([seed, STREAM])
    people = customer_ids(count)
    devices, cases = draw_devices(count, rng)
    contacts = draw_contacts(count, rng)
    names = ids("G", 1, len(devices.kind), 7)
    tables = {
        own / "devices.csv": {"device_id": names, "kind": pa.array(DEVICE_KINDS).take(pa.array(devices.kind))},
        own / "device_users.csv": {
            "customer_id": people.take(pa.array(devices.user)), "device_id": names.take(pa.array(devices.device)),
            "first_used_on": _days(devices.first_used // 86_400),
        },
        own / "contacts.csv": {
            "customer_id": people, "full_name": contacts.names, "born_on": _days(contacts.born),
            "street": contacts.streets, "postcode": contacts.postcodes.astype(str),
        },
        folder / SIGNALS: {
            "rule": [one.rule for one in cases], "customer_id": people.take(pa.array([one.user for one in cases])),
        },
        folder / DUPLICATES: {
            "customer_id": people.take(pa.array(contacts.twice[:, 0])),
            "other": people.take(pa.array(contacts.twice[:, 1])),
        },
    }  # fmt: skip
    for path, table in tables.items():
        path.parent.mkdir(exist_ok=True)
        pa_csv.write_csv(pa.table(table), path)
    logins = pa.table(
        {
            "customer_id": people.take(pa.array(devices.login_user)),
            "device_id": names.take(pa.array(devices.login_device)),
            "at": pa.array(devices.login_at.astype("datetime64[s]").astype("datetime64[ms]")),
        }
    )
    pa_parquet.write_table(logins, own / "logins.parquet")
    return {"devices": len(devices.kind), "logins": len(devices.login_at), "duplicates": len(contacts.twice)}


def _days(days: np.ndarray) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"))
