"""A model of several banks: who takes part, the plan, what each sends, the totals, and the sums for a training."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np

from graphrec.app.bank import Bank
from graphrec.app.jobs import Federate
from graphrec.app.results import Federated
from graphrec.errors import RecordError, UsageError
from graphrec.features.sources.sums import file_of
from graphrec.files import make_folder, whole_file
from graphrec.graph.edges.adjacency import Adjacency, from_codes
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.graph.folders.strings import ABSENT, Strings, joined
from graphrec.home import Home
from graphrec.privacy.federated import (
    Joined,
    Message,
    Plan,
    added,
    enough,
    first_vector,
    masked,
    plan_of,
    public_of,
    read_joined,
    read_plan,
    second_vector,
    sums_file,
    write_plain,
)
from graphrec.records.blocks import canonical
from graphrec.records.keys import Keys, decrypt, encrypt

KEY, SENT = "federated", "sent.json"


def federate(bank: Bank, request: Federate) -> Federated:
    """One step.

    Raises:
        UsageError: a file or a name is missing, or does not belong to the plan.
        SourceError: a file is none of this command.
        NotTrained: there is no snapshot.
    """
    steps = {"join": _join, "plan": _plan, "send": _send, "add": _add, "finish": _finish}
    return steps[request.step](bank, request)


def _join(bank: Bank, request: Federate) -> Federated:
    if not request.name:
        raise UsageError("who takes part? graphrec federate join --name BANK --out FILE")
    bank.home.need_vault("graphrec federate join")
    out, home = _out(request), bank.home.prepare()
    snapshot = SnapshotShelf(home.snapshots).latest()
    joined = Joined(request.name, public_of(_private(home)), tuple(snapshot.nodes(snapshot.schema.roles.product).ids))
    write_plain(out, joined)
    return Federated("join", out, 1, len(joined.products))


def _plan(_bank: Bank, request: Federate) -> Federated:
    if not request.name:
        raise UsageError("which round is it? graphrec federate plan FILE… --name ROUND --out FILE")
    made = plan_of(
        [read_joined(file) for file in request.files], name=request.name, power=request.power,
        min_group=request.min_group, part="all" if request.final else "fitted",
    )  # fmt: skip
    write_plain(_out(request), made)
    return Federated("plan", request.out, len(made.banks), len(made.products))


def _send(bank: Bank, request: Federate) -> Federated:
    if len(request.files) not in (1, 2):
        raise UsageError("graphrec federate send PLAN --out FILE for round 1, and PLAN TOTAL1 for round 2")
    bank.home.need_vault("graphrec federate send")
    out, home, plan = _out(request), bank.home.prepare(), read_plan(request.files[0])
    private = _private(home)
    name = next((one for one, key in plan.banks.items() if key == public_of(private)), None)
    if name is None:
        raise UsageError(f"the plan {plan.round} has no key of this home; run: graphrec federate join, and plan again")
    held = _held(home, plan)
    if len(request.files) == 1:
        step, values, kept = 1, first_vector(_holders(held, plan), int((held.degrees() > 0).sum())), len(plan.products)
    else:
        from graphrec.models.counted.sums import sums_of
        from graphrec.models.support import only_to

        there = enough(plan, Message.read(request.files[1]))
        step, kept = 2, int(there.sum())
        values = second_vector(sums_of(only_to(held, there), len(plan.products), plan.power, plan.bits))
    _once(home, plan, step, hashlib.sha256(values.tobytes()).hexdigest())
    masked(plan, step, name, private, values).write(out)
    return Federated("send", out, len(plan.banks), kept, round=step)


def _add(_bank: Bank, request: Federate) -> Federated:
    if len(request.files) < 2:
        raise UsageError("graphrec federate add PLAN MESSAGE… --out FILE")
    plan = read_plan(request.files[0])
    total = added(plan, [Message.read(file) for file in request.files[1:]])
    total.write(_out(request))
    products = int(enough(plan, total).sum()) if total.step == 1 else len(plan.products)
    customers = int(total.values.view(np.int64)[-1]) if total.step == 1 else None
    return Federated("add", request.out, len(plan.banks), products, customers, total.step)


def _finish(bank: Bank, request: Federate) -> Federated:
    if len(request.files) != 3:
        raise UsageError("graphrec federate finish PLAN TOTAL1 TOTAL2")
    bank.home.need_vault("graphrec federate finish")
    plan, first, second = read_plan(request.files[0]), *map(Message.read, request.files[1:])
    sums = sums_file(plan, first, second)
    folder = _folder(bank.home.prepare())
    path = file_of(folder, plan.part)
    sums.write(path)
    kept = int((np.diagonal(sums.together) > 0).sum())
    return Federated("finish", path, len(plan.banks), kept, sums.customers)


def _out(request: Federate) -> Path:
    if request.out is None:
        raise UsageError(f"where to? graphrec federate {request.step} … --out FILE")
    return request.out


def _folder(home: Home) -> Path:
    folder = home.federated
    make_folder(folder)
    return folder


def _held(home: Home, plan: Plan) -> Adjacency:
    """What each customer holds of the products of a plan; without what the test hides, unless all is asked for."""
    from graphrec.training.split import split_of
    from graphrec.training.stages import graph_of

    snapshot = SnapshotShelf(home.snapshots).latest()
    split = split_of(snapshot)
    graph = graph_of(snapshot, split, "all" if plan.part == "all" else split.fitted)
    places = joined(snapshot.nodes(snapshot.schema.roles.product).ids, Strings.of(plan.products))
    held = graph.held()
    rows = np.repeat(np.arange(held.num_rows, dtype=np.int64), held.degrees())
    found = places[held.indices]
    there = found != ABSENT
    codes = np.sort(rows[there] * len(plan.products) + found[there])
    return from_codes(codes, held.num_rows, len(plan.products))


def _holders(held: Adjacency, plan: Plan) -> "np.typing.NDArray[np.int64]":
    return np.bincount(held.indices, minlength=len(plan.products)).astype(np.int64)


def _once(home: Home, plan: Plan, step: int, digest: str) -> None:
    """Note what is sent; two vectors under one mask would tell their difference.

    Raises:
        UsageError: another vector was sent for this round.
    """
    path, key = _folder(home) / SENT, f"{plan.hash}-{step}"
    sent = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if sent.get(key, digest) != digest:
        raise UsageError(
            f"round {step} of the plan {plan.round} was answered before the data changed, and a second answer would "
            "tell the difference; ask for a new plan"
        )
    with whole_file(path) as temporary:
        temporary.write_bytes(canonical({**sent, key: digest}))


def _private(home: Home) -> bytes:
    """The X25519 key of the home, encrypted under its key; made where there is none."""
    path, key = home.keys / KEY, Keys(home.keys).home_key()
    if not path.exists():
        with whole_file(path) as temporary:
            temporary.write_bytes(encrypt(key, os.urandom(32), KEY.encode()))
    found = decrypt(key, path.read_bytes(), KEY.encode())
    if found is None:
        raise RecordError(f"{path} cannot be opened with the key of this home; restore both from one backup")
    return found
