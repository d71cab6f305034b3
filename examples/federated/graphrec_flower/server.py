"""The side of all: it asks the banks in turn, plans, and adds what they send.

It calls the command that FLOWER_GRAPHREC names (graphrec), and keeps nothing: files lie in a folder until the end.
Whoever runs it sees the totals of each round, as whoever runs `graphrec federate add`.
"""

import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from logging import INFO
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.common.logger import log
from flwr.serverapp import Grid, ServerApp

from graphrec_flower.command import CONTENT, Refused, federate

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Two rounds, and the totals to every bank."""
    options = context.run_config
    seconds = float(options["wait-seconds"])
    nodes = present(grid, int(options["banks"]), seconds)

    def ask(step: str, files: Mapping[str, bytes]) -> list[bytes]:
        content = RecordDict({CONTENT: ConfigRecord({"step": step, **files})})
        messages = [Message(content, dst_node_id=node, message_type="query") for node in nodes]
        found = answers(grid.send_and_receive(messages, timeout=seconds), len(nodes), step)
        log(INFO, "graphrec federate %s: %s", step, ", ".join(found))
        return [found[name] for name in sorted(found)]

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = ["--name", str(options["name"]), "--power", str(options["power"])]
        words += ["--min-group", str(options["min-group"]), *(["--final"] if options["final"] else [])]
        files = {"plan": made(folder, ["plan"], ask("join", {}), words)}
        (folder / "plan").write_bytes(files["plan"])
        for total in ("first", "second"):
            files[total] = made(folder, ["add", "plan"], ask("send", files), [])
        ask("finish", files)


def present(grid: Grid, banks: int, seconds: float) -> list[int]:
    """The SuperNodes, when all banks are there."""
    until = time.monotonic() + seconds
    while len(nodes := sorted(grid.get_node_ids())) < banks and time.monotonic() < until:
        time.sleep(0.2)
    if len(nodes) != banks:
        raise Refused(f"{len(nodes)} SuperNodes are there; want {banks}, one of each bank (--run-config banks=…)")
    return nodes


def answers(replies: Iterable[Message], banks: int, step: str) -> dict[str, bytes]:
    """The file of each bank by its name; raises Refused where one did not do the step."""
    found: dict[str, bytes] = {}
    refused = []
    for reply in replies:
        if reply.has_error():
            refused.append(f"SuperNode {reply.metadata.src_node_id} failed ({reply.error.reason}); see its log")
            continue
        answer = reply.content.config_records[CONTENT]
        if "said" in answer:
            refused.append(f"{answer['name']} refuses: {answer['said']}")
        else:
            found[str(answer["name"])] = bytes(answer["file"])
    if refused:
        raise Refused(f"{step}: {'; '.join(sorted(refused))}")
    if len(found) != banks:
        raise Refused(f"{step}: {len(found)} of {banks} banks answered ({', '.join(sorted(found))})")
    return found


def made(folder: Path, step: list[str], messages: list[bytes], words: list[str]) -> bytes:
    """What graphrec federate makes of the files of all banks."""
    names = [f"bank-{number}" for number in range(len(messages))]
    for name, message in zip(names, messages, strict=True):
        (folder / name).write_bytes(message)
    federate(os.environ.get("FLOWER_GRAPHREC", "graphrec"), ["federate", *step, *names, *words, "--out", "out"], folder)
    return (folder / "out").read_bytes()
