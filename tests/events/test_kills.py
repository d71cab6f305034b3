"""kill -9 while events arrive twice each in random order: none is lost, none is doubled."""

import json
import multiprocessing
import random
import time
from pathlib import Path

import pytest

from graphrec.app.bank import Bank
from graphrec.app.data.events import accept
from graphrec.app.jobs import Consume
from graphrec.events.log import EventLog
from tests.events.conftest import bank_in

COUNT, KILLS = 2_000, 12


def sending(folder: Path, numbers: list[int], told: Path) -> None:
    """What a server does: a few events a request; those that were acknowledged are told."""
    bank = bank_in(folder)
    with told.open("a") as file:
        for start in range(0, len(numbers), 5):
            some = numbers[start : start + 5]
            accept(bank, [json.loads(line(number)) for number in dict.fromkeys(some)])
            file.write("".join(f"{number}\n" for number in some))
            file.flush()


def consuming(folder: Path, file: Path) -> None:
    """What a consumer does."""
    bank_in(folder).consume(Consume(str(file)))


def line(number: int) -> str:
    return json.dumps(
        {"id": f"e{number}", "user": f"c{number % 30:02}", "type": "viewed", "product": "p1", "at": "2025-05-01"}
    )


@pytest.mark.slow
def test_kills_of_server_and_consumer_lose_and_double_nothing(shop: Path, tmp_path: Path) -> None:
    draw = random.Random(7)
    numbers = [*range(COUNT), *range(COUNT)]
    draw.shuffle(numbers)
    file, told = tmp_path / "feed.jsonl", tmp_path / "told"
    file.write_text("".join(line(number) + "\n" for number in numbers))
    told.touch()
    log, fork = EventLog(bank_in(shop).home), multiprocessing.get_context("fork")
    for kill in range(KILLS):
        before = log.last()
        draw.shuffle(numbers)
        work = (sending, (shop, list(numbers), told)) if kill % 2 else (consuming, (shop, file))
        process = fork.Process(target=work[0], args=work[1])
        process.start()
        until = time.monotonic() + 20
        while log.last() == before < COUNT and process.is_alive() and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(draw.random() * 0.02)
        process.kill()
        process.join()
        acknowledged = {int(one) for one in told.read_text().splitlines(keepends=True) if one.endswith("\n")}
        assert acknowledged <= {int(one.event.id[1:]) for one in log.since()}
    consuming(shop, file)
    assert sorted(int(one.event.id[1:]) for one in log.since()) == list(range(COUNT))
    assert log.counts() == (COUNT, 0)


def test_dead_letters_of_a_feed_are_kept_once_with_their_reason(bank: Bank, tmp_path: Path) -> None:
    file = tmp_path / "feed.jsonl"
    bad = ["{", line(3).replace("viewed", "stolen"), line(4).replace('"e4"', '"e1"')]
    file.write_text("\n".join([line(1), "", *bad, line(2)]))
    for accepted, duplicates in ((2, 0), (0, 2)):
        done = bank.consume(Consume(str(file)))
        assert (done.read, done.accepted, done.duplicates, done.dead) == (5, accepted, duplicates, 3)
    found = [(one.place, one.kind) for one in bank.events.log.dead()]
    assert sorted(found) == [("line 3", "malformed"), ("line 4", "unknown-type"), ("line 5", "conflict")]
