"""Lists that are asked for at the same time: computed and recorded together, and the same as one by one."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from graphrec.app.bank import Bank
from graphrec.app.jobs import ListRecord
from graphrec.app.requests import Recommend
from graphrec.errors import NotTrained, UnknownId
from graphrec.files import wait_for_disk
from graphrec.records.recorder import Recorder
from graphrec.schema import View
from graphrec.service.access import limits
from graphrec.service.access.limits import MANY, TOGETHER, Busy, Limits, Runner
from graphrec.serving.views import SeenAnswer, Viewer

USERS = ("C003", "C001", "nobody", "C004", "C003")


@pytest.mark.slow
def test_lists_asked_for_together_are_those_of_one_by_one(bank: Bank) -> None:
    alone = [bank.recommend(Recommend(user, 4, record=False)).answer for user in USERS if user != "nobody"]
    for is_compiled in (False, True):
        if is_compiled:
            bank.opened.compile(bank.opened.engine(bank.home, None, bank.now()))
        found = bank.recommend_all([Recommend(user, 4) for user in USERS])
        served = [one for one in found if not isinstance(one, Exception)]
        assert isinstance(found[2], UnknownId)
        assert [one.answer for one in served] == alone
        numbers = [one.record for one in served if one.record is not None]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        users = {one.record: one.user for one in bank.record_list(ListRecord(last=4))}
        assert [users[number] for number in numbers] == [one.answer.user for one in served]
        assert all(one.same for one in bank.replays(numbers))


def test_requests_that_differ_keep_their_order_and_what_stops_one_leaves_the_others(bank: Bank) -> None:
    asked = [Recommend("C003", 2), Recommend("C003", 3), Recommend("C001", 2, model="als"), Recommend("C001", 3)]
    found = bank.recommend_all(asked)
    assert isinstance(found[2], NotTrained)
    lengths = [len(one.answer.items) for one in found if not isinstance(one, Exception)]
    assert lengths == [2, 3, 3]
    assert bank.recommend_all([]) == []


def test_roles_read_of_lists_together_what_they_read_of_each(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[View] = ["service", "compliance", "adviser", "service", "customer"]
    right = Recorder.commit
    seen_on_disk: list[int] = []
    monkeypatch.setattr(Recorder, "commit", lambda *asked: (seen_on_disk.append(len(made)), right(*asked))[1])
    made: list[SeenAnswer] = []
    answer = Viewer.answer
    monkeypatch.setattr(Viewer, "answer", lambda *asked: (made.append(found := answer(*asked)), found)[1])
    found = bank.recommend_seen([Recommend(user, 4) for user in USERS], views)
    assert seen_on_disk == [3], "views are made before the entries go to the disk"
    assert isinstance(found[2], UnknownId)
    for user, view, one in zip(USERS, views, found, strict=True):
        if not isinstance(one, Exception):
            exact = bank.recommend(Recommend(user, 4, record=False))
            wanted = exact if view == "compliance" else bank.seen(exact, view)
            assert type(one) is type(wanted)
            assert one.answer == wanted.answer
            assert one.record is not None


def test_a_batch_over_http_names_who_is_not_there(client: TestClient) -> None:
    found = client.post("/v1/recommendations", json={"users": list(USERS), "k": 2}).json()
    assert [one["user"] for one in found["answers"]] == ["C003", "C001", "C004"]
    assert found["unknown"] == ["nobody"]


def test_who_waits_is_computed_while_entries_go_to_the_disk() -> None:
    """One batch at a time computes; the next one begins when the first waits for the disk, if it is a full one."""
    begun, come, others, computing, most = threading.Event(), threading.Event(), threading.Event(), 0, 0

    def compute(asked: Sequence[int]) -> list[int | Exception]:
        nonlocal computing, most
        computing += 1
        most = max(most, computing)
        time.sleep(0.01)
        computing -= 1
        if asked[0] == 0:
            begun.set()
            come.wait(30)
            wait_for_disk()
            assert others.wait(30), "nobody else was computed"
            wait_for_disk()
        else:
            others.set()
        return list(asked)

    async def ask() -> list[int]:
        runner = Runner(Limits(threads=2))
        found = [asyncio.ensure_future(runner.run_together(0, compute))]
        while not begun.is_set():
            await asyncio.sleep(0.001)
        found += [asyncio.ensure_future(runner.run_together(one, compute)) for one in range(1, TOGETHER + 1)]
        await asyncio.sleep(0)
        come.set()
        made = await asyncio.gather(*found)
        runner.close()
        return made

    made = asyncio.run(ask())
    assert made == list(range(len(made)))
    assert most == 1


def test_what_waits_is_computed_together() -> None:
    begun, go_on, sizes = threading.Event(), threading.Event(), []

    def compute(asked: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(asked))
        if asked == [0]:
            begun.set()
            go_on.wait(30)
        return [ValueError(str(one)) if one == 3 else 10 * one for one in asked]

    async def ask() -> list[int | BaseException]:
        runner = Runner(Limits(threads=1, queue=TOGETHER + 4))
        first = asyncio.ensure_future(runner.run_together(0, compute))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        others = [asyncio.ensure_future(runner.run_together(one, compute)) for one in range(1, TOGETHER + 5)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await runner.run_together(99, compute)
        last = others.pop()
        last.cancel()
        await asyncio.gather(last, return_exceptions=True)
        go_on.set()
        found = await asyncio.gather(first, *others, return_exceptions=True)
        while runner.waiting:
            await asyncio.sleep(0.001)
        runner.close()
        return found

    found = asyncio.run(ask())
    assert sizes[:2] == [1, TOGETHER]
    assert sum(sizes) == TOGETHER + 4  # the one that was cancelled is not computed
    assert [one for one in found if not isinstance(one, BaseException)] == [
        10 * one for one in range(TOGETHER + 4) if one != 3
    ]
    assert isinstance(found[3], ValueError)


def test_those_who_ask_again_are_computed_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a proxy asks that has many requests under way: the first that comes back waits for the others."""
    monkeypatch.setattr(limits, "AGAIN", 60.0)
    sizes = []

    def compute(asked: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(asked))
        return list(asked)

    async def ask() -> None:
        runner = Runner(Limits())

        async def twice(number: int) -> None:
            await runner.run_together(number, compute)
            await asyncio.sleep(0.002 * number)
            await runner.run_together(number, compute)

        await asyncio.gather(*map(twice, range(MANY + 2)))
        runner.close()

    asyncio.run(ask())
    assert sizes == [MANY + 2] * 2


def test_little_is_computed_while_entries_go_to_the_disk() -> None:
    """The next one is not kept waiting, as there is time for it."""
    begun, others = threading.Event(), threading.Event()

    def compute(asked: Sequence[int]) -> list[int | Exception]:
        if asked[0] == 0:
            wait_for_disk()
            begun.set()
            assert others.wait(30), "the other one was not computed"
        else:
            others.set()
        return list(asked)

    async def ask() -> list[int]:
        runner = Runner(Limits(threads=2))
        first = asyncio.ensure_future(runner.run_together(0, compute))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        made = await asyncio.gather(first, runner.run_together(1, compute))
        runner.close()
        return list(made)

    assert asyncio.run(ask()) == [0, 1]


def test_what_fails_for_all_is_told_to_all() -> None:
    def compute(asked: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError(f"{len(asked)} were asked")

    async def ask() -> list[int | BaseException]:
        runner = Runner(Limits())
        found = await asyncio.gather(*(runner.run_together(one, compute) for one in range(4)), return_exceptions=True)
        runner.close()
        return found

    assert [type(one) for one in asyncio.run(ask())] == [RuntimeError] * 4
