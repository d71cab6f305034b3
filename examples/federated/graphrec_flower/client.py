"""A bank's side: it joins, sends its sums under masks, and finishes.

What it does is fixed by the bank, in the options of its SuperNode (--node-config):

    name        of the bank
    home        of graphrec
    graphrec    the command, or its path
    known       a folder with the other banks' files of `graphrec federate join`, which came another way: a plan with
                another key for one of them is refused; empty: keys are compared by telephone before the first round
    min-group   a plan that shows counts of fewer customers is refused
"""

import json
import tempfile
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from graphrec_flower.command import CONTENT, Refused, federate, written

app = ClientApp()


@app.query()
def step(message: Message, context: Context) -> Message:
    """The file that a step makes, or what graphrec said."""
    asked = message.content.config_records[CONTENT]
    try:
        answer = ConfigRecord({"name": str(context.node_config["name"]), "file": done(asked, context.node_config)})
    except Refused as error:
        answer = ConfigRecord({"name": str(context.node_config.get("name", "")), "said": str(error)})
    return Message(RecordDict({CONTENT: answer}), reply_to=message)


def done(asked: ConfigRecord, options: dict[str, str | int | float | bool]) -> bytes:
    """Do a step: join, send or finish; raises Refused."""
    what = asked["step"]
    if what not in ("join", "send", "finish"):
        raise Refused(f"there is no step {what!r} of a bank; want join, send or finish")
    if "plan" in asked:
        check(asked["plan"], options)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        words = ["--home", str(options["home"]), "federate", str(what), *written(folder, asked)]
        words += ["--name", str(options["name"])] if what == "join" else []
        words += [] if what == "finish" else ["--out", "out"]
        federate(str(options.get("graphrec", "graphrec")), words, folder)
        return b"" if what == "finish" else (folder / "out").read_bytes()


def check(plan: object, options: dict[str, str | int | float | bool]) -> None:
    """Stop where a plan has another key for a known bank, or shows smaller groups than this bank allows."""
    assert isinstance(plan, bytes), "files are carried as bytes"
    told = json.loads(plan)
    for path in sorted(Path(str(options["known"])).glob("*.json")) if options.get("known") else ():
        other = json.loads(path.read_bytes())
        if told["banks"].get(other["bank"]) != other["public_key"]:
            raise Refused(
                f"the plan {told['round']} has another key of {other['bank']} than {path}; ask them by telephone"
            )
    least = int(options.get("min-group", 0))
    if told["min_group"] < least:
        raise Refused(f"the plan {told['round']} shows counts of {told['min_group']} customers; want {least} at least")
